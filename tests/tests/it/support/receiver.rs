//! Somebody who is called by webhooks, and checks signatures with a program of their own.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver as Inbox, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// What was told in one call.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// What is answered next: a status and a body, or nothing.
type Answers = Mutex<VecDeque<Option<(u16, String)>>>;

/// Answers in turn, and says `200 {}` once they are used up.
pub(crate) struct Receiver {
    pub(crate) url: String,
    answers: Arc<Answers>,
    inbox: Mutex<Inbox<Told>>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://127.0.0.1:{}/hook", listener.local_addr().unwrap().port());
        let answers: Arc<Answers> = Arc::default();
        let (outbox, inbox) = channel();
        let next = Arc::clone(&answers);
        std::thread::spawn(move || serve(&listener, &next, &outbox));
        Self { url, answers, inbox: Mutex::new(inbox) }
    }

    pub(crate) fn answer(&self, status: u16, body: &Value) {
        self.answers.lock().unwrap().push_back(Some((status, body.to_string())));
    }

    /// The next call is heard and never answered.
    pub(crate) fn keep_silent(&self) {
        self.answers.lock().unwrap().push_back(None);
    }

    /// The next call, as soon as it has come.
    pub(crate) fn next(&self) -> Told {
        self.inbox.lock().unwrap().recv_timeout(Duration::from_secs(30)).unwrap()
    }

    /// What has come and was not looked at.
    pub(crate) fn rest(&self) -> Vec<Told> {
        self.inbox.lock().unwrap().try_iter().collect()
    }
}

fn serve(listener: &TcpListener, answers: &Answers, outbox: &Sender<Told>) {
    let mut kept = Vec::new();
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { return };
        let told = read(&mut stream);
        let answer = answers.lock().unwrap().pop_front().unwrap_or_else(|| Some((200, "{}".to_owned())));
        let sent = outbox.send(told);
        match answer {
            Some((status, body)) => {
                let head =
                    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                // Whoever calls may be gone by now.
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
            }
            None => kept.push(stream),
        }
        if sent.is_err() {
            return;
        }
    }
}

fn read(stream: &mut TcpStream) -> Told {
    let (mut read, mut bytes) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&read).to_string();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let fields = head.lines().skip(1).filter_map(|line| line.split_once(": "));
            let headers: BTreeMap<_, _> = fields.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
            let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            if body.len() >= length {
                return Told { headers, body: body.to_owned() };
            }
        }
        let count = stream.read(&mut bytes).unwrap();
        assert_ne!(count, 0, "a request that breaks off: {text}");
        read.extend_from_slice(&bytes[..count]);
    }
}

impl Told {
    pub(crate) fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Whether one of the signatures is of this secret, as Standard Webhooks has it.
    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let signed = format!("{}.{}.{}", self.id(), self.headers["webhook-timestamp"], self.body);
        let expected = format!("v1,{}", STANDARD.encode(hmac(&key, signed.as_bytes())));
        self.headers["webhook-signature"].split(' ').any(|signature| signature == expected)
    }
}

/// RFC 2104, written out.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    assert!(key.len() <= 64);
    let pad = |with: u8| (0..64).map(|place| key.get(place).copied().unwrap_or_default() ^ with).collect::<Vec<u8>>();
    let inner = Sha256::digest([&pad(0x36), message].concat());
    Sha256::digest([&pad(0x5c)[..], &inner[..]].concat()).to_vec()
}
