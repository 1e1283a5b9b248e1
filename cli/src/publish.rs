//! `carepath publish`: what files say, brought to a server. Plan first, then apply.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::{Value, json};

use crate::client::{Client, Connection, segment};
use crate::failure::{Failure, answer};
use crate::files::{self, Document, Kind};
use crate::fills;
use crate::migrate;
use crate::output::{self, Ink};

/// Bring workflows, templates and segments from files to a server: plan first, then apply
///
/// What the server has already is left alone, so that running it twice changes nothing. Live runs stay in the version
/// that they entered.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  carepath publish examples/appointment-reminder --to http://127.0.0.1:8787 --yes")]
pub(crate) struct Args {
    /// Files in YAML or JSON, or folders of them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    connection: Connection,
    /// Apply without asking
    #[arg(long)]
    yes: bool,
    /// Print the plan and change nothing
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Print the plan, and what came of it, as JSON
    #[arg(long)]
    json: bool,
}

/// What has to be done about a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    /// The server does not have it.
    New,
    /// The server has another text.
    Changed,
    /// The server has this text as a draft that was never published.
    Unpublished,
    /// There is nothing to do.
    Unchanged,
}

/// What has to be done about one document.
#[derive(Debug, Clone)]
pub(crate) struct Item<'a> {
    document: &'a Document,
    body: Value,
    /// What has to be done.
    pub(crate) change: Change,
    live_runs: Option<u64>,
}

/// Plans, asks and applies.
pub(crate) async fn run(args: &Args) -> Result<ExitCode, Failure> {
    let found = files::read(&args.files)?;
    if let Some(file) = found.unreadable.first() {
        return Err(Failure::File(format!("{} cannot be read: {}", file.file, file.message)));
    }
    let client = args.connection.client()?;
    let plan = plan(&client, &found.documents).await?;
    if !args.json {
        print_plan(&plan)?;
    }
    let open = plan.iter().filter(|item| item.change != Change::Unchanged).count();
    let go = open > 0 && !args.dry_run && (args.yes || confirmed(open)?);
    let outcome = if go { Some(apply(&client, &plan, !args.json).await?) } else { None };
    if args.json {
        let items: Vec<Value> = plan.iter().map(as_json).collect();
        output::say_json(&json!({ "plan": items, "applied": go, "ok": outcome != Some(false) }))?;
    }
    Ok(answer(outcome != Some(false)))
}

fn as_json(item: &Item<'_>) -> Value {
    json!({
        "file": item.document.file,
        "kind": item.document.kind.name(),
        "id": item.document.id(),
        "change": item.change,
        "live_runs": item.live_runs,
    })
}

fn path(document: &Document) -> String {
    match document.kind {
        Kind::Schema => "/v1/schema".to_owned(),
        Kind::Segment => format!("/v1/segments/{}", segment(document.id())),
        Kind::Template => format!("/v1/templates/{}", segment(document.id())),
        Kind::Workflow => format!("/v1/workflows/{}", segment(document.id())),
    }
}

/// What has to be done about each document, in the order in which it has to be done.
pub(crate) async fn plan<'a>(client: &Client, documents: &'a [Document]) -> Result<Vec<Item<'a>>, Failure> {
    let mut plan = Vec::new();
    let bar = output::progress(documents.len() as u64, "comparing with the server");
    for document in bar.wrap_iter(documents.iter()) {
        if document.kind != Kind::Schema && document.id().is_empty() {
            return Err(Failure::File(format!("{} has no `id`; `carepath check` says more", document.file)));
        }
        let there = client.find(&path(document)).await;
        let there = there.map_err(|error| Failure::api(format!("could not read {}", named(document)), error))?;
        let body = body(document, there.as_ref());
        let mut change = compare(document.kind, &body, there.as_ref());
        if change == Change::Unchanged
            && document.kind == Kind::Workflow
            && is_behind(client, document, there.as_ref()).await?
        {
            change = Change::Unpublished;
        }
        let live_runs = if document.kind == Kind::Workflow && change == Change::Changed {
            live_runs(client, document.id()).await
        } else {
            None
        };
        plan.push(Item { document, body, change, live_runs });
    }
    bar.finish_and_clear();
    Ok(plan)
}

