//! What contacts and authors may try, and what comes of it.

use carepath_engine::render::{Template, fill};
use proptest::prelude::*;
use serde_json::json;

use super::render_mail::{in_scope, render, source};

const MJML: &str = r#"<mjml><mj-body><mj-section><mj-column><mj-text>[{{ entry.x }}]</mj-text>
<mj-button href="https://example.org/{{ entry.x }}" title="{{ entry.x }}" name="go">go</mj-button>
<mj-image src="https://example.org/a.png" alt="{{ entry.x }}"/></mj-column></mj-section></mj-body></mjml>"#;

fn html_text(html: &str) -> String {
    html.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#92;", "\\")
        .replace("&amp;", "&")
}

#[test]
fn markup_in_a_value_is_text() {
    let hostile = r#""><script>alert(1)</script><a href='https://evil.example' name="x">\"#;
    let mail = render(json!({"mjml": MJML, "subject": "{{ entry.x }}"}), json!({}), json!({"x": hostile})).unwrap();
    assert!(!mail.html.contains("<script"));
    assert!(!mail.html.contains("<a href='https://evil"));
    assert_eq!(mail.links.len(), 1);
    assert_eq!(mail.links[0].url, format!("https://example.org/{hostile}"));
    assert!(html_text(&mail.html).contains(&format!("[{hostile}]")));
    assert!(mail.text.contains("<script>alert(1)</script>"));
    assert_eq!(mail.subject, hostile);
}

#[test]
fn code_in_a_value_is_not_run() {
    let hostile = "{{ contact.email }}{% for x in range(9) %}x{% endfor %}";
    let mail = render(json!({"mjml": MJML, "subject": "{{ entry.x }}"}), json!({}), json!({"x": hostile})).unwrap();
    assert_eq!(mail.subject, hostile);
    assert!(!mail.html.contains("ada@example.org"));
    let filled = in_scope(json!({}), json!({"x": hostile}), |scope| fill(&json!("a {{ entry.x }}"), scope));
    assert_eq!(filled.unwrap(), json!(format!("a {hostile}")));
}

#[test]
fn nothing_in_a_value_breaks_out_of_the_subject_line() {
    let hostile = "a\r\nBcc: evil@example.org\u{0}\u{2028}b\u{85}c\t\u{b}d";
    let mail = render(
        json!({"html": "<p></p>", "subject": " {{ entry.x }}\n", "preheader": "{{ entry.x }}"}),
        json!({}),
        json!({"x": hostile}),
    )
    .unwrap();
    assert_eq!(mail.subject, "a Bcc: evil@example.org b c d");
    assert!(mail.html.contains(">a Bcc: evil@example.org b c d</div>"));
}

#[test]
fn letters_that_a_printer_would_escape_come_through_in_attributes() {
    let name = "Zoe\u{308} C:\\temp \u{200d} \u{1f469}\u{200d}\u{2695}\u{fe0f} \u{202e}x";
    let mail = render(json!({"mjml": MJML}), json!({}), json!({"x": name})).unwrap();
    assert_eq!(mail.links[0].url, format!("https://example.org/{name}"));
    assert!(!mail.html.contains("\\u{"), "{}", mail.html);
}

#[test]
fn markup_cannot_be_let_through_by_a_template() {
    for body in ["{{ entry.x | safe }}", "{% autoescape false %}{{ entry.x }}{% endautoescape %}"] {
        let faults = Template::compile(&source(json!({"html": body}))).unwrap_err();
        assert!(faults.iter().all(|fault| fault.rule == "T005"), "{faults:?}");
    }
}

#[test]
fn a_template_that_computes_for_ever_is_stopped() {
    let body = "{% for a in range(9999) %}{% for b in range(9999) %}{{ b }}{% endfor %}{% endfor %}";
    let error = render(json!({"html": body}), json!({}), json!({})).unwrap_err();
    assert!(matches!(error.code(), "template_fuel" | "template_too_large"), "{error}");
    let silent =
        "{% for a in range(9999) %}{% for b in range(9999) %}{% if a == b %}{% endif %}{% endfor %}{% endfor %}";
    assert_eq!(render(json!({"html": silent}), json!({}), json!({})).unwrap_err().code(), "template_fuel");
}

#[test]
fn a_macro_that_calls_itself_is_stopped() {
    let body = "{% macro down() %}{{ down() }}{% endmacro %}{{ down() }}";
    let error = render(json!({"html": body}), json!({}), json!({})).unwrap_err();
    assert_eq!(error.code(), "template_recursion", "{error}");
}

