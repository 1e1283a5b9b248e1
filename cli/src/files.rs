//! Documents in files: found, read, and told apart by their fields.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use carepath_engine::json;
use serde_json::Value;

use crate::failure::Failure;

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The attributes that are declared.
    Schema,
    /// A segment.
    Segment,
    /// A template.
    Template,
    /// A workflow.
    Workflow,
}

impl Kind {
    /// As people and the API's paths name several of it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Segment => "segment",
            Self::Template => "template",
            Self::Workflow => "workflow",
        }
    }
}

/// A document in a file.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    /// Where it is, as the user would name it.
    pub(crate) file: String,
    /// What it is.
    pub(crate) kind: Kind,
    /// What it says.
    pub(crate) body: Value,
    /// Its text, for line numbers.
    pub(crate) text: String,
    /// Whether it was not asked for, and only lies beside what was: it is known, but its faults are not told.
    pub(crate) beside: bool,
}

impl Document {
    /// Its id; empty where it has none.
    pub(crate) fn id(&self) -> &str {
        self.body.get("id").and_then(Value::as_str).unwrap_or_default()
    }
}

/// A file that is no YAML or JSON.
#[derive(Debug, Clone)]
pub(crate) struct Unreadable {
    /// Which.
    pub(crate) file: String,
    /// On which line, counted from 1, where that is known.
    pub(crate) line: Option<u64>,
    /// Why.
    pub(crate) message: String,
}

/// What the paths hold.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// What could be read, in the order: schema, segments, templates, workflows.
    pub(crate) documents: Vec<Document>,
    /// What could not.
    pub(crate) unreadable: Vec<Unreadable>,
}

/// Reads all documents at the paths; folders are walked. A script of events beside them is no document and left out.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Found, Failure> {
    let (mut files, mut seen) = (Vec::new(), BTreeSet::new());
    for path in paths {
        walk(path, true, &mut seen, &mut files)?;
    }
    let mut found = Found::default();
    for path in files {
        let text = std::fs::read_to_string(&path).map_err(|error| Failure::read(&path, error))?;
        let file = path.display().to_string();
        match parse(&file, &text) {
            Ok(body) => {
                if let Some(kind) = kind_of(&body) {
                    found.documents.push(Document { file, kind, body, text, beside: false });
                }
            }
            Err(NotRead { line, message }) => found.unreadable.push(Unreadable { file, line, message }),
        }
    }
    found.documents.sort_by_key(|document| document.kind);
    Ok(found)
}

/// What lies beside the workflows among the documents, as the examples are laid out: `schema.yaml`, `segments/` and
/// `templates/`. What cannot be read there is left out: whoever needs it is told that it is missing.
pub(crate) fn neighbours(found: &Found) -> Vec<Document> {
    let real = |path: &Path| path.canonicalize().ok();
    let mut seen: BTreeSet<PathBuf> = found.documents.iter().filter_map(|known| real(Path::new(&known.file))).collect();
    let mut files = Vec::new();
    for document in found.documents.iter().filter(|document| document.kind == Kind::Workflow) {
        let folder = Path::new(&document.file).parent().unwrap_or(Path::new(""));
        for name in ["schema.yaml", "schema.yml", "schema.json", "segments", "templates"] {
            // That there is no such file is no fault.
            let _ = walk(&folder.join(name), false, &mut BTreeSet::new(), &mut files);
        }
    }
    let mut beside = Vec::new();
    for path in files.into_iter().filter(|path| real(path).is_some_and(|path| seen.insert(path))) {
        let file = path.display().to_string();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let Ok(body) = parse(&file, &text) else { continue };
        let Some(kind) = kind_of(&body).filter(|kind| *kind != Kind::Workflow) else { continue };
        let known =
            |known: &Document| known.kind == kind && kind != Kind::Schema && known.body.get("id") == body.get("id");
        if !found.documents.iter().any(known) {
            beside.push(Document { file, kind, body, text, beside: true });
        }
    }
    beside
}

