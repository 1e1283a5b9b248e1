//! Taking hold of a data folder and an address.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use axum::Router;
use carepath_app::ports::{Clock as _, Work};
use clap::Parser;

use super::{Args, DevError, Premises};
use crate::dev::tests::Notes;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn args(folder: &Path, port: u16) -> Args {
    let data = folder.to_string_lossy();
    Line::try_parse_from(["dev", "--data", &data, "--port", &port.to_string(), "--clock", "manual"]).unwrap().args
}

#[tokio::test]
async fn one_process_has_the_data_and_the_next_start_has_the_same_key() {
    let folder = tempfile::tempdir().unwrap();
    let first = Premises::open(&args(folder.path(), 0)).await.unwrap();
    let second = Premises::open(&args(folder.path(), 0)).await;
    assert!(matches!(second, Err(DevError::InUse(_))));
    let key = first.api_key.clone();
    assert!(key.starts_with("cp_") && key.len() == 35);
    drop(first);
    assert_eq!(Premises::open(&args(folder.path(), 0)).await.unwrap().api_key, key);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let Err(error) = Premises::open(&args(folder.path(), port)).await else { panic!("two have the port") };
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}

#[tokio::test]
async fn where_it_serves_is_written_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let premises = Premises::open(&args(folder.path(), 0)).await.unwrap();
    let notes = Notes::new(&premises.ports.clock);
    let url = super::base_url(premises.listener.local_addr().unwrap());
    let serving = tokio::spawn(premises.serve(notes, Router::new(), false));
    let answer = reqwest::get(format!("{url}/_dev/clock")).await.unwrap();
    assert_eq!(answer.status(), 200);
    let file = folder.path().join("dev.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let told: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(
        (told["api_url"].as_str().unwrap(), told["mailbox_url"].as_str().unwrap()),
        (url.as_str(), format!("{url}/mailbox").as_str())
    );
    serving.abort();
}

/// S8: of each mail that is on its way to another server when the process dies nobody knows, so few are at a time; what goes
/// into the mailbox is known, and goes in as fast as it can.
#[tokio::test]
async fn s8_few_mails_are_on_their_way_at_a_time_where_they_leave_the_process() {
    for (smtp, most) in [(Some("smtp://127.0.0.1:1".to_owned()), 8), (None, 100)] {
        let folder = tempfile::tempdir().unwrap();
        let premises = Premises::open(&Args { smtp, ..args(folder.path(), 0) }).await.unwrap();
        let notes = Notes::new(&premises.ports.clock);
        let (queue, now) = (premises.ports.queue.clone(), premises.ports.clock.now());
        for nth in 0..100_u8 {
            let letter = |by: u8| char::from(b'a' + nth / by % 26);
            let contact = format!("ct_{}{}{}", "a".repeat(18), letter(26), letter(1)).parse().unwrap();
            queue.leave(Work::Event { contact, event: "e".to_owned() }, now);
        }
        let serving = tokio::spawn(premises.serve(notes.clone(), Router::new(), false));
        queue.settled().await;
        assert_eq!((notes.done.lock().unwrap().len(), notes.most_at_once()), (100, most));
        serving.abort();
    }
}
