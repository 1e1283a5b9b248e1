//! Takes the built console into the binary, where there is one. Rust builds without Node: then the page says how to build it.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../console/dist");
    // The folder is part of the repository, so cargo can watch it before anything was built.
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    if folder.join("index.html").is_file() {
        collect(&folder, &folder, &mut files)?;
    }
    files.sort();
    let mut table = String::from("&[\n");
    for (name, file) in files {
        writeln!(table, "    ({name:?}, include_bytes!({file:?})),")?;
    }
    table.push_str("]\n");
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("console.rs"), table)?;
    Ok(())
}

fn collect(root: &Path, folder: &Path, into: &mut Vec<(String, String)>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, into)?;
            continue;
        }
        let name = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
        // The server writes its own configuration, and what Git needs is nobody's to read.
        if !["config.json", "manifest.json"].contains(&name.as_str()) && !name.starts_with('.') {
            into.push((name, fs::canonicalize(&path)?.to_string_lossy().into_owned()));
        }
    }
    Ok(())
}
