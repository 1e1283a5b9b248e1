//! The shape of a mail: its markup worked out once, with marks where the values of a contact go.
//!
//! Turning MJML into HTML and HTML into text takes a hundred times as long as filling in a name, and comes to the same
//! for everybody who takes the same branches of a template. So code writes marks in place of values, the marked body
//! goes through all of the markup, and what comes out of that is kept and filled for the next contact.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use super::scan::{self, PieceKind, Token};
use super::{NamedLink, markup};

/// What a mark begins and ends with: letters, so that all markup lets it through as it is.
const OPEN: &str = "zqv";
const CLOSE: &str = "vqz";
/// The mark of the preheader.
const PREHEADER: &str = "zqvpvqz";
/// How many shapes of one template are kept.
const KEPT: usize = 16;
/// Statements that only choose what is written. Others work on what has been written, and would find marks in it.
const STATEMENTS: [&str; 7] = ["if", "elif", "else", "endif", "for", "endfor", "raw"];
/// Attributes that markup passes on as they are.
const ATTRIBUTES: [&str; 4] = ["href", "src", "alt", "title"];

/// A value that code wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    /// As it stands in HTML.
    pub(super) escaped: String,
    /// As it is.
    pub(super) plain: String,
}

/// The mark of the nth value.
pub(super) fn mark(n: usize) -> String {
    format!("{OPEN}{n}{CLOSE}")
}

/// Whether marks can stand for the values that the code of a body writes.
pub(super) fn can_be_marked(body: &str) -> bool {
    let mut place = Place::Text;
    !body.contains(OPEN) && scan::pieces(body).iter().all(|piece| match piece.kind {
        PieceKind::Text => {
            place = std::mem::replace(&mut place, Place::Text).after(&body[piece.range.clone()]);
            true
        }
        PieceKind::Expression => place.takes_marks(),
        PieceKind::Statement => {
            matches!(piece.tokens.first(), Some(Token::Word(word)) if STATEMENTS.contains(word) || *word == "endraw")
        }
        PieceKind::Comment => true,
    })
}

/// Where in markup something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Text,
    /// In a tag, with the word read last.
    Tag(String),
    /// In an attribute's value, up to this quote.
    Value(String, char),
}

impl Place {
    fn takes_marks(&self) -> bool {
        match self {
            Self::Text => true,
            Self::Tag(_) => false,
            Self::Value(name, _) => ATTRIBUTES.contains(&name.as_str()),
        }
    }

    fn after(self, text: &str) -> Self {
        text.chars().fold(self, |place, c| match (place, c) {
            (Self::Text, '<') => Self::Tag(String::new()),
            (Self::Text, _) | (Self::Tag(_), '>') => Self::Text,
            (Self::Tag(word), '"' | '\'') => Self::Value(word.to_ascii_lowercase(), c),
            (Self::Tag(word), '=') => Self::Tag(word),
            (Self::Tag(_), c) if c.is_whitespace() => Self::Tag(String::new()),
            (Self::Tag(mut word), c) => {
                word.push(c);
                Self::Tag(word)
            }
            (Self::Value(_, quote), c) if c == quote => Self::Tag(String::new()),
            (place @ Self::Value(..), _) => place,
        })
    }
}

/// Text with places for values.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Blank(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(usize),
    Preheader,
}

impl Blank {
    fn of(marked: &str) -> Self {
        let (mut parts, mut rest) = (Vec::new(), marked);
        while let Some((before, after)) = rest.split_once(OPEN) {
            let Some((number, after)) = after.split_once(CLOSE) else { break };
            let part = number.parse().map_or(Part::Preheader, Part::Value);
            parts.extend([Part::Text(before.to_owned()), part]);
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Self(parts)
    }

    fn fill<'v>(&self, value: impl Fn(usize) -> &'v str, preheader: &str) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(fixed) => text.push_str(fixed),
                Part::Value(number) => text.push_str(value(*number)),
                Part::Preheader => text.push_str(preheader),
            }
        }
        text
    }
}

/// A mail's markup with places for its values.
pub(super) struct Shape {
    /// The marked body that it was made from.
    body: String,
    has_preheader: bool,
    html: Blank,
    text: Option<Blank>,
    links: Vec<(String, Blank)>,
}

