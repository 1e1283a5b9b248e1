//! Templates inside of values: what an `update` sets, and what a `jump` hands on.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use minijinja::Environment;
use serde_json::{Map, Value};

use super::error::{Part, RenderError, RenderProblem};
use super::facts::TemplateFacts;
use super::scan::{self, PieceKind};
use super::{MAX_OUTPUT, RenderScope, language};

static LANGUAGE: LazyLock<Environment<'static>> = LazyLock::new(language::environment);

/// A value with the templates in its texts filled, lists and objects included. A text that is one expression and nothing
/// else (`{{ entry.visits }}`) becomes the value itself, of whatever type; a text without code stays as it is.
///
/// # Errors
/// [`RenderError`] for [`Part::Value`] where a template cannot be filled.
pub fn fill(value: &Value, scope: &RenderScope<'_>) -> Result<Value, RenderError> {
    if !has_code(value) {
        return Ok(value.clone());
    }
    fill_in(value, &language::context(scope))
}

/// The values that the templates in a value use, as dotted paths, each once.
pub fn used(value: &Value) -> BTreeSet<String> {
    let mut facts = TemplateFacts::default();
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => facts.add_part(Part::Value, text),
            Value::Array(items) => open.extend(items),
            Value::Object(fields) => open.extend(fields.values()),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    facts.variables.into_iter().map(|variable| variable.path).collect()
}

fn has_code(value: &Value) -> bool {
    match value {
        Value::String(text) => ["{{", "{%", "{#"].iter().any(|open| text.contains(open)),
        Value::Array(items) => items.iter().any(has_code),
        Value::Object(fields) => fields.values().any(has_code),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn fill_in(value: &Value, context: &minijinja::Value) -> Result<Value, RenderError> {
    match value {
        Value::String(text) if has_code(value) => fill_text(text, context),
        Value::Array(items) => items.iter().map(|item| fill_in(item, context)).collect(),
        Value::Object(fields) => {
            let filled: Result<Map<_, _>, _> =
                fields.iter().map(|(name, value)| Ok((name.clone(), fill_in(value, context)?))).collect();
            filled.map(Value::Object)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(value.clone()),
    }
}

fn fill_text(text: &str, context: &minijinja::Value) -> Result<Value, RenderError> {
    let failed = |error: minijinja::Error| RenderError::of(Part::Value, &error);
    if let [piece] = scan::pieces(text).as_slice()
        && piece.kind == PieceKind::Expression
    {
        let code = text.trim_start_matches("{{").trim_start_matches('-');
        let code = code.trim_end_matches("}}").trim_end_matches('-');
        let found = LANGUAGE.compile_expression(code).and_then(|code| code.eval(context.clone())).map_err(failed)?;
        if found.is_undefined() {
            let code_there = Some(code.trim().to_owned());
            return Err(RenderError { code_there, ..RenderError::new(Part::Value, RenderProblem::Undefined) });
        }
        return serde_json::to_value(&found).map_err(|_| RenderError::new(Part::Value, RenderProblem::Value));
    }
    let filled = LANGUAGE.render_str(text, context.clone()).map_err(failed)?;
    if filled.len() > MAX_OUTPUT {
        return Err(RenderError::new(Part::Value, RenderProblem::TooLarge));
    }
    Ok(Value::String(filled))
}
