//! What stands before the mail service of the deployed system: it hands mails on and is as bad as SES is allowed to be. It
//! keeps what was accepted, with the tags that are not kept behind it: this is the receiving end, at which mails are counted.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use carepath_tests::dice::Dice;
use serde_json::Value;

/// A mail that was accepted.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) to: String,
    pub(crate) run: String,
    pub(crate) step: String,
    pub(crate) attempt: String,
    pub(crate) message_id: String,
    /// Whether whoever sent it was told so.
    pub(crate) answered: bool,
}

/// What it has done.
#[derive(Debug, Default)]
struct Book {
    mails: Vec<Received>,
    turned_away: usize,
    dropped: usize,
    /// The ports of those whose mails it has in its hands.
    in_hand: BTreeSet<u16>,
}

/// The post. It is as bad as said until it is [`sober`](Self::sober).
#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) url: String,
    behind: String,
    book: Arc<Mutex<Book>>,
    dice: Arc<Mutex<Option<Dice>>>,
}

/// How one mail is treated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Treatment {
    Fine,
    /// It is accepted, and the connection dies before the answer.
    HangUp,
    /// The connection dies, and nobody has the mail.
    Drop,
    /// There is no time for it.
    TurnAway,
}

impl Post {
    /// Before the mail service at this address (`127.0.0.1:4566`).
    pub(crate) fn open(behind: &str, dice: Dice) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let post = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            behind: behind.to_owned(),
            book: Arc::default(),
            dice: Arc::new(Mutex::new(Some(dice))),
        };
        let serving = post.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let post = serving.clone();
                // Whoever is killed hangs up as it comes: that is no fault of the test.
                std::thread::spawn(move || drop(post.serve(stream.unwrap())));
            }
        });
        post
    }

    /// From now on it does what it should.
    pub(crate) fn sober(&self) {
        *self.dice.lock().unwrap() = None;
    }

    pub(crate) fn mails(&self) -> Vec<Received> {
        self.book.lock().unwrap().mails.clone()
    }

    /// How many mails it had no time for, and how many it let fall in silence.
    pub(crate) fn not_taken(&self) -> (usize, usize) {
        let book = self.book.lock().unwrap();
        (book.turned_away, book.dropped)
    }

    /// The ports of those who wait for an answer about a mail.
    pub(crate) fn in_hand(&self) -> BTreeSet<u16> {
        self.book.lock().unwrap().in_hand.clone()
    }

    /// How the next mail is treated, and how long it lies here before it is handed on and afterwards.
    fn treatment(&self) -> (Treatment, [Duration; 2]) {
        let Some(dice) = &mut *self.dice.lock().unwrap() else { return (Treatment::Fine, [Duration::ZERO; 2]) };
        let how = match dice.below(100) {
            0..=5 => Treatment::HangUp,
            6..=7 => Treatment::Drop,
            8..=13 => Treatment::TurnAway,
            _ => Treatment::Fine,
        };
        (how, [60, 400].map(|most| Duration::from_millis(dice.below(most))))
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let (request, body) = read(&mut stream)?;
        if !request.starts_with(b"POST /v2/email/outbound-emails ") {
            let (head, body) = self.hand_on(&request)?;
            return answer(&mut stream, &head, &body);
        }
        let port = stream.peer_addr()?.port();
        self.book.lock().unwrap().in_hand.insert(port);
        let done = self.take(&mut stream, &request, &body);
        self.book.lock().unwrap().in_hand.remove(&port);
        done
    }

    fn take(&self, stream: &mut TcpStream, request: &[u8], body: &[u8]) -> std::io::Result<()> {
        let (how, [before, after]) = self.treatment();
        std::thread::sleep(before);
        match how {
            Treatment::Drop => {
                self.book.lock().unwrap().dropped += 1;
                return Ok(());
            }
            Treatment::TurnAway => {
                self.book.lock().unwrap().turned_away += 1;
                let said = "429 Too Many Requests\r\nx-amzn-errortype: TooManyRequestsException";
                return answer(stream, said, r#"{"message":"Maximum sending rate exceeded."}"#);
            }
            Treatment::Fine | Treatment::HangUp => {}
        }
        let (head, said) = self.hand_on(request)?;
        let told: Value = serde_json::from_str(&said).unwrap_or_default();
        if let Some(id) = told["MessageId"].as_str() {
            let mail: Value = serde_json::from_slice(body).unwrap();
            self.book.lock().unwrap().mails.push(received(&mail, id, how != Treatment::HangUp));
        }
        std::thread::sleep(after);
        if how == Treatment::HangUp { Ok(()) } else { answer(stream, &head, &said) }
    }

    /// Asks the service behind, and returns the status and what it said.
    fn hand_on(&self, request: &[u8]) -> std::io::Result<(String, String)> {
        let mut behind = TcpStream::connect(&self.behind)?;
        let end_of_line = request.windows(2).position(|two| two == b"\r\n").unwrap() + 2;
        behind.write_all(&request[..end_of_line])?;
        behind.write_all(b"connection: close\r\n")?;
        behind.write_all(&request[end_of_line..])?;
        let mut all = String::new();
        behind.read_to_string(&mut all)?;
        let (head, body) = all.split_once("\r\n\r\n").unwrap_or_default();
        let status = head.lines().next().unwrap_or_default().split_once(' ').unwrap_or_default().1;
        // The body may come in chunks; what is asked here is told in one object.
        let body = body.find('{').zip(body.rfind('}')).map(|(from, to)| &body[from..=to]).unwrap_or_default();
        Ok((status.to_owned(), body.to_owned()))
    }
}

/// A request, whole, and its body.
fn read(stream: &mut TcpStream) -> std::io::Result<(Vec<u8>, Vec<u8>)> {
    let (mut read, mut bytes) = (Vec::new(), [0; 16_384]);
    loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
            if read.len() >= end + 4 + length.unwrap_or_default() {
                let body = read[end + 4..].to_vec();
                return Ok((read, body));
            }
        }
        match stream.read(&mut bytes)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => read.extend_from_slice(&bytes[..count]),
        }
    }
}

fn answer(stream: &mut TcpStream, head: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {head}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes())
}

fn received(mail: &Value, id: &str, answered: bool) -> Received {
    let tags = mail["EmailTags"].as_array().unwrap();
    let tag = |name: &str| {
        let found = tags.iter().find(|tag| tag["Name"] == name).unwrap();
        found["Value"].as_str().unwrap().to_owned()
    };
    Received {
        to: mail["Destination"]["ToAddresses"][0].as_str().unwrap().to_owned(),
        run: tag("run"),
        step: tag("step"),
        attempt: tag("attempt"),
        message_id: id.to_owned(),
        answered,
    }
}