/// How many runs are live, where the server says so: that it cannot is no reason to stop.
async fn live_runs(client: &Client, id: &str) -> Option<u64> {
    let plan = migrate::ask(client, id, json!({ "action": "plan" })).await.ok()?;
    let count = |name: &str| plan.pointer(name).and_then(Value::as_u64);
    Some(count("/totals/runs")? + count("/totals/there")?)
}

/// What the server is to be given. A schema adds to the server's: other files' attributes are declared there too.
fn body(document: &Document, there: Option<&Value>) -> Value {
    let mut body = document.body.clone();
    let known = there.and_then(|there| there.get("attributes")).and_then(Value::as_object);
    if document.kind == Kind::Schema
        && let (Some(known), Some(Value::Object(declared))) = (known, body.get_mut("attributes"))
    {
        let mut all = known.clone();
        all.append(declared);
        *declared = all;
    }
    body
}

fn compare(kind: Kind, body: &Value, there: Option<&Value>) -> Change {
    let Some(there) = there else { return Change::New };
    // A workflow comes with its state around the draft.
    let text = ["draft", "document"].iter().find_map(|name| there.get(name)).unwrap_or(there);
    if !contains(kind, text, body) {
        return Change::Changed;
    }
    // A draft that was saved and never published says so with a version of `null`.
    let never = ["published", "version"].iter().find_map(|name| there.get(name)).is_some_and(Value::is_null);
    let unpublished = kind == Kind::Workflow && never;
    if unpublished { Change::Unpublished } else { Change::Unchanged }
}

/// Whether the server's text says all that the file's does. It may say more: a version at the top, and what a
/// declaration of an attribute leaves open.
fn contains(kind: Kind, there: &Value, here: &Value) -> bool {
    match (there.as_object(), here.as_object()) {
        (Some(there), Some(here)) => here.iter().all(|(name, value)| {
            let known = there.get(name);
            known == Some(value) || kind == Kind::Schema && known.is_some_and(|known| contains(kind, known, value))
        }),
        _ => there == here,
    }
}

/// Whether the published version of a workflow has another text than the draft that the server keeps.
async fn is_behind(client: &Client, document: &Document, there: Option<&Value>) -> Result<bool, Failure> {
    let Some(number) = there.and_then(|there| there.get("published")).and_then(Value::as_u64) else { return Ok(false) };
    let version = client.find(&format!("{}/versions/{number}", path(document))).await;
    let version = version.map_err(|error| Failure::api(format!("could not read {}", named(document)), error))?;
    let text = version.as_ref().and_then(|version| version.get("document"));
    Ok(text.is_some_and(|text| !contains(document.kind, text, &document.body)))
}

fn named(document: &Document) -> String {
    if document.kind == Kind::Schema {
        "the schema".into()
    } else {
        format!("{} {}", document.kind.name(), document.id())
    }
}

fn print_plan(plan: &[Item<'_>]) -> Result<(), Failure> {
    let colour = output::stdout_coloured();
    let mut table = output::table(&[]);
    for item in plan {
        let change = match item.change {
            Change::New => Ink::Green.paint("new", colour),
            Change::Changed => Ink::Yellow.paint("changed", colour),
            Change::Unpublished => Ink::Yellow.paint("to publish", colour),
            Change::Unchanged => Ink::Dim.paint("unchanged", colour),
        };
        let note = item.live_runs.map_or_else(String::new, |runs| match runs {
            0 => "no live run".to_owned(),
            runs => format!("{runs} live runs stay in their version: `carepath migrate` moves them"),
        });
        table.add_row([change, item.document.kind.name().to_owned(), item.document.id().to_owned(), note]);
    }
    output::say(&output::lines(&table))
}

fn confirmed(open: usize) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage("nobody is there to ask: add --yes to apply the plan, or --dry-run".into()));
    }
    let mut stderr = std::io::stderr().lock();
    let asked = write!(stderr, "Apply {open} changes? [y/N] ").and_then(|()| stderr.flush());
    asked.map_err(|error| Failure::io("could not ask", error))?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| Failure::io("could not read the answer", error))?;
    Ok(["y", "yes"].contains(&line.trim().to_lowercase().as_str()))
}