/// What comes of a shape that is filled.
pub(super) struct Filled {
    pub(super) html: String,
    pub(super) text: Option<String>,
    pub(super) links: Vec<NamedLink>,
}

impl Shape {
    /// Makes the shape of a marked body; `html` is what the markup made of it, and the text is only made where it is
    /// wanted. `None` where HTML or text cannot be read.
    pub(super) fn new(body: &str, html: &str, has_preheader: bool, wants_text: bool) -> Option<Self> {
        let (finished, links) = markup::finish(html, has_preheader.then_some(PREHEADER)).ok()?;
        let text = if wants_text { Some(Blank::of(&markup::html_to_text(html)?)) } else { None };
        let links = links.into_iter().map(|link| (link.name, Blank::of(&link.url))).collect();
        Some(Self { body: body.to_owned(), has_preheader, html: Blank::of(&finished), text, links })
    }

    /// The mail for these values.
    pub(super) fn fill(&self, values: &[Written], preheader: &str) -> Filled {
        let escaped = |n: usize| values.get(n).map_or("", |value| value.escaped.as_str());
        let plain = |n: usize| values.get(n).map_or("", |value| value.plain.as_str());
        // HTML makes one space of many, and of a line break too.
        let lines: Vec<String> = values.iter().map(|value| markup::one_space(&value.plain)).collect();
        let line = |n: usize| lines.get(n).map_or("", String::as_str);
        let link = |(name, url): &(String, Blank)| NamedLink { name: name.clone(), url: url.fill(plain, "") };
        Filled {
            html: self.html.fill(escaped, &markup::escape(preheader)),
            text: self.text.as_ref().map(|text| markup::tidy(&text.fill(line, ""))),
            links: self.links.iter().map(link).collect(),
        }
    }
}

/// The shapes that a template took lately.
#[derive(Default)]
pub(super) struct Shapes(Mutex<Vec<Arc<Shape>>>);

impl Shapes {
    /// The shape of a marked body, where it is known.
    pub(super) fn find(&self, body: &str, has_preheader: bool) -> Option<Arc<Shape>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|shape| shape.has_preheader == has_preheader && shape.body == body).cloned()
    }

    /// Keeps a shape, in place of the oldest where there are many.
    pub(super) fn keep(&self, shape: &Arc<Shape>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() == KEPT {
            known.remove(0);
        }
        known.push(Arc::clone(shape));
    }
}

/// Escapes text for HTML so that it is nothing but text, wherever in the markup it stands.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // The MJML renderer writes attributes as Rust would print them. What that changes is written as a number.
            '"' | '\'' | '\\' => push_number(&mut escaped, c),
            c if c.is_ascii_graphic() || c == ' ' => escaped.push(c),
            c if c.escape_debug().len() == 1 => escaped.push(c),
            c => push_number(&mut escaped, c),
        }
    }
    escaped
}

fn push_number(text: &mut String, c: char) {
    // Writing to a string does not fail.
    let _ = write!(text, "&#{};", u32::from(c));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_in_text_and_addresses_and_nowhere_that_markup_reckons_with() {
        for body in [
            "<p>{{ a }}</p>",
            "{{ a }}{% if b %}<b>{{ c }}</b>{% endif %}",
            "<a href=\"https://x.example/?a={{ a }}\" name='b'>{{ c }}</a>",
            "<img alt='{{ a }}' src=\"{{ b }}\">",
            "{% raw %}{{ a }}{% endraw %}",
        ] {
            assert!(can_be_marked(body), "{body}");
        }
        for body in [
            "<p style=\"color:{{ a }}\">",
            "<mj-image width=\"{{ a }}\" />",
            "<p {{ a }}>",
            "<a href={{ a }}>",
            "{% set a %}{{ b }}{% endset %}{{ a }}",
            "{% filter upper %}{{ b }}{% endfilter %}",
            "zqv {{ a }}",
        ] {
            assert!(!can_be_marked(body), "{body}");
        }
    }

    #[test]
    fn a_blank_has_its_values_where_the_marks_were() {
        let marked = format!("a{}{}b{PREHEADER}c", mark(1), mark(0));
        assert_eq!(Blank::of(&marked).fill(|n| ["x", "y"][n], "p"), "ayxbpc");
        assert_eq!(Blank::of("zqv").fill(|_| "", ""), "zqv");
    }
}
