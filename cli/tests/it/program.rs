//! Running the built command.

#![expect(clippy::expect_used, reason = "helpers fail their test")]

use std::path::PathBuf;
use std::process::Command;

/// What the command said and answered.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).expect("stdout is JSON")
    }
}

/// Runs `carepath` from the root of the repository, without what this machine's environment would add.
pub(crate) fn carepath(args: &[&str]) -> Said {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = Command::new(env!("CARGO_BIN_EXE_carepath"))
        .args(args)
        .current_dir(root)
        .env_remove("CAREPATH_API_KEY")
        .env("COLUMNS", "100")
        .output()
        .expect("the command runs");
    Said {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
    }
}
