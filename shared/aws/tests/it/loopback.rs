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
    pub(crate) fn start(acts: impl IntoIterator<Item = Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (mut acts, seen): (VecDeque<Act>, _) = (acts.into_iter().collect(), Arc::clone(&requests));
        std::thread::spawn(move || {
            while let Some(act) = acts.pop_front() {
                let Ok((mut stream, _)) = listener.accept() else { return };
                if matches!(act, Act::HangsUp) {
                    continue;
                }
                if matches!(act, Act::HangsUpAmid) {
                    let _ = stream.read(&mut [0; 64]);
                    continue;
                }
                seen.lock().unwrap().push(request(&mut stream));
                // Whoever is called need not wait for the answer.
                let _ = match act {
                    Act::HangsUp | Act::HangsUpAmid | Act::HangsUpAfter => Ok(()),
                    Act::Answer(text) => stream.write_all(text.as_bytes()),
                    Act::Stalls(text, time) => {
                        let written = stream.write_all(text.as_bytes());
                        std::thread::sleep(time);
                        written
                    }
                    Act::Floods => flood(&mut stream),
                };
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
    Act::Answer(format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
}
