//! How fast the functions start, how large they are and how much they hold, beside a function that does nothing. `make bench`
//! builds them and plays this.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dynoxide::Database;
use tokio::net::TcpListener as AsyncListener;

use crate::database;

/// Each function is started so often, and the middle counts.
const STARTS: usize = 15;

/// What one start showed.
#[derive(Debug, Clone, Copy)]
struct Start {
    first_poll: Duration,
    first_answer: Duration,
    resident: u64,
}

/// A function under test: stopped when it is let go.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a function, hands it one event and waits for its answer.
fn start(binary: &Path, tables: &str, event: &str) -> Start {
    let runtime = TcpListener::bind("127.0.0.1:0").unwrap();
    let queue = "http://127.0.0.1:1/queue";
    let mut command = Command::new(binary);
    command.env_clear().envs([
        ("AWS_LAMBDA_RUNTIME_API", runtime.local_addr().unwrap().to_string().as_str()),
        ("AWS_LAMBDA_FUNCTION_NAME", "carepath"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "l"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "l"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "stands-in"),
        ("AWS_SECRET_ACCESS_KEY", "stands-in"),
        ("AWS_ENDPOINT_URL", tables),
        ("CAREPATH_TIMERS", "due"),
        ("CAREPATH_WORK_QUEUE_URL", queue),
        ("CAREPATH_DEAD_LETTER_URL", queue),
        ("CAREPATH_CONFIGURATION_SET_PREFIX", "carepath-"),
        ("CAREPATH_MAIL_EVENTS_BUCKET", "carepath-mail-events"),
        ("CAREPATH_ENGAGEMENT_QUEUE_URL", "http://127.0.0.1:1/1/engagement"),
        ("CAREPATH_ENGAGEMENT_DEAD_LETTER_URL", "http://127.0.0.1:1/1/engagement-dlq"),
        ("CAREPATH_ONE_STREAM_SHARD", "true"),
    ]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let running = Running(command.spawn().unwrap());
    let pid = running.0.id();
    let (mut first_poll, mut first_answer) = (None, None);
    while first_answer.is_none() {
        let (stream, _) = runtime.accept().unwrap();
        serve(stream, event, &mut |is_poll| {
            if is_poll {
                first_poll.get_or_insert_with(|| begun.elapsed());
            } else {
                // It waits to hear that its answer has come in: after that nobody knows how long it is there.
                first_answer.get_or_insert_with(|| (begun.elapsed(), resident(pid)));
            }
        });
    }
    let (first_answer, resident) = first_answer.unwrap();
    Start { first_poll: first_poll.unwrap(), first_answer, resident }
}

/// Kilobytes that a process holds.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// The runtime's interface on one connection, until an answer has come in.
fn serve(mut stream: TcpStream, event: &str, seen: &mut impl FnMut(bool)) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let (mut line, mut length) = (String::new(), 0);
        if reader.read_line(&mut line).unwrap_or_default() == 0 {
            return;
        }
        let poll = line.starts_with("GET ");
        seen(poll);
        while line.trim() != "" {
            line.clear();
            reader.read_line(&mut line).unwrap();
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = text.trim().parse().unwrap();
            }
        }
        reader.read_exact(&mut vec![0; length]).unwrap();
        if !poll {
            let _ = stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n");
            return;
        }
        let deadline = jiff::Timestamp::now().as_millisecond() + 30_000;
        let head = format!(
            "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: r-1\r\nlambda-runtime-deadline-ms: {deadline}\r\n\
             lambda-runtime-invoked-function-arn: arn:aws:lambda:us-east-1:1:function:f\r\ncontent-length: {}\r\n\r\n{event}",
            event.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
    }
}

fn middle<T: Ord + Copy>(starts: &[Start], of: impl Fn(&Start) -> T) -> T {
    let mut all: Vec<T> = starts.iter().map(of).collect();
    all.sort();
    all[all.len() / 2]
}

fn folder() -> PathBuf {
    let folder = std::env::var_os("CAREPATH_LAMBDAS").map(PathBuf::from);
    folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/release"))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures the release binaries: `make bench` builds them and plays it"]
async fn the_functions_are_small_and_start_fast() {
    let listener = AsyncListener::bind("127.0.0.1:0").await.unwrap();
    let tables = format!("http://{}", listener.local_addr().unwrap());
    let served = Database::memory().unwrap();
    tokio::spawn(dynoxide::server::serve_on(listener, served.clone()));
    let options = carepath_aws::Options::default();
    let store = carepath_aws::DynamoStore::in_process(
        move |target, body| database::prepare(&served, target, body, true)(),
        &options,
    );
    store.create_tables().await.unwrap();

    let api = r#"{"version":"2.0","routeKey":"GET /healthz","rawPath":"/healthz","rawQueryString":"","headers":{},"requestContext":{"accountId":"1","apiId":"a","stage":"$default","requestId":"r","routeKey":"$default","timeEpoch":0,"http":{"method":"GET","path":"/healthz","protocol":"HTTP/1.1","sourceIp":"::1","userAgent":"t"}},"isBase64Encoded":false}"#;
    let batch = r#"{"Records":[]}"#;
    let functions = [
        ("examples/empty", batch),
        ("carepath-api", api),
        ("carepath-engagement", batch),
        ("carepath-executor", batch),
        ("carepath-projector", batch),
        ("carepath-timer", batch),
    ];
    let mut table =
        format!("\n  {:<20} {:>8} {:>12} {:>14} {:>10}\n", "", "size", "first poll", "first answer", "resident");
    for (name, event) in functions {
        let binary = folder().join(name);
        let Ok(file) = std::fs::metadata(&binary) else {
            writeln!(table, "  {name:<20} is not built").unwrap();
            continue;
        };
        let starts = tokio::task::block_in_place(|| -> Vec<Start> {
            (0..STARTS).map(|_| start(&binary, &tables, event)).collect()
        });
        let resident = megabytes(middle(&starts, |start| start.resident) * 1_024);
        assert!(megabytes(file.len()) <= 15.0 && resident <= 20.0, "{name} has grown: {starts:?}");
        writeln!(
            table,
            "  {name:<20} {:>5.1} MB {:>9.1} ms {:>11.1} ms {:>7.1} MB",
            megabytes(file.len()),
            middle(&starts, |start| start.first_poll).as_secs_f64() * 1_000.0,
            middle(&starts, |start| start.first_answer).as_secs_f64() * 1_000.0,
            resident,
        )
        .unwrap();
    }
    println!("{table}\n  the middle of {STARTS} starts on this machine");
}

#[expect(clippy::cast_precision_loss, reason = "it is printed with one digit after the point")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}
