//! Reading what is posted: by a mail program in the name of its user, or by the page.

use carepath_app::FieldError;
use carepath_app::unsubscribe::Wish;
use http::{HeaderMap, header};

use crate::problem::{Code, Problem};

/// What a form asks for.
pub(super) fn wish(headers: &HeaderMap, bytes: &[u8]) -> Result<Wish, Problem> {
    let fields = fields(headers, bytes)?;
    let has = |name: &str, value: &str| fields.iter().any(|(own, said)| own == name && said == value);
    if has("List-Unsubscribe", "One-Click") {
        return Ok(Wish::OneClick);
    }
    if has("what", "nothing") {
        return Ok(Wish::Nothing);
    }
    if has("what", "these") {
        // What is no topic is none that was shown.
        let all = |name: &str| {
            fields.iter().filter(|(own, _)| own == name).filter_map(|(_, topic)| topic.parse().ok()).collect()
        };
        return Ok(Wish::Topics { shown: all("shown"), wanted: all("topic") });
    }
    let mend = "must be `List-Unsubscribe=One-Click`, or what the page at this address sends";
    Err(Problem::invalid(vec![FieldError::new("", "form", mend)]))
}

fn fields(headers: &HeaderMap, bytes: &[u8]) -> Result<Vec<(String, String)>, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let (media, parameters) = kind.split_once(';').unwrap_or((kind, ""));
    match media.trim().to_ascii_lowercase().as_str() {
        "application/x-www-form-urlencoded" => Ok(form_urlencoded::parse(bytes).into_owned().collect()),
        "multipart/form-data" => Ok(boundary(parameters).map_or_else(Vec::new, |boundary| parts(bytes, boundary))),
        _ => {
            let detail = "Send a form, with `Content-Type: application/x-www-form-urlencoded`.";
            Err(Problem::new(Code::UnsupportedMediaType, detail))
        }
    }
}

fn boundary(parameters: &str) -> Option<&str> {
    let named = parameters.split(';').filter_map(|parameter| parameter.trim().split_once('='));
    let (_, boundary) = named.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    Some(boundary.trim_matches('"')).filter(|boundary| !boundary.is_empty())
}

/// The fields of a multipart form (RFC 7578), as far as a form of short texts goes: what is built otherwise is passed over.
fn parts(bytes: &[u8], boundary: &str) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(bytes);
    // The first boundary may stand at the very beginning; each of the others takes the line break before it along.
    let text = format!("\r\n{text}");
    let boundary = format!("\r\n--{boundary}");
    let parts = text.split(&boundary).skip(1).take_while(|part| !part.starts_with("--"));
    let field = |part: &str| {
        let (head, value) = part.split_once("\r\n\r\n")?;
        let (_, name) = head.split_once("name=\"")?;
        let (name, _) = name.split_once('"')?;
        Some((name.to_owned(), value.to_owned()))
    };
    parts.filter_map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::{boundary, parts};

    #[test]
    fn the_fields_of_a_multipart_form_are_found() {
        let body = "--b1\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b1\r\n\
                    content-disposition: form-data; name=\"topic\"\r\nContent-Type: text/plain\r\n\r\ntips\r\n--b1--\r\n";
        let found = parts(body.as_bytes(), boundary(" charset=utf-8; boundary=\"b1\"").unwrap());
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(found, [pair("List-Unsubscribe", "One-Click"), pair("topic", "tips")]);
    }

    #[test]
    fn what_is_no_multipart_form_has_no_fields() {
        for body in ["", "--b1", "--b1--", "--b1\r\n\r\nx\r\n--b1--", "\u{0}\u{ff}", "--b2\r\nname=\"a\"\r\n\r\nb"] {
            assert_eq!(parts(body.as_bytes(), "b1"), []);
        }
        assert_eq!(boundary(""), None);
        assert_eq!(boundary("boundary="), None);
    }
}