/// Applies what has to be done. Answers whether the server took everything.
pub(crate) async fn apply(client: &Client, plan: &[Item<'_>], aloud: bool) -> Result<bool, Failure> {
    let mut fine = true;
    for item in plan.iter().filter(|item| item.change != Change::Unchanged) {
        let document = item.document;
        let put = client.put(&path(document), &item.body).await;
        let done = match (put, document.kind) {
            (Ok(_), Kind::Workflow) => client.post(&format!("{}/publish", path(document)), &json!({})).await,
            (put, _) => put,
        };
        match done {
            Ok(answer) => {
                let version = answer.get("version").and_then(Value::as_u64);
                let version = version.map_or_else(String::new, |version| format!(" as version {version}"));
                if aloud {
                    output::say(&format!("{} is there{version}", named(document)))?;
                }
            }
            Err(error) if error.is_refusal() => {
                fine = false;
                output::say_error(&format!("{} ({}): {error}", named(document), document.file));
            }
            Err(error) => return Err(Failure::api(format!("could not publish {}", named(document)), error)),
        }
    }
    if aloud {
        let put = plan.iter().filter(|item| item.change != Change::Unchanged && item.document.kind == Kind::Segment);
        fills::watch(client, &put.map(|item| item.document.id()).collect::<Vec<_>>()).await?;
    }
    Ok(fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(kind: Kind, there: Option<&Value>) -> Change {
        compare(kind, &json!({ "id": "a", "name": "A" }), there)
    }

    #[test]
    fn a_document_that_the_server_has_is_unchanged_whatever_the_server_adds() {
        let there = json!({ "id": "a", "name": "A", "version": 3 });
        assert_eq!(compared(Kind::Template, Some(&there)), Change::Unchanged);
        let around = json!({ "draft": { "id": "a", "name": "A" }, "published": 2 });
        assert_eq!(compared(Kind::Workflow, Some(&around)), Change::Unchanged);
    }

    #[test]
    fn a_draft_that_was_never_published_is_still_to_be_published() {
        let around = json!({ "draft": { "id": "a", "name": "A" }, "published": null });
        assert_eq!(compared(Kind::Workflow, Some(&around)), Change::Unpublished);
    }

    #[test]
    fn another_text_is_a_change_and_none_is_new() {
        let there = json!({ "id": "a", "name": "B" });
        assert_eq!(compared(Kind::Segment, Some(&there)), Change::Changed);
        assert_eq!(compared(Kind::Segment, None), Change::New);
    }

    #[test]
    fn a_schema_adds_to_what_the_server_declares() {
        let text = json!({ "attributes": { "b": 2 } });
        let schema =
            Document { file: String::new(), kind: Kind::Schema, body: text, text: String::new(), beside: false };
        let there = json!({ "attributes": { "a": 1, "b": 1 } });
        assert_eq!(body(&schema, Some(&there)), json!({ "attributes": { "a": 1, "b": 2 } }));
        assert_eq!(compare(Kind::Schema, &body(&schema, Some(&there)), Some(&there)), Change::Changed);
    }

    #[test]
    fn a_declaration_that_the_server_fills_up_is_unchanged() {
        let here = json!({ "attributes": { "a": { "type": "string", "class": "phi" } } });
        let there = json!({ "attributes": { "a": { "type": "string", "class": "phi", "required": false } } });
        assert_eq!(compare(Kind::Schema, &here, Some(&there)), Change::Unchanged);
    }
}
