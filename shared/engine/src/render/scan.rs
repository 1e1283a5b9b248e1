//! A scanner for the template language: enough of it to tell text from code, and to say which values code uses.
//!
//! The template engine itself tells which names a template does not declare, but not whether a use has a default, nor
//! what stands in a link. Both decide what may be published.

use std::ops::Range;

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) kind: PieceKind,
    /// The whole piece with its delimiters.
    pub(super) range: Range<usize>,
    /// What stands between the delimiters; empty for text and comments.
    pub(super) tokens: Vec<Token<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PieceKind {
    Text,
    Expression,
    Statement,
    Comment,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Word(&'a str),
    Text(&'a str),
    Sign(u8),
}

/// A value that a piece of code uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Use {
    /// Dotted, such as `entry.appointment_at`.
    pub(super) path: String,
    /// A default follows, or the code only asks whether the value is there.
    pub(super) guarded: bool,
    /// The code asks whether the value is there.
    pub(super) asked: bool,
}

/// Cuts a template into pieces. What is not closed goes to the end; the template engine says what is wrong with it.
pub(super) fn pieces(source: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut at, mut text) = (0, 0);
    while let Some(start) = source[at..].find('{').map(|found| at + found) {
        let kind = match source.as_bytes().get(start + 1) {
            Some(b'{') => PieceKind::Expression,
            Some(b'%') => PieceKind::Statement,
            Some(b'#') => PieceKind::Comment,
            _ => {
                at = start + 1;
                continue;
            }
        };
        push_text(&mut pieces, text..start);
        let (tokens, mut end) = match kind {
            PieceKind::Comment => (Vec::new(), find(source, start + 2, "#}")),
            PieceKind::Expression => code(source, start + 2, "}}"),
            PieceKind::Statement | PieceKind::Text => code(source, start + 2, "%}"),
        };
        let raw = kind == PieceKind::Statement && tokens.first() == Some(&Token::Word("raw"));
        pieces.push(Piece { kind, range: start..end, tokens });
        if raw {
            let text_end = end_of_raw(source, end);
            push_text(&mut pieces, end..text_end);
            end = text_end;
        }
        (at, text) = (end, end);
    }
    push_text(&mut pieces, text..source.len());
    pieces
}

fn push_text(pieces: &mut Vec<Piece<'_>>, range: Range<usize>) {
    if !range.is_empty() {
        pieces.push(Piece { kind: PieceKind::Text, range, tokens: Vec::new() });
    }
}

fn find(source: &str, from: usize, end: &str) -> usize {
    source[from..].find(end).map_or(source.len(), |found| from + found + end.len())
}

/// Where the statement that ends a raw block begins.
fn end_of_raw(source: &str, from: usize) -> usize {
    let mut at = from;
    while let Some(start) = source[at..].find("{%").map(|found| at + found) {
        let (tokens, _) = code(source, start + 2, "%}");
        if tokens.first() == Some(&Token::Word("endraw")) {
            return start;
        }
        at = start + 2;
    }
    source.len()
}

