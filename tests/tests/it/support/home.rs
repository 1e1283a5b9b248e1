//! The built command, and folders to run it in.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use carepath_tests::root;
use serde_json::Value;
use tempfile::TempDir;

/// The command as this build has it: it lies beside the folder of the tests.
pub(crate) fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let built = test.ancestors().nth(2).unwrap().join("carepath");
    assert!(
        built.is_file(),
        "{} is not there: `cargo build -p carepath` builds it, as `make test` does",
        built.display()
    );
    built
}

/// What the command said and answered.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("stdout is no JSON: {self:?}"))
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs the command to its end, from the root of the repository, without what the environment would add.
pub(crate) fn carepath(args: &[&str]) -> Said {
    let output = Command::new(program()).args(args).current_dir(root()).env_remove("CAREPATH_API_KEY").output();
    output.unwrap().into()
}

/// A folder that outlives the processes in it, and what these are told to log.
pub(crate) struct Home(TempDir, &'static str);

/// A process that serves, and where.
pub(crate) struct Serving {
    pub(crate) child: Child,
    pub(crate) told: Value,
    /// Held open: who writes to a closed one is told off.
    _stdout: BufReader<ChildStdout>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have been stopped before: then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Home {
    pub(crate) fn new() -> Self {
        Self::logging("warn,carepath=info")
    }

    /// One whose processes are told in `RUST_LOG` what to log.
    pub(crate) fn logging(what: &'static str) -> Self {
        Self(tempfile::tempdir().unwrap(), what)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// What the processes have logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.0.path().join("log")).unwrap_or_default()
    }

    /// Starts `carepath dev` here and waits until it says that it serves.
    pub(crate) fn serve(&self, more: &[&str]) -> Serving {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.0.path().join("log")).unwrap();
        let data = self.data();
        let mut child = Command::new(program())
            .args(["dev", "--port", "0", "--clock", "manual", "--data", data.to_str().unwrap()])
            .args(more)
            .env("RUST_LOG", self.1)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("Carepath is running") {
            line.clear();
            assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "carepath dev does not serve: {}", self.log());
        }
        let told = std::fs::read_to_string(data.join("dev.json")).unwrap();
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["pid"], child.id(), "dev.json is of the process that serves");
        Serving { child, told, _stdout: stdout }
    }
}