#[test]
fn a_mail_that_grows_without_bound_is_stopped() {
    let big = "x".repeat(100_000);
    let body = "{% for a in range(2000) %}{{ entry.x }}{% endfor %}";
    assert_eq!(render(json!({"html": body}), json!({}), json!({"x": big})).unwrap_err().code(), "template_too_large");
}

#[test]
fn elements_nested_by_a_loop_are_stopped_before_they_are_parsed() {
    let nested = "{% for a in range(5000) %}<div>{% endfor %}";
    let mjml = format!(
        "<mjml><mj-body><mj-section><mj-column><mj-text>{{% if entry.x %}}{nested}{{% endif %}}</mj-text></mj-column></mj-section></mj-body></mjml>"
    );
    // The loop leaves its elements open, which the check of the template finds already.
    assert_eq!(Template::compile(&source(json!({"mjml": mjml}))).unwrap_err()[0].rule, "T004");
    let error = render(json!({"html": nested}), json!({}), json!({})).unwrap_err();
    assert_eq!(error.code(), "template_too_deep");
    let literal = "<div>".repeat(5_000);
    assert_eq!(Template::compile(&source(json!({"html": literal}))).unwrap_err()[0].rule, "T007");
}

#[test]
fn elements_as_deep_as_they_may_be_fit_on_the_stack_of_a_worker() {
    let deep = format!("{}x{}", "<div>".repeat(240), "</div>".repeat(240));
    let mjml = format!(
        "<mjml><mj-body><mj-section><mj-column><mj-text>{deep}</mj-text></mj-column></mj-section></mj-body></mjml>"
    );
    let worker = std::thread::Builder::new().stack_size(1 << 20);
    let mail = worker.spawn(move || render(json!({"mjml": mjml}), json!({}), json!({}))).unwrap().join().unwrap();
    assert!(mail.unwrap().text.contains('x'));
}

/// S24
#[test]
fn s24_errors_and_debug_say_where_and_never_what() {
    let canary = "canary-7731";
    let entry = json!({"x": canary, "list": [canary], "object": {canary: canary}});
    let bodies = [
        "{{ entry.gone }}",
        "{{ entry.x.gone }}",
        "{{ entry.x | date('%Y') }}",
        "{{ entry.x + 1 }}",
        "{{ entry.x | round }}",
        "{{ entry.object[entry.x].y.z }}",
        "{{ entry.x() }}",
        "{{ entry.x | int }}",
        "{% for a, b in entry.list %}{% endfor %}",
        "{{ entry.list | join(1) | float }}",
    ];
    for body in bodies {
        let error = render(json!({"html": format!("\n{body}")}), json!({}), entry.clone()).unwrap_err();
        let shown = format!("{error} {error:?} {}", error.code());
        assert!(!shown.contains(canary), "{shown}");
        assert!(shown.contains("line 2"), "{shown}");
    }
    let body = r#"<a href="https://example.org/{{ entry.x }}">{{ entry.x }}</a>"#;
    let mail = render(json!({"html": body}), json!({}), entry).unwrap();
    assert!(!format!("{mail:?} {:?}", mail.links).contains(canary));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_value_adds_a_link_or_an_element_or_is_lost(value in any::<String>()) {
        let tags = |html: &str| html.matches('<').count();
        let plain = render(json!({"mjml": MJML}), json!({}), json!({"x": "x"})).unwrap();
        let mail = render(json!({"mjml": MJML, "subject": "{{ entry.x }}"}), json!({}), json!({"x": value})).unwrap();
        prop_assert_eq!(tags(&mail.html), tags(&plain.html));
        prop_assert_eq!(mail.links.len(), 1);
        prop_assert_eq!(&mail.links[0].url, &format!("https://example.org/{value}"));
        prop_assert!(!mail.subject.chars().any(char::is_control));
    }

    #[test]
    fn any_text_is_a_template_or_a_list_of_faults(text in "([{}%#|'\"\\\\() .\\n-]|\\{\\{|%\\}|entry|é|for|in|raw|endraw|<a href=){0,24}") {
        let source = source(json!({"html": text, "subject": text}));
        if let Ok(template) = Template::compile(&source) {
            let _ = in_scope(json!({}), json!({}), |scope| template.render(scope).is_ok());
        }
        let _ = in_scope(json!({}), json!({}), |scope| fill(&json!(text), scope).is_ok());
    }
}