/// Reads documents that are part of this program, by their names and texts.
pub(crate) fn built_in(files: &[(&str, &str)]) -> Result<Found, Failure> {
    let mut found = Found::default();
    for (file, text) in files {
        let body = parse(file, text).map_err(|error| Failure::File(error.message))?;
        if let Some(kind) = kind_of(&body) {
            found.documents.push(Document { file: (*file).into(), kind, body, text: (*text).into(), beside: false });
        }
    }
    found.documents.sort_by_key(|document| document.kind);
    Ok(found)
}

/// Collects the files at a path. A folder that was `seen` is not walked again: a link may lead back to where it is.
fn walk(path: &Path, named: bool, seen: &mut BTreeSet<PathBuf>, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let metadata = std::fs::metadata(path).map_err(|error| Failure::read(path, error))?;
    if metadata.is_dir() {
        let real = path.canonicalize().map_err(|error| Failure::read(path, error))?;
        if !seen.insert(real) {
            return Ok(());
        }
        let entries = std::fs::read_dir(path).map_err(|error| Failure::read(path, error))?;
        let mut inside = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
        // The order of a folder is the file system's; findings are to come in the same order everywhere.
        if let Ok(paths) = &mut inside {
            paths.sort();
        }
        for path in inside.map_err(|error| Failure::read(path, error))? {
            walk(&path, false, seen, files)?;
        }
    } else if named || is_document(path) {
        files.push(path.to_owned());
    }
    Ok(())
}

fn is_document(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known))
}

/// Why a text cannot be read, and on which line.
#[derive(Debug)]
pub(crate) struct NotRead {
    pub(crate) line: Option<u64>,
    pub(crate) message: String,
}

/// Reads a text as what the file's name says it is.
pub(crate) fn parse(file: &str, text: &str) -> Result<Value, NotRead> {
    if Path::new(file).extension().is_some_and(|extension| extension == "json") {
        let at = |error: &serde_json::Error| u64::try_from(error.line()).ok().filter(|line| *line > 0);
        json::read(text.as_bytes()).map_err(|not| NotRead { line: at(&not.error), message: not.error.to_string() })
    } else {
        serde_saphyr::from_str(text).map_err(|error| {
            let error = error.without_snippet();
            NotRead { line: error.location().map(|at| at.line()), message: error.to_string() }
        })
    }
}

/// Tells a document by its fields. What has none of the others' is taken for a workflow, so that its faults are told.
pub(crate) fn kind_of(body: &Value) -> Option<Kind> {
    let has = |name: &str| body.get(name).is_some();
    if has("steps") || has("entry") {
        return Some(Kind::Workflow);
    }
    if has("contacts") && (has("events") || has("later")) {
        return None;
    }
    if has("attributes") && !has("id") {
        return Some(Kind::Schema);
    }
    if has("mjml") || has("html") || has("subject") {
        return Some(Kind::Template);
    }
    let segment = body
        .as_object()
        .is_some_and(|fields| has("id") && fields.keys().all(|name| ["id", "name", "when"].contains(&name.as_str())));
    Some(if segment { Kind::Segment } else { Kind::Workflow })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_are_told_apart_by_their_fields() {
        assert_eq!(kind_of(&json!({"id": "a", "entry": {}, "steps": {}})), Some(Kind::Workflow));
        assert_eq!(kind_of(&json!({"id": "a", "subject": "Hello", "mjml": ""})), Some(Kind::Template));
        assert_eq!(kind_of(&json!({"id": "a", "when": {}})), Some(Kind::Segment));
        assert_eq!(kind_of(&json!({"attributes": {}})), Some(Kind::Schema));
        assert_eq!(kind_of(&json!({"contacts": [], "events": []})), None);
        assert_eq!(kind_of(&json!({"contacts": [], "later": []})), None);
        assert_eq!(kind_of(&json!("text")), Some(Kind::Workflow));
    }
}
