//! What a template is made of, as far as its code says it.

use std::collections::BTreeSet;

use super::error::Part;
use super::language::ROOTS;
use super::markup::Anchor;
use super::scan::{self, Piece, PieceKind, Use};

/// What a template uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TemplateFacts {
    /// The values, each once a part, in the order of their first use.
    pub variables: Vec<Variable>,
    /// The names of its links, in order; `""` for one without a name.
    pub links: Vec<String>,
    /// Whether one of its links leads to `unsubscribe_url`.
    pub has_unsubscribe_link: bool,
}

/// A value that a template uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its dotted path, such as `contact.attributes.first_name`.
    pub path: String,
    /// Where it is used. What is in a link is listed under the body too.
    pub part: Part,
    /// Whether the template does well without it: every use in this part has a default, or the part asks beforehand
    /// whether it is there.
    pub has_default: bool,
}

impl TemplateFacts {
    pub(super) fn add_part(&mut self, part: Part, source: &str) {
        let pieces = scan::pieces(source);
        self.add(part, pieces.iter().flat_map(|piece| scan::uses(&piece.tokens)).collect());
    }

    /// Adds the links of a body whose pieces of code are replaced by [`placeholder`]s.
    pub(super) fn add_links(&mut self, anchors: Vec<Anchor>, source: &str) {
        for anchor in anchors {
            let uses = uses_in(&[anchor.href], source);
            self.has_unsubscribe_link |= uses.iter().any(|used| used.path == "unsubscribe_url");
            self.links.push(anchor.name.unwrap_or_default());
        }
    }

    /// Adds what a part shows in addresses, whose pieces of code are replaced by [`placeholder`]s.
    pub(super) fn add_addresses(&mut self, addresses: &[String], source: &str) {
        self.add(Part::Link, uses_in(addresses, source));
    }

    fn add(&mut self, part: Part, uses: Vec<Use>) {
        let asked: BTreeSet<String> = uses.iter().filter(|used| used.asked).map(|used| used.path.clone()).collect();
        let is_asked = |path: &str| {
            let parents = path.match_indices('.').map(|(at, _)| &path[..at]);
            parents.chain([path]).any(|path| asked.contains(path))
        };
        for used in uses.into_iter().filter(|used| ROOTS.contains(&root(&used.path))) {
            let has_default = used.guarded || is_asked(&used.path);
            match self.variables.iter_mut().find(|known| known.part == part && known.path == used.path) {
                Some(known) => known.has_default &= has_default,
                None => self.variables.push(Variable { path: used.path, part, has_default }),
            }
        }
    }
}

/// The values that stand where texts have [`placeholder`]s for the code of `source`.
fn uses_in(texts: &[String], source: &str) -> Vec<Use> {
    let pieces = scan::pieces(source);
    let locals = Locals::of(&pieces);
    let found = texts.iter().flat_map(|text| placeholders(text)).filter_map(|index| pieces.get(index));
    found.flat_map(|piece| scan::uses(&piece.tokens)).flat_map(|used| locals.resolve(used)).collect()
}

/// The values that the templates inside of a value use, lists and objects included.
pub(crate) fn used_in(value: &serde_json::Value) -> Vec<Variable> {
    let mut facts = TemplateFacts::default();
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            serde_json::Value::String(text) => facts.add_part(Part::Value, text),
            serde_json::Value::Array(items) => open.extend(items),
            serde_json::Value::Object(fields) => open.extend(fields.values()),
            serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
        }
    }
    facts.variables
}

pub(super) fn root(path: &str) -> &str {
    path.split('.').next().unwrap_or_default()
}

/// Names that a template gives to values itself, with what they stand for.
struct Locals(Vec<(String, Vec<Use>)>);

impl Locals {
    fn of(pieces: &[Piece<'_>]) -> Self {
        let mut locals = Vec::new();
        for piece in pieces.iter().filter(|piece| piece.kind == PieceKind::Statement) {
            let binds = match piece.tokens.first() {
                Some(scan::Token::Word("for")) => scan::Token::Word("in"),
                Some(scan::Token::Word("set" | "with")) => scan::Token::Sign(b'='),
                _ => continue,
            };
            let Some(at) = piece.tokens.iter().position(|token| *token == binds) else { continue };
            let values = scan::uses(&piece.tokens[at + 1..]);
            for token in &piece.tokens[1..at] {
                if let scan::Token::Word(name) = token {
                    locals.push(((*name).to_owned(), values.clone()));
                }
            }
        }
        Self(locals)
    }

    /// The values behind a use: itself, unless its root is a name that the template has given.
    fn resolve(&self, used: Use) -> Vec<Use> {
        let mut seen = BTreeSet::new();
        let mut open = vec![used];
        let mut values = Vec::new();
        while let Some(used) = open.pop() {
            let name = root(&used.path).to_owned();
            if ROOTS.contains(&name.as_str()) {
                values.push(used);
            } else if seen.insert(name.clone()) {
                open.extend(self.0.iter().filter(|(local, _)| *local == name).flat_map(|(_, values)| values.clone()));
            }
        }
        values
    }
}

/// What stands for a piece of code while markup is looked at.
pub(super) fn placeholder(index: usize) -> String {
    format!("code{index}edoc")
}

/// The pieces of code in a text, by their index.
pub(super) fn placeholders(text: &str) -> Vec<usize> {
    text.split("code").filter_map(|part| part.split_once("edoc")?.0.parse().ok()).collect()
}
