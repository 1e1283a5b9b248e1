//! A mail server that keeps what it accepts, and is as bad as mail servers are allowed to be: it hangs up after having
//! accepted a mail, has no time, and is slow. What it keeps is the receiving end, at which mails are counted.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use carepath_tests::dice::Dice;

/// A mail that was accepted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Received {
    pub(crate) to: String,
    pub(crate) subject: String,
    /// As the tags of the mail have them.
    pub(crate) run: String,
    pub(crate) step: String,
    pub(crate) attempt: String,
    pub(crate) message_id: String,
    /// Whether it was told so to whoever sent it.
    pub(crate) answered: bool,
}

/// What it has done.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) mails: Vec<Received>,
    pub(crate) turned_away: usize,
}

/// The server. It is as bad as said until it is [`sober`](Self::sober).
pub(crate) struct PostOffice {
    pub(crate) url: String,
    book: Arc<Mutex<Book>>,
    dice: Arc<Mutex<Option<Dice>>>,
}

impl PostOffice {
    pub(crate) fn listen(dice: Dice) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let (book, dice) = (Arc::new(Mutex::new(Book::default())), Arc::new(Mutex::new(Some(dice))));
        let (kept, thrown) = (Arc::clone(&book), Arc::clone(&dice));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (book, dice) = (Arc::clone(&kept), Arc::clone(&thrown));
                // Whoever is killed hangs up as it comes: that is no fault of the test.
                std::thread::spawn(move || drop(converse(stream.unwrap(), &book, &dice)));
            }
        });
        Self { url, book, dice }
    }

    /// From now on it does what it should.
    pub(crate) fn sober(&self) {
        *self.dice.lock().unwrap() = None;
    }

    pub(crate) fn mails(&self) -> Vec<Received> {
        self.book.lock().unwrap().mails.clone()
    }

    pub(crate) fn turned_away(&self) -> usize {
        self.book.lock().unwrap().turned_away
    }
}

/// How one mail is treated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Treatment {
    Fine,
    /// It is accepted, and the connection dies before the answer.
    HangUp,
    /// There is no time for it.
    TurnAway,
    /// It is accepted, and the answer takes its time.
    Slow(Duration),
}

fn treatment(dice: &Mutex<Option<Dice>>) -> Treatment {
    let Some(dice) = &mut *dice.lock().unwrap() else { return Treatment::Fine };
    match dice.below(100) {
        0..=7 => Treatment::HangUp,
        8..=14 => Treatment::TurnAway,
        15..=24 => Treatment::Slow(Duration::from_millis(dice.below(300))),
        _ => Treatment::Fine,
    }
}

fn converse(mut stream: TcpStream, book: &Mutex<Book>, dice: &Mutex<Option<Dice>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    stream.write_all(b"220 post office\r\n")?;
    while let Some(line) = lines.next() {
        let line = line?;
        if !line.to_ascii_uppercase().starts_with("DATA") {
            stream.write_all(b"250 fine\r\n")?;
            continue;
        }
        let how = treatment(dice);
        if how == Treatment::TurnAway {
            book.lock().unwrap().turned_away += 1;
            stream.write_all(b"451 no time\r\n")?;
            continue;
        }
        stream.write_all(b"354 go on\r\n")?;
        let mut mail = read(&mut lines)?;
        mail.answered = how != Treatment::HangUp;
        book.lock().unwrap().mails.push(mail);
        match how {
            Treatment::HangUp => return Ok(()),
            Treatment::Slow(pause) => std::thread::sleep(pause),
            Treatment::Fine | Treatment::TurnAway => {}
        }
        stream.write_all(b"250 taken\r\n")?;
    }
    Ok(())
}

/// Reads a mail to its end. One that breaks off was not accepted.
fn read(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> std::io::Result<Received> {
    let (mut headers, mut in_headers) = (Vec::<String>::new(), true);
    for line in lines {
        let line = line?;
        if line == "." {
            return Ok(received(&headers));
        }
        in_headers &= !line.is_empty();
        match headers.last_mut() {
            // A long header goes on in lines that begin with a blank.
            Some(last) if in_headers && line.starts_with([' ', '\t']) => last.push_str(&line),
            _ if in_headers => headers.push(line),
            _ => {}
        }
    }
    Err(std::io::ErrorKind::UnexpectedEof.into())
}

fn received(headers: &[String]) -> Received {
    let header = |wanted: &str| {
        let found = headers.iter().filter_map(|line| line.split_once(':'));
        let mut found = found.filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.next().map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let tags = header("x-ses-message-tags");
    let tag = |wanted: &str| {
        let mut tags = tags.split(',').filter_map(|tag| tag.trim().split_once('='));
        tags.find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    Received {
        to: header("to"),
        subject: header("subject"),
        run: tag("run"),
        step: tag("step"),
        attempt: tag("attempt"),
        message_id: header("message-id").trim_matches(['<', '>']).to_owned(),
        answered: true,
    }
}
