//! Reading requests: bodies with every fault at once, ids, conditions, pages.

use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, RawQuery, Request};
use carepath_app::FieldError;
use carepath_app::documents::{Expect, MOST_REVISIONS, Revisions};
use carepath_engine::contact::Attributes;
use carepath_engine::ids::{BadId, EventId};
use carepath_engine::json::{self, NotRead, Part};
use http::request::Parts;
use http::{HeaderMap, Method, header};
use serde_json::{Map, Value};

use crate::access::Caller;
use crate::problem::{Code, Problem};
use crate::{MAX_BODY, MAX_PAGE};

/// How deep a body may be nested. The parser goes to 128; what is kept of a body lies a few levels deeper in what it is
/// kept in, and has to be read back from there.
const MAX_DEPTH: usize = 100;

/// A body of JSON.
pub(crate) struct Body(pub(crate) Value);

/// A body of JSON, or none.
pub(crate) struct MaybeBody(pub(crate) Option<Value>);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let MaybeBody(body) = MaybeBody::from_request(request, state).await?;
        body.map(Self).ok_or_else(|| Problem::new(Code::MalformedJson, "The body is empty: it has to be JSON."))
    }
}

impl<S: Send + Sync> FromRequest<S> for MaybeBody {
    type Rejection = Problem;
    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let json = is_json(request.headers());
        let bytes = axum::body::to_bytes(request.into_body(), MAX_BODY)
            .await
            .map_err(|_| Problem::new(Code::PayloadTooLarge, "The body is larger than 1 MiB."))?;
        if bytes.is_empty() {
            return Ok(Self(None));
        }
        if !json {
            let detail = "Send JSON, with `Content-Type: application/json`.";
            return Err(Problem::new(Code::UnsupportedMediaType, detail));
        }
        parse(&bytes).map(|value| Self(Some(value)))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

fn parse(bytes: &Bytes) -> Result<Value, Problem> {
    let value = json::read(bytes).map_err(|NotRead { error, twice }| {
        if let Some(way) = twice {
            return Problem::invalid(vec![given_twice(&way)]);
        }
        // The parser's own message may repeat what was sent; where it stopped does not.
        let detail = format!("This is not JSON: reading stopped at line {}, column {}.", error.line(), error.column());
        Problem::new(Code::MalformedJson, detail)
    })?;
    if is_deeper(&value, MAX_DEPTH) {
        let mend = format!("values may be nested {MAX_DEPTH} deep");
        return Err(Problem::invalid(vec![FieldError::new("", "too_deep", mend)]));
    }
    Ok(value)
}

/// A name that an object gives twice. What does not look like a field may be anything, so the way to it ends before that.
fn given_twice(way: &[Part]) -> FieldError {
    let shown = way.iter().map_while(|part| match part {
        Part::Name(name) => is_plain(name).then(|| format!("/{name}")),
        Part::Item(place) => Some(format!("/{place}")),
    });
    let pointer: String = shown.collect();
    FieldError::new(pointer, "duplicate", "a name is given twice here: keep one of them")
}

fn is_deeper(value: &Value, depth: usize) -> bool {
    let below = |inner: &Value| depth == 0 || is_deeper(inner, depth - 1);
    match value {
        Value::Array(items) => items.iter().any(below),
        Value::Object(fields) => fields.values().any(below),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The id in the address.
pub(crate) struct Id<T>(pub(crate) T);

impl<T: FromStr<Err = BadId>, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(names) = Path::<Vec<(String, String)>>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::invalid(vec![FieldError::new("id", "id", "must be percent-encoded UTF-8")]))?;
        let text = names.first().map(|(_, text)| text.as_str()).unwrap_or_default();
        text.parse().map(Self).map_err(|error: BadId| {
            // Nothing can be there under what is no id.
            if parts.method == Method::GET || parts.method == Method::DELETE {
                let what = error.what.trim_end_matches(" id");
                return Problem::not_found(what);
            }
            Problem::invalid(vec![FieldError::new("id", "id", error.to_string())])
        })
    }
}

