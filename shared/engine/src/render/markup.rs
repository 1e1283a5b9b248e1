//! Markup: MJML to HTML, HTML to plain text, and the links in between.

use std::cell::RefCell;

use lol_html::html_content::{ContentType, Element};
use lol_html::{RewriteStrSettings, element, rewrite_str};
use mrml::prelude::render::RenderOptions;

use super::NamedLink;

/// How deeply elements may be nested: parsing and rendering go down with them, on a stack of a worker's size.
const MAX_DEPTH: usize = 256;
/// The width of plain text, in characters: lines end where the author ends them, and the reader's program wraps them.
const WIDTH: usize = 100_000;

/// Why MJML is refused, and at which byte, where that is known.
pub(super) struct BadMjml {
    pub(super) message: String,
    pub(super) at: Option<usize>,
}

/// MJML as HTML. Nothing in it is fetched from anywhere: not by us, and no fonts by the reader's program either, unless
/// the template asks for them.
pub(super) fn mjml_to_html(mjml: &str) -> Result<String, BadMjml> {
    let parsed = mrml::parse(mjml).map_err(|error| BadMjml { message: error.to_string(), at: position(&error) })?;
    let options = RenderOptions { disable_comments: true, fonts: [].into(), ..RenderOptions::default() };
    parsed.element.render(&options).map_err(|error| BadMjml { message: error.to_string(), at: None })
}

fn position(error: &mrml::prelude::parser::Error) -> Option<usize> {
    use mrml::prelude::parser::Error;
    match error {
        Error::UnexpectedElement { position, .. }
        | Error::UnexpectedToken { position, .. }
        | Error::MissingAttribute { position, .. }
        | Error::InvalidAttribute { position, .. }
        | Error::InvalidFormat { position, .. }
        | Error::IncludeLoaderError { position, .. } => Some(position.start),
        Error::EndOfStream { .. } | Error::SizeLimit { .. } | Error::ParserError { .. } | Error::NoRootNode => None,
    }
}

const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "p", "li",
    "td", "tr", "th", "dt", "dd", "option",
];

/// Whether elements are nested deeper than [`MAX_DEPTH`]. Elements that HTML lets stay open are not counted where HTML
/// reads them; MJML, which wants every element closed, counts them (`strict`).
pub(super) fn too_deep(markup: &str, strict: bool) -> bool {
    let mut depth = 0_usize;
    for (at, _) in markup.match_indices('<') {
        let tag = &markup[at + 1..];
        let closing = tag.starts_with('/');
        let name = tag.trim_start_matches('/');
        let name = &name[..name.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(name.len())];
        let open_ended = if strict { is_void(name, 13) } else { is_void(name, VOID.len()) };
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || open_ended {
            continue;
        }
        let own_end = tag.find('>').is_some_and(|end| tag[..end].ends_with('/'));
        match (closing, own_end) {
            (true, _) => depth = depth.saturating_sub(1),
            (false, false) => depth += 1,
            (false, true) => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}

fn is_void(name: &str, count: usize) -> bool {
    VOID[..count].iter().any(|void| name.eq_ignore_ascii_case(void))
}

/// Something with a `href`, as it is written.
pub(super) struct Anchor {
    pub(super) name: Option<String>,
    pub(super) href: String,
}

/// Everything with a `href` in HTML or MJML, in order.
pub(super) fn anchors(markup: &str) -> Result<Vec<Anchor>, lol_html::errors::RewritingError> {
    let found = RefCell::new(Vec::new());
    let settings = settings().append_element_content_handler(element!("[href]", |element: &mut Element| {
        let href = element.get_attribute("href").unwrap_or_default();
        // Style sheets and the base are addresses, but nothing that a reader follows.
        if !matches!(element.tag_name().as_str(), "link" | "base" | "mj-font") {
            found.borrow_mut().push(Anchor { name: element.get_attribute("name"), href });
        }
        Ok(())
    }));
    rewrite_str(markup, settings)?;
    Ok(found.into_inner())
}

/// Attributes that hold an address which a program of the reader, or a server on its behalf, asks for.
const ADDRESSES: &[&str] = &[
    "href",
    "src",
    "srcset",
    "background",
    "background-url",
    "action",
    "formaction",
    "poster",
    "cite",
    "data",
    "longdesc",
    "xlink:href",
    "icon-src",
    "thumbnails-src",
];

/// All texts of HTML or MJML in which addresses stand: those of links, of pictures (which are asked for without a click)
/// and of styles.
pub(super) fn addresses(markup: &str) -> Result<Vec<String>, lol_html::errors::RewritingError> {
    let found = RefCell::new(Vec::new());
    let settings = settings().append_element_content_handler(element!("*", |element: &mut Element| {
        for attribute in element.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            if ADDRESSES.contains(&name.as_str()) || value.contains("url(") {
                found.borrow_mut().push(value);
            }
        }
        Ok(())
    }));
    rewrite_str(markup, settings)?;
    let mut found = found.into_inner();
    found.extend(bare_addresses(markup));
    Ok(found)
}

/// Addresses that stand in text and in styles: mail programs make links of the former and ask for the latter.
pub(super) fn bare_addresses(text: &str) -> Vec<String> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>');
    let styles = text.match_indices("url(").map(|(at, _)| text[at..].split(')').next());
    let bare = text.match_indices("://").map(|(at, _)| text[at..].split(ends).next());
    styles.chain(bare).flatten().map(str::to_owned).collect()
}