/// Reads code up to its closing delimiter, minding strings and brackets. Gives the tokens and where the piece ends.
fn code<'a>(source: &'a str, from: usize, close: &str) -> (Vec<Token<'a>>, usize) {
    let bytes = source.as_bytes();
    let (mut at, mut depth) = (from, 0_usize);
    let mut tokens = Vec::new();
    while at < bytes.len() {
        let byte = bytes[at];
        if depth == 0 && source[at..].starts_with(close) {
            return (tokens, at + close.len());
        }
        let start = at;
        if byte == b'"' || byte == b'\'' {
            at = end_of_string(bytes, at);
            tokens.push(Token::Text(source.get(start + 1..at.saturating_sub(1)).unwrap_or_default()));
        } else if is_word(byte) {
            while at < bytes.len() && is_word(bytes[at]) {
                at += 1;
            }
            tokens.push(Token::Word(&source[start..at]));
        } else {
            match byte {
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if !byte.is_ascii_whitespace() {
                tokens.push(Token::Sign(byte));
            }
            at += 1;
        }
    }
    (tokens, source.len())
}

/// Bytes above ASCII belong to words, so that a piece never ends inside a character.
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != bytes[start] {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

const KEYWORDS: &[&str] = &[
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "elif",
    "else",
    "endif",
    "for",
    "endfor",
    "recursive",
    "set",
    "endset",
    "true",
    "false",
    "none",
    "True",
    "False",
    "None",
    "filter",
    "endfilter",
    "with",
    "endwith",
    "do",
    "macro",
    "endmacro",
    "call",
    "endcall",
    "raw",
    "endraw",
    "autoescape",
    "endautoescape",
];

/// The values that a piece of code uses, in order.
pub(super) fn uses(tokens: &[Token<'_>]) -> Vec<Use> {
    let mut uses = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let start = at;
        at += 1;
        let Token::Word(word) = tokens[start] else { continue };
        if !starts_path(tokens, start, word) {
            continue;
        }
        let mut path = vec![word];
        while let Some((part, next)) = next_part(tokens, at) {
            path.push(part);
            at = next;
        }
        if tokens.get(at) == Some(&Token::Sign(b'(')) {
            // A call: what is called is a function or a method, not a value.
            path.pop();
        }
        if !path.is_empty() {
            let asked = is_asked(&tokens[at..]);
            uses.push(Use { path: path.join("."), guarded: asked || has_default(&tokens[at..]), asked });
        }
    }
    uses
}

fn starts_path(tokens: &[Token<'_>], at: usize, word: &str) -> bool {
    let before = at.checked_sub(1).and_then(|before| tokens.get(before));
    let named = tokens.get(at + 1) == Some(&Token::Sign(b'=')) && tokens.get(at + 2) != Some(&Token::Sign(b'='));
    let in_call = tokens[..at].contains(&Token::Sign(b'('));
    let test = before == Some(&Token::Word("is"))
        || (before == Some(&Token::Word("not")) && at >= 2 && tokens[at - 2] == Token::Word("is"));
    !(KEYWORDS.contains(&word)
        || word.as_bytes()[0].is_ascii_digit()
        || matches!(before, Some(Token::Sign(b'.' | b'|')))
        || test
        || (named && in_call))
}

/// `.name`, or `["name"]`.
fn next_part<'a>(tokens: &[Token<'a>], at: usize) -> Option<(&'a str, usize)> {
    match (tokens.get(at)?, tokens.get(at + 1)?, tokens.get(at + 2)) {
        (Token::Sign(b'.'), Token::Word(name), _) => Some((name, at + 2)),
        (Token::Sign(b'['), Token::Text(name), Some(Token::Sign(b']'))) => Some((name, at + 3)),
        _ => None,
    }
}

fn has_default(rest: &[Token<'_>]) -> bool {
    matches!(rest, [Token::Sign(b'|'), Token::Word("default" | "d"), ..])
}

fn is_asked(rest: &[Token<'_>]) -> bool {
    matches!(
        rest,
        [Token::Word("is"), Token::Word("defined" | "undefined"), ..]
            | [Token::Word("is"), Token::Word("not"), Token::Word("defined" | "undefined"), ..]
    )
}

/// The names of filters (after `|`) and tests (after `is`) that code uses.
pub(super) fn helpers<'a>(tokens: &[Token<'a>]) -> (Vec<&'a str>, Vec<&'a str>) {
    let (mut filters, mut tests) = (Vec::new(), Vec::new());
    if let [Token::Word("filter"), Token::Word(name), ..] = tokens {
        filters.push(*name);
    }
    for window in tokens.windows(2) {
        match window {
            [Token::Sign(b'|'), Token::Word(name)] => filters.push(*name),
            [Token::Word("is"), Token::Word(name)] if *name != "not" => tests.push(*name),
            _ => {}
        }
    }
    for window in tokens.windows(3) {
        if let [Token::Word("is"), Token::Word("not"), Token::Word(name)] = window {
            tests.push(*name);
        }
    }
    (filters, tests)
}

/// The template with code put aside: `replace` says what stands for a piece of it. Lines keep their numbers.
pub(super) fn without_code(source: &str, mut replace: impl FnMut(usize, &Piece<'_>) -> String) -> String {
    let mut text = String::with_capacity(source.len());
    for (index, piece) in pieces(source).iter().enumerate() {
        let piece_text = &source[piece.range.clone()];
        if piece.kind == PieceKind::Text {
            text.push_str(piece_text);
        } else {
            text.push_str(&replace(index, piece));
            text.extend(piece_text.chars().filter(|c| *c == '\n'));
        }
    }
    text
}