/// What `If-Match` and `If-None-Match` say.
pub(crate) struct Condition(pub(crate) Expect);

impl<S: Send + Sync> FromRequestParts<S> for Condition {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // A list may come in several headers of the name.
        let text = |name| {
            let values = parts.headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default().trim());
            values.map(str::to_owned).reduce(|list, more| format!("{list}, {more}"))
        };
        let (matches, none) = (text(header::IF_MATCH), text(header::IF_NONE_MATCH));
        let expect = match (matches.as_deref(), none.as_deref()) {
            (Some("*"), _) => Expect::Present,
            // A tag that is none of ours fits nothing.
            (Some(tags), _) => {
                let seen: Vec<u64> = tags.split(',').filter_map(|tag| revision(tag.trim())).collect();
                Expect::OneOf(Revisions::of(&seen).ok_or_else(too_many_tags)?)
            }
            (None, Some("*")) => Expect::Absent,
            (None, _) => Expect::Any,
        };
        Ok(Self(expect))
    }
}

fn too_many_tags() -> Problem {
    let mend = format!("may name {MOST_REVISIONS} tags at most");
    Problem::invalid(vec![FieldError::new("If-Match", "too_many", mend)])
}

fn revision(tag: &str) -> Option<u64> {
    tag.trim_start_matches("W/").strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

/// What `Idempotency-Key` says: the name of the request, under which a repeat is told from another one.
pub(crate) struct RequestName(pub(crate) Option<EventId>);

impl<S: Send + Sync> FromRequestParts<S> for RequestName {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let id = value.to_str().ok().and_then(|text| text.parse().ok());
        let fault = || FieldError::new("Idempotency-Key", "id", "must be 1 to 128 characters of text");
        id.map(|id| Self(Some(id))).ok_or_else(|| Problem::invalid(vec![fault()]))
    }
}

/// A write: by whom, of what, on which condition, and its body.
pub(crate) struct Write<T> {
    pub(crate) caller: Caller,
    pub(crate) id: T,
    pub(crate) expect: Expect,
    pub(crate) body: Value,
}

impl<T: FromStr<Err = BadId> + Send, S: Send + Sync> FromRequest<S> for Write<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let Id(id) = Id::from_request_parts(&mut parts, state).await?;
        let Condition(expect) = Condition::from_request_parts(&mut parts, state).await?;
        // The guard leaves the caller of every route that is not public.
        let caller = parts.extensions.get::<Caller>().cloned().ok_or_else(Problem::internal)?;
        let Body(body) = Body::from_request(Request::from_parts(parts, body), state).await?;
        Ok(Self { caller, id, expect, body })
    }
}

/// What the address says after its `?`.
pub(crate) struct Query(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let RawQuery(raw) = RawQuery::from_request_parts(parts, state).await.unwrap_or(RawQuery(None));
        let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        match (raw, pairs) {
            (_, Ok(axum::extract::Query(pairs))) => Ok(Self(pairs)),
            (None, Err(_)) => Ok(Self(Vec::new())),
            (Some(_), Err(_)) => {
                Err(Problem::invalid(vec![FieldError::new("query", "query", "must be percent-encoded UTF-8")]))
            }
        }
    }
}

impl Query {
    /// A parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// How many entries a page has.
    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        let Some(text) = self.get("limit") else { return Ok(100) };
        let limit = text.parse().ok().filter(|limit| (1..=MAX_PAGE).contains(limit));
        limit.ok_or_else(|| Problem::invalid(vec![FieldError::new("limit", "limit", "must be a number of 1 to 1000")]))
    }

    /// Where a page begins.
    pub(crate) fn cursor(&self) -> Option<&str> {
        self.get("cursor").filter(|cursor| !cursor.is_empty())
    }
}

/// An object that is read field by field, with every fault noted.
pub(crate) struct Fields {
    object: Map<String, Value>,
    at: String,
    faults: Vec<FieldError>,
}