/// HTML with its links named for the mail service and the preheader put in front, and the links.
///
/// The service follows clicks by replacing addresses; the tag is how a link keeps its name through that.
pub(super) fn finish(
    html: &str,
    preheader: Option<&str>,
) -> Result<(String, Vec<NamedLink>), lol_html::errors::RewritingError> {
    let links = RefCell::new(Vec::new());
    let hidden = preheader.filter(|line| !line.is_empty()).map(hidden_line);
    let placed = RefCell::new(false);
    let settings = settings()
        .append_element_content_handler(element!("a[href]", |anchor: &mut Element| {
            let name = anchor.get_attribute("name").unwrap_or_default();
            if !name.is_empty() {
                anchor.set_attribute("ses:tags", &format!("name:{name}"))?;
            }
            let url = decode(&anchor.get_attribute("href").unwrap_or_default());
            links.borrow_mut().push(NamedLink { name, url });
            Ok(())
        }))
        .append_element_content_handler(element!("body", |body: &mut Element| {
            if let Some(hidden) = &hidden
                && !placed.replace(true)
            {
                body.prepend(hidden, ContentType::Html);
            }
            Ok(())
        }));
    let mut finished = rewrite_str(html, settings)?;
    if let Some(hidden) = hidden
        && !placed.into_inner()
    {
        finished.insert_str(0, &hidden);
    }
    Ok((finished, links.into_inner()))
}

fn settings<'h, 's>() -> RewriteStrSettings<'h, 's> {
    RewriteStrSettings::new()
}

fn hidden_line(line: &str) -> String {
    let text = escape(line);
    format!(
        "<div style=\"display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden;\
         mso-hide:all\">{text}</div>"
    )
}

/// Text as it stands between tags.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The text of an attribute: what a reader's program makes of it.
fn decode(attribute: &str) -> String {
    let mut text = String::with_capacity(attribute.len());
    let mut rest = attribute;
    while let Some(start) = rest.find('&') {
        text.push_str(&rest[..start]);
        rest = &rest[start..];
        let decoded = rest.find(';').and_then(|end| Some((entity(&rest[1..end])?, end + 1)));
        let (c, length) = decoded.unwrap_or(('&', 1));
        text.push(c);
        rest = &rest[length..];
    }
    text.push_str(rest);
    text
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

/// HTML as plain text, with the addresses of its links listed at the end. `None` where it cannot be read.
pub(super) fn html_to_text(html: &str) -> Option<String> {
    let config = html2text::config::plain_no_decorate()
        .link_footnotes(true)
        .no_table_borders()
        .raw_mode(true)
        .allow_width_overflow()
        .no_link_wrapping();
    let text = config.string_from_read(html.as_bytes(), WIDTH).ok()?;
    Some(tidy(&text))
}

/// Without space at the ends of lines, and with no more than one empty line in a row.
pub(super) fn tidy(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if !(line.is_empty() && lines.last().is_none_or(|last| last.is_empty())) {
            lines.push(line);
        }
    }
    let mut text = lines.join("\n");
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// With one space in place of each run of them, line breaks included, as HTML shows text, and without control
/// characters.
pub(super) fn one_space(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{202f}') {
            if !line.ends_with(' ') {
                line.push(' ');
            }
        } else if !c.is_control() {
            line.push(c);
        }
    }
    line
}

/// One line, whatever line breaks and other control characters came with it: a header takes nothing else.
pub(super) fn one_line(text: &str) -> String {
    let breaks = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.split(breaks).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
