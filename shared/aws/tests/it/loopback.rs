//! A server on this machine that answers as it is told, over real connections.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the server does with one connection.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Reads the request and answers with this.
    Answer(String),
    /// Reads nothing and hangs up.
    HangsUp,
    /// Reads the head of the request, or a part of it, and hangs up.
    HangsUpAmid,
    /// Reads the request and hangs up.
    HangsUpAfter,
    /// Reads the request, answers with this, and then nothing for so long.
    Stalls(String, Duration),
    /// Answers without an end.
    Floods,
}

pub(crate) struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Does one of the acts with each connection, in their order, and then no more.
    pub(crate) fn start(acts: impl IntoIterator<Item = Act>) -> Self {
        let mut acts: VecDeque<Act> = acts.into_iter().collect();
        Self::serving(move |stream, seen| {
            let act = acts.pop_front()?;
            match act {
                Act::HangsUp => {}
                Act::HangsUpAmid => drop(stream.read(&mut [0; 64])),
                Act::Answer(_) | Act::HangsUpAfter | Act::Stalls(..) | Act::Floods => {
                    seen.lock().unwrap().push(request(stream));
                    perform(&act, stream);
                }
            }
            (!acts.is_empty()).then_some(())
        })
    }

    /// Reads each request, and does with it what it is told.
    pub(crate) fn answering(act: impl Fn(&str) -> Act + Send + 'static) -> Self {
        Self::serving(move |stream, seen| {
            let request = request(stream);
            seen.lock().unwrap().push(request.clone());
            perform(&act(&request), stream);
            Some(())
        })
    }

    /// Serves one connection after the other, until there is nothing more to do.
    fn serving(mut serve: impl FnMut(&mut TcpStream, &Mutex<Vec<String>>) -> Option<()> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                if serve(&mut stream, &seen).is_none() {
                    return;
                }
            }
        });
        Self { port, requests }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Does an act with a connection whose request was read.
fn perform(act: &Act, stream: &mut TcpStream) {
    // Whoever is called need not wait for the answer.
    let _ = match act {
        Act::HangsUp | Act::HangsUpAmid | Act::HangsUpAfter => Ok(()),
        Act::Answer(text) => stream.write_all(text.as_bytes()),
        Act::Stalls(text, time) => {
            let written = stream.write_all(text.as_bytes());
            std::thread::sleep(*time);
            written
        }
        Act::Floods => flood(stream),
    };
}

fn request(stream: &mut TcpStream) -> String {
    let (mut read, mut bytes) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&read).to_string();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if body.len() >= length.unwrap_or_default() {
                return text;
            }
        }
        match stream.read(&mut bytes) {
            Ok(0) | Err(_) => return text,
            Ok(count) => read.extend_from_slice(&bytes[..count]),
        }
    }
}

fn flood(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
    loop {
        stream.write_all(&[b'x'; 8_192])?;
    }
}

pub(crate) fn answer(head: &str, body: &str) -> Act {
    // Who does not say that it hangs up is asked again over the same connection.
    Act::Answer(format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
}