impl Fields {
    /// An object at a pointer.
    pub(crate) fn of(value: Value, at: &str) -> Result<Self, Problem> {
        match value {
            Value::Object(object) => Ok(Self { object, at: at.to_owned(), faults: Vec::new() }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(Problem::invalid(vec![FieldError::new(at, "type", "must be an object")]))
            }
        }
    }

    /// A field, with `null` read as not there.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.object.remove(name).filter(|value| !value.is_null())
    }

    /// Notes a fault of a field.
    pub(crate) fn fault(&mut self, name: &str, rule: &'static str, message: impl Into<String>) {
        let pointer = format!("{}/{}", self.at, escape(name));
        self.faults.push(FieldError::new(pointer, rule, message));
    }

    /// Notes a fault at a pointer below the object, given without its first `/`.
    pub(crate) fn fault_at(&mut self, below: &str, rule: &'static str, message: impl Into<String>) {
        let pointer = format!("{}/{below}", self.at);
        self.faults.push(FieldError::new(pointer, rule, message));
    }

    /// A text.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                self.fault(name, "type", "must be text");
                None
            }
        }
    }

    /// A yes or a no.
    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        match self.take(name)? {
            Value::Bool(flag) => Some(flag),
            Value::Null | Value::String(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                self.fault(name, "type", "must be `true` or `false`");
                None
            }
        }
    }

    /// A text that is an id or a name.
    pub(crate) fn id<T: FromStr<Err = BadId>>(&mut self, name: &str) -> Option<T> {
        let text = self.text(name)?;
        match text.parse() {
            Ok(id) => Some(id),
            Err(error) => {
                self.fault(name, "id", error.to_string());
                None
            }
        }
    }

    /// [`Self::id`], which has to be there.
    pub(crate) fn need<T: FromStr<Err = BadId>>(&mut self, name: &str) -> Option<T> {
        if self.object.get(name).is_none_or(Value::is_null) {
            self.object.remove(name);
            self.fault(name, "required", "is missing");
            return None;
        }
        self.id(name)
    }

    /// An object of anything.
    pub(crate) fn attributes(&mut self, name: &str) -> Attributes {
        match self.take(name) {
            None => Attributes::new(),
            Some(Value::Object(object)) => object,
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
                self.fault(name, "type", "must be an object");
                Attributes::new()
            }
        }
    }

    /// A list of ids.
    pub(crate) fn ids<T: FromStr<Err = BadId>>(&mut self, name: &str) -> Vec<T> {
        let Some(value) = self.take(name) else { return Vec::new() };
        let Value::Array(items) = value else {
            self.fault(name, "type", "must be a list of texts");
            return Vec::new();
        };
        let mut ids = Vec::with_capacity(items.len());
        for (place, item) in items.iter().enumerate() {
            match item.as_str().map(str::parse::<T>) {
                Some(Ok(id)) => ids.push(id),
                Some(Err(error)) => self.fault_at(&format!("{name}/{place}"), "id", error.to_string()),
                None => self.fault_at(&format!("{name}/{place}"), "type", "must be text"),
            }
        }
        ids
    }

    /// Notes what nobody asked for, and answers with all faults.
    pub(crate) fn finish(mut self, known: &str) -> Result<(), Problem> {
        let unknown: Vec<String> = self.object.keys().cloned().collect();
        for name in unknown {
            let mend = format!("there is no such field; the fields are {known}");
            if is_plain(&name) {
                self.fault(&name, "unknown_field", mend);
            } else {
                // What does not look like a field may be anything, an address for one: it is not repeated.
                self.faults.push(FieldError::new(self.at.clone(), "unknown_field", mend));
            }
        }
        if self.faults.is_empty() { Ok(()) } else { Err(Problem::invalid(self.faults)) }
    }
}

/// Whether a name looks like one that a programmer gave a field.
fn is_plain(name: &str) -> bool {
    name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')
}

/// A name as a part of a JSON Pointer.
pub(crate) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
