//! Taking hold of a data folder and an address.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use axum::Router;
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
