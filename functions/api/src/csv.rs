//! Tables as CSV (RFC 4180), for whoever opens them in a spreadsheet.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use axum::response::{IntoResponse, Response};
use carepath_app::report::{Figures, Report};
use http::header;
use serde_json::{Map, Value};

/// An answer with a table.
pub(crate) fn answer(table: &str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, table.to_owned()).into_response()
}

/// A field. What a spreadsheet would take for a formula is marked as text: an id that somebody made up may be one.
fn field(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    // A number is no formula, even below 0.
    let number =
        text.strip_prefix('-').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
    let text = if formula && !number { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn row(table: &mut String, fields: impl IntoIterator<Item = String>) {
    let fields: Vec<String> = fields.into_iter().map(|text| field(&text)).collect();
    let _ = write!(table, "{}\r\n", fields.join(","));
}

/// One row a step, one column a number; of what has names, one column a name.
pub(crate) fn report(report: &Report) -> String {
    type Named = fn(&Figures) -> &BTreeMap<String, i64>;
    let named: [(&str, Named); 5] = [
        ("ended", |step| &step.ended),
        ("edge", |step| &step.edges),
        ("skipped", |step| &step.skipped),
        ("failed", |step| &step.failed),
        ("link", |step| &step.clicked.links),
    ];
    let plain = |step: &Figures| {
        [
            ("entered", step.entered),
            ("moved_in", step.moved_in),
            ("waiting", step.waiting),
            ("moved_on", step.moved_on),
            ("sent", step.sent),
            ("delivered", step.delivered),
            ("bounced", step.bounced),
            ("complained", step.complained),
            ("unsubscribed", step.unsubscribed),
            ("unknown", step.unknown),
            ("opened_human", step.opened.human),
            ("opened_machine", step.opened.machine),
            ("clicked_human", step.clicked.human),
            ("clicked_machine", step.clicked.machine),
        ]
    };
    let mut columns: Vec<(Named, String, String)> = Vec::new();
    for (what, of) in named {
        let names: BTreeSet<&str> = report.steps.iter().flat_map(of).map(|(name, _)| name.as_str()).collect();
        columns.extend(names.into_iter().map(|name| (of, name.to_owned(), format!("{what}:{name}"))));
    }
    let mut table = String::new();
    let heads = plain(&Figures::default()).map(|(name, _)| name.to_owned());
    let first = ["step".to_owned(), "kind".to_owned()];
    row(&mut table, first.into_iter().chain(heads).chain(columns.iter().map(|(_, _, head)| head.clone())));
    for step in &report.steps {
        let numbers = plain(step).map(|(_, count)| count.to_string());
        let of_names = columns.iter().map(|(of, name, _)| of(step).get(name).copied().unwrap_or_default().to_string());
        row(&mut table, [step.id.clone(), step.kind.clone()].into_iter().chain(numbers).chain(of_names));
    }
    table
}

/// One row for each of those who are in a step.
pub(crate) fn contacts(items: &[Map<String, Value>]) -> String {
    const COLUMNS: [(&str, &str); 18] = [
        ("contact", "/contact"),
        ("run", "/run"),
        ("version", "/version"),
        ("state", "/state"),
        ("entered", "/entered"),
        ("left", "/left"),
        ("ended", "/ended"),
        ("mail", "/message/state"),
        ("mail_at", "/message/at"),
        ("mail_reason", "/message/reason"),
        ("delivered", "/message/delivered"),
        ("bounced", "/message/bounced"),
        ("complained", "/message/complained"),
        ("unsubscribed", "/message/unsubscribed"),
        ("opened_human", "/message/opened/human"),
        ("opened_machine", "/message/opened/machine"),
        ("clicked_human", "/message/clicked/human"),
        ("clicked_machine", "/message/clicked/machine"),
    ];
    let mut table = String::new();
    row(&mut table, COLUMNS.map(|(name, _)| name.to_owned()));
    for item in items {
        let item = Value::Object(item.clone());
        let text = |pointer: &str| match item.pointer(pointer) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        row(&mut table, COLUMNS.map(|(_, pointer)| text(pointer)));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn what_a_spreadsheet_would_calculate_is_text() {
        for (given, written) in [
            ("=1+1", "'=1+1"),
            ("+4912", "'+4912"),
            ("-1", "-1"),
            ("-2+3", "'-2+3"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("a=1", "a=1"),
            ("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""),
            ("a,b", "\"a,b\""),
            ("a\r\nb", "\"a\r\nb\""),
        ] {
            assert_eq!(field(given), written);
        }
    }
}
