//! A mail server that takes mails and never says so.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// The server.
pub(crate) struct Silent {
    pub(crate) url: String,
    mails: Arc<AtomicUsize>,
    told: Receiver<()>,
}

impl Silent {
    pub(crate) fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let mails = Arc::new(AtomicUsize::new(0));
        let (tell, told) = channel();
        let counted = Arc::clone(&mails);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (counted, tell) = (Arc::clone(&counted), tell.clone());
                std::thread::spawn(move || converse(stream.unwrap(), &counted, &tell));
            }
        });
        Self { url, mails, told }
    }

    /// Waits until it has been handed a mail.
    pub(crate) fn has_a_mail(&self) {
        self.told.recv_timeout(Duration::from_mins(1)).unwrap();
    }

    /// How many it has been handed.
    pub(crate) fn mails(&self) -> usize {
        self.mails.load(Ordering::SeqCst)
    }
}

fn converse(mut stream: TcpStream, mails: &AtomicUsize, tell: &Sender<()>) {
    let lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut in_mail = false;
    stream.write_all(b"220 silent\r\n").unwrap();
    for line in lines {
        // Whoever is killed hangs up as it comes.
        let Ok(line) = line else { return };
        let answer: &[u8] = match line.to_ascii_uppercase().as_str() {
            "." if in_mail => {
                mails.fetch_add(1, Ordering::SeqCst);
                let _ = tell.send(());
                in_mail = false;
                continue;
            }
            _ if in_mail => continue,
            "DATA" => {
                in_mail = true;
                b"354 go on\r\n"
            }
            _ => b"250 fine\r\n",
        };
        if stream.write_all(answer).is_err() {
            return;
        }
    }
}
