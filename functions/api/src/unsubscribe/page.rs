//! The pages: no script, nothing from elsewhere, and no word about whose topics these are.

use std::fmt::Write as _;

use axum::response::{IntoResponse, Response};
use carepath_app::unsubscribe::Choice;
use carepath_engine::ids::TopicId;
use http::{HeaderName, StatusCode, header};

/// A page of HTML.
pub(super) struct Page(String);

const STYLE: &str = include_str!("page.css");
/// Only the style above, by its hash (a test holds the two together), and only forms that lead back here.
const POLICY: &str = "default-src 'none'; style-src 'sha256-ACUUPCdZ+D6RJd+9jaFl7PI/utTsRUryMD+YxEclSSQ='; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            // The address is a key to these answers: it stays here.
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CACHE_CONTROL, "no-store"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (ROBOTS, "noindex"),
        ];
        (headers, self.0).into_response()
    }
}

/// Nothing that is put into a page can be markup: topics are made of `a-z`, `0-9` and `-`, and the rest is written here.
fn page(title: &str, main: &str) -> Page {
    Page(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{main}</main>\n</body>\n</html>\n"
    ))
}

/// A topic in words: `health-tips` is `Health tips`.
fn words(topic: &TopicId) -> String {
    let text = topic.as_str().replace('-', " ");
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What no answer changes (S11): so nobody is told that they are rid of it.
const CARE: &str = "<p>Mails that are part of your care, or of a service that you use, still come.</p>\n";
const BACK: &str = "<p><a href=\"?\">Choose what you get</a></p>\n";

/// The topics with what was said to each, to be changed.
pub(super) fn choices(choices: &[Choice]) -> Page {
    let mut form = String::from("<form method=\"post\">\n");
    if !choices.is_empty() {
        form.push_str("<fieldset>\n<legend>Which mails do you want to get?</legend>\n");
        for Choice { topic, subscribed } in choices {
            let checked = if *subscribed { " checked" } else { "" };
            let words = words(topic);
            // Writing to a text cannot fail.
            let _ = writeln!(
                form,
                "<label><input type=\"checkbox\" name=\"topic\" value=\"{topic}\"{checked}> {words}</label>\
                 <input type=\"hidden\" name=\"shown\" value=\"{topic}\">"
            );
        }
        form.push_str("</fieldset>\n<button name=\"what\" value=\"these\">Save</button>\n");
    }
    form.push_str(
        "<button name=\"what\" value=\"nothing\" class=\"plain\">Unsubscribe from everything</button>\n</form>\n",
    );
    form.push_str(CARE);
    page("Your mails", &form)
}

/// One topic is over.
pub(super) fn unsubscribed(topic: &TopicId) -> Page {
    page("You are unsubscribed", &format!("<p>You are unsubscribed from: {}.</p>\n{CARE}{BACK}", words(topic)))
}

/// All topics are over.
pub(super) fn unsubscribed_from_all() -> Page {
    page("You are unsubscribed", &format!("<p>You are unsubscribed from every topic.</p>\n{CARE}{BACK}"))
}

/// The choice is kept.
pub(super) fn saved() -> Page {
    page("Saved", &format!("<p>You get the mails that you chose.</p>\n{BACK}"))
}

/// Where the link leads that people do not see.
pub(super) fn hidden() -> Page {
    page(
        "Nothing to see here",
        "<p>This link is in our mails for programs that follow every link. You have not missed anything.</p>\n",
    )
}

/// Something was not done.
pub(super) fn refused(status: StatusCode) -> Page {
    if status == StatusCode::NOT_FOUND {
        return page("This link does not work", "<p>Open it from the mail again, or reply to that mail.</p>\n");
    }
    page("That did not work", "<p>Nothing was changed. Try again in a moment.</p>\n<p><a href=\"?\">Back</a></p>\n")
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use carepath_app::unsubscribe::Choice;
    use sha2::{Digest as _, Sha256};

    use super::{POLICY, STYLE, choices, words};

    #[test]
    fn the_policy_lets_in_the_style_and_nothing_else() {
        let hash = STANDARD.encode(Sha256::digest(STYLE));
        assert!(POLICY.contains(&format!("'sha256-{hash}'")), "the hash of the style is {hash}");
        assert!(!POLICY.contains("script") && !POLICY.contains("unsafe") && !STYLE.contains("url("));
    }

    #[test]
    fn each_topic_has_a_labelled_box_with_what_was_said_to_it() {
        let choice = |topic: &str, subscribed| Choice { topic: topic.parse().unwrap(), subscribed };
        let page = choices(&[choice("health-tips", true), choice("events", false)]).0;
        assert!(page.contains(
            r#"<label><input type="checkbox" name="topic" value="health-tips" checked> Health tips</label>"#
        ));
        assert!(page.contains(r#"<label><input type="checkbox" name="topic" value="events"> Events</label>"#));
        assert!(page.contains("<html lang=\"en\">") && page.contains("name=\"viewport\""));
        assert!(!page.contains("<script") && !page.contains("http"));
        assert!(!choices(&[]).0.contains("<fieldset>"));
    }

    #[test]
    fn topics_are_shown_in_words() {
        assert_eq!(words(&"health-tips".parse().unwrap()), "Health tips");
    }
}
