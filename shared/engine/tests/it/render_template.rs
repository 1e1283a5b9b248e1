//! What is said about a template before it is ever rendered.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use carepath_engine::render::{Part, Template, TemplateFault, parse};
use serde_json::{Value, json};

use super::render_mail::source;

fn faults(fields: Value) -> Vec<(String, &'static str)> {
    let faults = Template::compile(&source(fields)).unwrap_err();
    faults.into_iter().map(|TemplateFault { pointer, rule, .. }| (pointer, rule)).collect()
}

fn variables(fields: Value) -> Vec<(String, Part, bool)> {
    let template = Template::compile(&source(fields)).unwrap();
    let variables = template.facts().variables.iter();
    variables.map(|variable| (variable.path.clone(), variable.part, variable.has_default)).collect()
}

#[test]
fn every_fault_of_the_fields_is_told_at_once() {
    let faults =
        parse(&json!({"id": "Not Good", "subject": 7, "colour": "red", "a/b": 1, "class": "spam"})).unwrap_err();
    let mut pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/a~1b", "/class", "/colour", "/id", "/subject"]);
    assert!(faults.iter().all(|fault| fault.rule == "T001" && !fault.message.is_empty()));
    let missing = parse(&json!({})).unwrap_err();
    assert_eq!(missing.len(), 3);
    assert_eq!(parse(&json!([])).unwrap_err()[0].pointer, "");
}

#[test]
fn a_template_survives_being_written_and_read() {
    let template = source(json!({"mjml": "<mjml></mjml>", "preheader": "p"}));
    assert_eq!(parse(&serde_json::to_value(&template).unwrap()).unwrap(), template);
}

#[test]
fn every_fault_of_the_code_is_told_at_once() {
    let found = faults(json!({
        "subject": "{{ entry.x | nonsense }}", "preheader": "{% if %}", "text": "{{ name }}", "html": "{{ contact.name }}",
        "mjml": "<mjml><mj-body><mj-section></mj-body></mjml>",
    }));
    let expected = [
        (String::new(), "T002"),
        ("/subject".to_owned(), "T005"),
        ("/preheader".to_owned(), "T003"),
        ("/text".to_owned(), "T005"),
        ("/mjml".to_owned(), "T004"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_body_is_given_exactly_once() {
    assert_eq!(faults(json!({})), [(String::new(), "T002")]);
    assert_eq!(faults(json!({"html": "<p></p>", "mjml": "<mjml></mjml>"})), [(String::new(), "T002")]);
}

#[test]
fn names_that_are_not_in_the_language_are_told_with_what_is() {
    let told = |body: &str| Template::compile(&source(json!({"html": body}))).unwrap_err()[0].message.clone();
    assert!(told("{{ first_name }}").contains("contact.attributes.first_name"));
    assert!(told("{{ contact.first_name }}").contains("contact.attributes.first_name"));
    assert!(told("{{ entry.x is nonsense }}").contains("`nonsense`"));
    assert!(told("{{ debug() }}").contains("`debug`"));
    assert!(told("{% include 'x' %}").contains("include"));
    assert!(told("{% set ns = namespace(x=1) %}").contains("namespace"));
}

#[test]
fn mjml_is_checked_with_every_branch_in_place() {
    let wrap = |inner: &str| format!("<mjml><mj-body>\n{inner}</mj-body></mjml>");
    let whole = "{% if entry.x is defined %}<mj-section></mj-section>{% else %}<mj-section></mj-section>{% endif %}";
    assert!(Template::compile(&source(json!({"mjml": wrap(whole)}))).is_ok());
    let broken = "{% if entry.x is defined %}<mj-section>{% endif %}";
    let faults = Template::compile(&source(json!({"mjml": wrap(broken)}))).unwrap_err();
    assert_eq!(faults[0].rule, "T004");
    assert_eq!(self::faults(json!({"mjml": "<p>no</p>"})), [("/mjml".to_owned(), "T004")]);
    assert_eq!(
        self::faults(json!({"mjml": wrap("<mj-include path=\"/etc/passwd\"/>")})),
        [("/mjml".to_owned(), "T004")]
    );
}

#[test]
fn the_name_of_a_link_is_fixed_and_simple() {
    let named = |name: &str| json!({"html": format!("<a href='https://example.org' name='{name}'>x</a>")});
    assert_eq!(faults(named("a;b:c")), [("/html".to_owned(), "T006")]);
    assert_eq!(faults(named("{{ entry.x }}")), [("/html".to_owned(), "T006")]);
    assert!(Template::compile(&source(named("confirm_2-a"))).is_ok());
}

/// S25: who decides what may be published has to know what is used where.
#[test]
fn s25_facts_tell_values_by_part_with_their_defaults() {
    let found = variables(json!({
        "subject": "{{ contact.attributes.name | default('you') }} {{ entry.at | date('%Y') }}",
        "preheader": "{{ contact.attributes.a.b | upper | default('x') }}",
        "html": r#"{% if entry.extra is defined %}{{ entry.extra }}{% endif %}{{ entry["doctor"] }}
            {{ contact.attributes.name | d }}{{ contact.attributes.name }}{# entry.comment #}{% raw %}{{ entry.raw }}{% endraw %}
            <a href="https://example.org/{{ entry.token }}" name="go">{{ "entry.text" }}</a>"#,
    }));
    let expected = [
        ("contact.attributes.name", Part::Subject, true),
        ("entry.at", Part::Subject, false),
        ("contact.attributes.a.b", Part::Preheader, false),
        ("entry.extra", Part::Body, true),
        ("entry.doctor", Part::Body, false),
        ("contact.attributes.name", Part::Body, false),
        ("entry.token", Part::Body, false),
        ("entry.token", Part::Link, false),
    ];
    assert_eq!(found, expected.map(|(path, part, has_default)| (path.to_owned(), part, has_default)));
}

/// S25
#[test]
fn s25_a_value_that_reaches_a_link_through_a_name_of_the_template_is_told() {
    let found = variables(json!({"html": r#"
        {% for visit in entry.visits %}{% set url = visit.url %}<a href="{{ url }}">x</a>{% endfor %}
        {% set unused = contact.attributes.diagnosis %}"#}));
    assert!(found.contains(&("entry.visits".to_owned(), Part::Link, false)), "{found:?}");
    assert!(!found.iter().any(|(path, part, _)| *part == Part::Link && path.contains("diagnosis")), "{found:?}");
}

#[test]
fn facts_tell_the_links_and_whether_one_unsubscribes() {
    let with = Template::compile(&source(json!({"mjml": r#"<mjml><mj-body><mj-section><mj-column>
        <mj-button name="confirm" href="https://example.org/{% if entry.a is defined %}a{% endif %}">x</mj-button>
        <mj-text><a href="{{ unsubscribe_url }}">bye</a></mj-text></mj-column></mj-section></mj-body></mjml>"#})))
    .unwrap();
    assert_eq!(with.facts().links, ["confirm", ""]);
    assert!(with.facts().has_unsubscribe_link);
    let without = Template::compile(&source(json!({"html": "<p>{{ unsubscribe_url }}</p>"}))).unwrap();
    assert!(!without.facts().has_unsubscribe_link);
}
