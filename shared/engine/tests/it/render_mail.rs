//! What a mail looks like.

#![expect(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "helpers of tests, called with literals, fail the test"
)]

use std::collections::BTreeMap;

use carepath_engine::calendar::parse_zone;
use carepath_engine::contact::{Attributes, Contact};
use carepath_engine::render::{Mail, RenderError, RenderScope, Template, TemplateSource, fill, parse};
use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) fn source(fields: Value) -> TemplateSource {
    let mut all = json!({"id": "reminder", "subject": "Hello", "class": "care"});
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    parse(&all).unwrap()
}

pub(crate) fn contact(attributes: Value) -> Contact {
    let mut contact = Contact::new("patient-1".parse().unwrap(), Timestamp::UNIX_EPOCH);
    contact.email = Some("ada@example.org".to_owned().into());
    contact.locale = Some("en".to_owned());
    contact.attributes = attributes.as_object().unwrap().clone().into();
    contact
}

/// Calls `with` with a scope of these attributes and this entry, in New York.
pub(crate) fn in_scope<T>(attributes: Value, entry: Value, with: impl FnOnce(&RenderScope<'_>) -> T) -> T {
    let contact = contact(attributes);
    let entry: Attributes = entry.as_object().unwrap().clone();
    with(&RenderScope {
        contact: &contact,
        entry: &entry,
        saved: &Attributes::from_iter([("score".to_owned(), json!({ "band": "high" }))]),
        tz: &parse_zone("America/New_York").unwrap(),
        now: "2026-11-24T05:00:00Z".parse().unwrap(),
        unsubscribe_url: Some("https://mail.example.org/u/abc?x=1&y=2"),
        links: &BTreeMap::from([("preferences".to_owned(), "https://mail.example.org/p/abc".to_owned())]),
    })
}

pub(crate) fn render(fields: Value, attributes: Value, entry: Value) -> Result<Mail, RenderError> {
    let template = Template::compile(&source(fields)).unwrap();
    in_scope(attributes, entry, |scope| template.render(scope))
}

const REMINDER: &str = r#"<mjml>
  <mj-head><mj-title>Reminder</mj-title></mj-head>
  <mj-body>
    <mj-section>
      <mj-column>
        <mj-text>Dear {{ contact.attributes.name | default("patient") }},</mj-text>
        <mj-text>your visit with {{ entry.doctor }} is on <b>{{ entry.at | date("%A %-d %B, %H:%M") }}</b>.</mj-text>
        {% if entry.notes is defined %}
        <mj-text>{% for note in entry.notes %}{{ loop.index }}. {{ note }}<br/>{% endfor %}</mj-text>
        {% endif %}
        <mj-button href="https://example.org/confirm?visit={{ entry.visit | urlencode }}" name="confirm">Confirm</mj-button>
        <mj-text>Questions? <a href="https://example.org/help">Ask us</a>, or
          <a href="{{ unsubscribe_url }}" name="unsubscribe">unsubscribe</a>.</mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>"#;

fn reminder() -> Mail {
    render(
        json!({
            "subject": "Your visit on {{ entry.at | date('%-d %B') }}",
            "preheader": "With {{ entry.doctor }} <soon>",
            "mjml": REMINDER,
        }),
        json!({"name": "Zoë Ωmega 李"}),
        json!({
            "doctor": "Dr. O'Neil & Söhne", "at": "2026-12-01T15:30:00Z", "visit": "v 1/ü",
            "notes": ["come early", "bring your card"],
        }),
    )
    .unwrap()
}

#[test]
fn the_html_of_a_mail_is_the_one_that_was_reviewed() {
    insta::assert_snapshot!("reminder_html", reminder().html);
}

#[test]
fn the_text_of_a_mail_is_the_one_that_was_reviewed() {
    insta::assert_snapshot!("reminder_text", reminder().text);
}

#[test]
fn dates_are_written_in_the_zone_of_the_contact() {
    let mail = reminder();
    assert_eq!(mail.subject, "Your visit on 1 December");
    assert!(mail.html.contains("Tuesday 1 December, 10:30"));
}

#[test]
fn links_are_listed_in_order_with_their_names_and_their_real_addresses() {
    let mail = reminder();
    let links: Vec<(&str, &str)> = mail.links.iter().map(|link| (link.name.as_str(), link.url.as_str())).collect();
    let expected = [
        ("confirm", "https://example.org/confirm?visit=v%201%2F%C3%BC"),
        ("", "https://example.org/help"),
        ("unsubscribe", "https://mail.example.org/u/abc?x=1&y=2"),
    ];
    assert_eq!(links, expected);
}

#[test]
fn a_named_link_carries_its_name_through_click_tracking() {
    let html = reminder().html;
    assert_eq!(html.matches("ses:tags=\"name:confirm\"").count(), 1);
    assert_eq!(html.matches("ses:tags=\"name:unsubscribe\"").count(), 1);
    assert_eq!(html.matches("ses:tags").count(), 2);
}

#[test]
fn a_mail_loads_nothing_from_elsewhere_that_its_author_did_not_ask_for() {
    assert!(!reminder().html.contains("fonts.googleapis.com"));
}

#[test]
fn the_preheader_comes_first_in_the_body_hidden_and_escaped_and_not_in_the_text() {
    let mail = reminder();
    let body = &mail.html[mail.html.find("<body").unwrap()..];
    let line = body.find("With Dr. O'Neil &amp; Söhne &lt;soon&gt;</div>").unwrap();
    assert!(line < body.find("Dear").unwrap());
    assert!(body[..line].contains("display:none"));
    assert!(!mail.text.contains("soon"));
}

#[test]
fn html_is_taken_as_it_is_and_a_text_of_its_own_wins() {
    let mail = render(
        json!({"html": "<p>Hi {{ contact.attributes.name }}</p>", "text": "Hi {{ contact.attributes.name }}\r\n\r\n\r\nBye", "preheader": "p"}),
        json!({"name": "A & B"}),
        json!({}),
    )
    .unwrap();
    assert!(mail.html.ends_with("<p>Hi A &amp; B</p>"), "{}", mail.html);
    assert!(mail.html.starts_with("<div style=\"display:none"));
    assert_eq!(mail.text, "Hi A & B\n\nBye\n");
}

#[test]
fn a_null_counts_as_missing() {
    let mail = render(
        json!({"html": "{{ contact.attributes.name | default('you') }}{% if entry.x is defined %}!{% endif %}"}),
        json!({"name": null}),
        json!({"x": null}),
    );
    assert_eq!(mail.unwrap().html, "you");
}

#[test]
fn templates_see_the_contact_and_the_links_of_the_installation() {
    let html =
        "{{ contact.id }} {{ contact.email }} {{ contact.locale }} {{ links.preferences }} {{ now | date('%Y') }}";
    let mail = render(json!({"subject": html, "html": "<p></p>"}), json!({}), json!({})).unwrap();
    assert_eq!(mail.subject, "patient-1 ada@example.org en https://mail.example.org/p/abc 2026");
}

#[test]
fn a_value_that_is_one_expression_keeps_its_type() {
    let value = json!({
        "count": "{{ entry.count + 1 }}", "big": "{{ entry.big }}", "list": "{{ entry.list }}", "flag": "{{ entry.flag }}",
        "object": "{{- entry.object -}}", "half": "{{ entry.half }}",
        "text": "{{ entry.count }} visits", "two": "{{ entry.count }}{{ entry.count }}", "deep": [{"x": "{{ entry.name }}"}],
        "plain": "100 %", "number": 7, "nothing": null,
    });
    let entry = json!({
        "count": 2, "big": u64::MAX, "list": [1, "a", null], "flag": true, "object": {"a": {"b": 1}}, "half": 0.5,
        "name": "<Ada>",
    });
    let expected = json!({
        "count": 3, "big": u64::MAX, "list": [1, "a", null], "flag": true, "object": {"a": {"b": 1}}, "half": 0.5,
        "text": "2 visits", "two": "22", "deep": [{"x": "<Ada>"}],
        "plain": "100 %", "number": 7, "nothing": null,
    });
    assert_eq!(in_scope(json!({}), entry, |scope| fill(&value, scope)).unwrap(), expected);
}

#[test]
fn a_value_that_is_missing_is_an_error_in_either_form() {
    for text in ["{{ entry.gone }}", "<{{ entry.gone }}>", "{{ entry.gone.deeper }}"] {
        let error = in_scope(json!({}), json!({}), |scope| fill(&json!([text]), scope)).unwrap_err();
        assert_eq!(error.code(), "template_undefined");
        assert!(error.to_string().contains("gone"), "{error}");
    }
}

// HTML reads control characters as other characters; they are tried in `render_hostile`.
const SEEN: &str = r"[^\x00-\x08\x0b-\x1f\x7f-\x9f]{0,12}";

/// Markup is worked out once and filled for each contact. A template that sets a value is filled the long way round, so
/// the same template with and without such a line has to come to the same mail.
#[test]
fn a_mail_from_a_known_shape_is_the_mail_from_scratch() {
    let body = |first: &str| {
        let list = "{% for note in entry.notes %}<li>{{ note }}</li>{% endfor %}";
        format!(
            "{first}<p title='{{{{ entry.a }}}}'>{{{{ entry.a }}}}{{{{ entry.b }}}}</p>{{% if entry.a %}}<ul>{list}</ul>{{% endif %}}\
             <p><a name='go' href='https://x.example/?q={{{{ entry.b | urlencode }}}}&amp;r={{{{ entry.a }}}}'>{{{{ entry.b }}}}</a></p>"
        )
    };
    let template = |first: &str| {
        let fields = json!({"html": body(first), "subject": "{{ entry.a }}", "preheader": "{{ entry.b }}"});
        Template::compile(&source(fields)).unwrap()
    };
    let (marked, scratch) = (template(""), template("{% set x = 1 %}"));
    // One character in a hundred is a space without width, which texts of mails leave out.
    let note = proptest::prop_oneof![9 => "\\PC{0,6}", 1 => "[a\u{200b}]{1,3}"];
    let notes = proptest::collection::vec(note, 0..3);
    let config = proptest::test_runner::Config { cases: 500, failure_persistence: None, ..Default::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    runner
        .run(&(SEEN, SEEN, notes), |(a, b, notes)| {
            let entry = json!({"a": a, "b": b, "notes": notes});
            let known = in_scope(json!({}), entry.clone(), |scope| marked.render(scope)).unwrap();
            let mail = in_scope(json!({}), entry, |scope| scratch.render(scope)).unwrap();
            assert_eq!(known.html, mail.html);
            assert_eq!(known.links, mail.links);
            let words = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(words(&known.text), words(&mail.text));
            Ok(())
        })
        .unwrap();
}
