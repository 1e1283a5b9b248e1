//! Who kills functions in the middle of what they do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use carepath_tests::dice::Dice;

use super::post::Post;
use crate::installation::Installation;

/// The functions that are killed; some more often, since they do what cannot be undone.
const VICTIMS: [&str; 8] = ["executor", "executor", "executor", "executor", "engagement", "projector", "timer", "api"];

/// What the log says of a function that ended before it had answered.
const CUT_OFF: &str = ": Runtime exited before returning a response";

/// Kills a function with `kill -9`, at best in the middle of a batch.
pub(crate) async fn kill_one(on: &Installation, post: &Post, dice: &mut Dice) {
    let victim = VICTIMS[usize::try_from(dice.below(VICTIMS.len() as u64)).unwrap()];
    tokio::time::sleep(Duration::from_millis(dice.below(300))).await;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(2) {
        let processes = processes(on, victim);
        let busy = if victim == "executor" {
            let sending = sockets(&post.in_hand());
            processes.iter().find(|pid| holds(**pid, &sending))
        } else {
            processes.iter().find(|pid| stat(**pid).is_some_and(|(state, _)| state == 'R'))
        };
        if let Some(pid) = busy {
            let killed = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
            assert!(killed.is_ok(), "there is no kill here");
            return;
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

/// How often each function was killed while it had something in its hands, by what the log says.
pub(crate) fn cut_off(on: &Installation) -> BTreeMap<String, usize> {
    let log = String::from_utf8_lossy(&std::fs::read(on.text("/log")).unwrap()).into_owned();
    let mut found = BTreeMap::new();
    // Other lines tell of the same from the side of the queue.
    for line in log.lines().filter_map(|line| line.strip_suffix(CUT_OFF)) {
        if let Some((_, name)) = line.rsplit_once("Lambda carepath-") {
            *found.entry(name.to_owned()).or_default() += 1;
        }
    }
    found
}

/// The processes of a function.
fn processes(on: &Installation, function: &str) -> Vec<u32> {
    let parent = on.stack["ministack_pid"].as_u64().unwrap();
    let name = format!("AWS_LAMBDA_FUNCTION_NAME={}", on.text(&format!("/functions/{function}")));
    let pids = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| stat(*pid).is_some_and(|(_, of)| of == parent))
        .filter(|pid| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|one| one == name.as_bytes())
        })
        .collect()
}

/// What a process does, and whose child it is.
fn stat(pid: u32) -> Option<(char, u64)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut after_name = stat.rsplit_once(')')?.1.split_whitespace();
    Some((after_name.next()?.chars().next()?, after_name.next()?.parse().ok()?))
}

/// The sockets that have these ports on their own side, as links in `/proc/PID/fd` name them.
fn sockets(ports: &BTreeSet<u16>) -> BTreeSet<String> {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let of_line = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let port = u16::from_str_radix(fields.get(1)?.split_once(':')?.1, 16).ok()?;
        ports.contains(&port).then(|| format!("socket:[{}]", fields.get(9).unwrap_or(&"")))
    };
    table.lines().skip(1).filter_map(of_line).collect()
}

fn holds(pid: u32, sockets: &BTreeSet<String>) -> bool {
    let Ok(open) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .any(|to| to.to_str().is_some_and(|to| sockets.contains(to)))
}
