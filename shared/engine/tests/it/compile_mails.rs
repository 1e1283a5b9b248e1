//! W010, W011 and W017: what mails say, and to whom.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail like a test")]

use carepath_engine::compile::{FieldClass, Place, WayOut};
use carepath_engine::document::Severity;
use carepath_engine::version::Class;
use serde_json::{Value, json};

use crate::document_samples::{World, found, workflow};

fn one_mail() -> Value {
    workflow(&json!({ "a": { "send": { "template": "welcome" }, "next": "end" } }))
}

/// Whether W010 finds that the mail shows `path` though it may be missing.
fn is_uncertain(path: &str, document: &Value) -> bool {
    let mut world = World::new();
    world.declare("given", FieldClass::Public, true);
    world.declare("maybe", FieldClass::Public, false);
    world.show("welcome", path, Place::Body, false);
    !found(&world.check(document), "W010").is_empty()
}

#[test]
fn w010_a_value_that_nothing_guarantees() {
    let document = one_mail();
    for path in
        ["contact.attributes.maybe", "contact.attributes.other", "contact.zone", "contact.first_name", "entry.x"]
    {
        assert!(is_uncertain(path, &document), "{path}");
    }
    for path in ["contact.attributes.given", "contact.id", "contact.email", "unsubscribe_url", "links", "entry"] {
        assert!(!is_uncertain(path, &document), "{path}");
    }
    let mut world = World::new();
    world.show("welcome", "contact.attributes.maybe", Place::Body, true);
    assert!(found(&world.check(&document), "W010").is_empty());
}

#[test]
fn w010_the_entry_guarantees_what_it_asks_for() {
    let mut document = one_mail();
    document["entry"] = json!({
        "event": "e", "key": "id", "where": { "event": "at", "exists": true },
        "filter": { "all": [
            { "attribute": "maybe", "ne": 3 }, { "attribute": "sure", "gt": 3 }, { "not": { "attribute": "also", "exists": false } }
        ] }
    });
    for (path, uncertain) in [
        ("contact.attributes.maybe", true),
        ("contact.attributes.sure", false),
        ("contact.attributes.also", false),
        ("entry.id", false),
        ("entry.at", false),
        ("entry.sure", true),
    ] {
        assert_eq!(is_uncertain(path, &document), uncertain, "{path}");
    }
}

#[test]
fn w010_the_way_to_the_mail_guarantees_what_it_asks_for_and_sets() {
    let way = |other: &str, before: Value| {
        workflow(&json!({
            "a": { "branch": {
                "cases": [{ "when": { "attribute": "x", "eq": 1 }, "next": "b" }], "next": other
            } },
            "b": before,
            "c": { "send": { "template": "welcome" }, "next": "end" }
        }))
    };
    let idle = json!({ "wait": { "for": "1d" }, "next": "c" });
    let path = "contact.attributes.x";
    assert!(!is_uncertain(path, &way("end", idle.clone())));
    assert!(is_uncertain(path, &way("b", idle)));
    let set = json!({ "update": { "set": { "x": 2 } }, "next": "c" });
    assert!(!is_uncertain(path, &way("b", set)));
    let unset = json!({ "update": { "unset": "x" }, "next": "c" });
    assert!(is_uncertain(path, &way("end", unset)));
    let dated = json!({ "wait": { "until": { "entry": "at" } }, "next": "c" });
    assert!(!is_uncertain("entry.at", &way("b", dated.clone())));
    assert!(is_uncertain("entry.on", &way("b", dated)));
}

/// S25: fields of class `phi` and `sensitive` stay out of subjects, preheaders and links.
#[test]
fn w011_health_information_where_others_see_it() {
    for place in [Place::Subject, Place::Preheader, Place::Link] {
        for (class, exposed) in [
            (FieldClass::Phi, true),
            (FieldClass::Sensitive, true),
            (FieldClass::Identifier, false),
            (FieldClass::Public, false),
        ] {
            for path in ["contact.attributes.field", "contact.attributes.field.part", "entry.field"] {
                let mut world = World::new();
                world.declare("field", class, true);
                world.show("welcome", path, place, true);
                let report = world.check(&one_mail());
                assert_eq!(found(&report, "W011").len(), usize::from(exposed), "{place:?} {class:?} {path}");
            }
        }
    }
}

/// S25: what nobody declared counts as `phi`.
#[test]
fn w011_an_undeclared_field_is_health_information() {
    for (path, place, exposed) in [
        ("contact.attributes.field", Place::Subject, true),
        ("contact.attributes", Place::Subject, true),
        ("entry", Place::Subject, true),
        ("contact.attributes.field", Place::Body, false),
        ("contact.email", Place::Subject, false),
        ("unsubscribe_url", Place::Link, false),
    ] {
        let mut world = World::new();
        world.show("welcome", path, place, true);
        let report = world.check(&one_mail());
        assert_eq!(found(&report, "W011").len(), usize::from(exposed), "{path}");
        if exposed {
            let finding = report.findings.iter().find(|finding| finding.rule == "W011").unwrap();
            assert!(finding.message.contains(&format!("`{path}`")), "{}", finding.message);
        }
    }
}

/// S11: marketing goes only to subscribers of a topic, who can take that back.
#[test]
fn w017_marketing_without_a_topic_or_a_way_out() {
    let mut world = World::new();
    let mut document = one_mail();
    document["class"] = json!("marketing");
    assert_eq!(found(&world.check(&document), "W017"), [("/class", None)]);
    document["topic"] = json!("news");
    assert!(found(&world.check(&document), "W017").is_empty());
    let template = world.templates.get_mut(&"welcome".parse().unwrap()).unwrap();
    template.has_unsubscribe_link = false;
    assert_eq!(found(&world.check(&document), "W017"), [("/steps/a/send/template", Some("a"))]);
    document["class"] = json!("care");
    assert!(found(&world.check(&document), "W017").is_empty());
}

/// S11: consent is asked for by the class of the workflow, so a marketing template is at home in no other.
#[test]
fn w017_a_marketing_template_is_sent_by_marketing_alone() {
    let mut world = World::new();
    world.templates.get_mut(&"welcome".parse().unwrap()).unwrap().class = Class::Marketing;
    let mut document = one_mail();
    assert_eq!(found(&world.check(&document), "W017"), [("/steps/a/send/template", Some("a"))]);
    document["topic"] = json!("news");
    assert_eq!(found(&world.check(&document), "W017"), [("/steps/a/send/template", Some("a"))], "a topic is not asked");
    document["class"] = json!("marketing");
    assert!(found(&world.check(&document), "W017").is_empty());
}

/// S11: nobody gets marketing without a way out, so it is not published where there is none; others are warned.
#[test]
fn w017_an_account_without_an_address_of_its_own() {
    let mut world = World::new();
    world.show("welcome", "unsubscribe_url", Place::Link, false);
    let classes = [("marketing", Some(Severity::Error)), ("operational", Some(Severity::Warning)), ("care", None)];
    for (way_out, shown) in [(WayOut::Missing, false), (WayOut::OwnPage, true)] {
        world.way_out = way_out;
        for (class, severity) in classes {
            let mut document = one_mail();
            document["class"] = json!(class);
            document["topic"] = json!("news");
            let report = world.check(&document);
            let of = |rule: &str| report.findings.iter().find(|finding| finding.rule == rule);
            assert_eq!(of("W017").map(|finding| finding.severity), severity, "{class}: {report:#?}");
            assert!(of("W017").is_none_or(|finding| finding.message.contains("base_url")), "{report:#?}");
            // What shows it fails without it, whatever its class.
            assert_eq!(of("W010").is_some(), !shown && class != "marketing", "{class}: {report:#?}");
        }
    }
    world.way_out = WayOut::Missing;
    let mut silent = workflow(&json!({ "a": { "wait": { "for": "1d" }, "next": "end" } }));
    (silent["class"], silent["topic"]) = (json!("marketing"), json!("news"));
    assert!(world.check(&silent).ok, "where no mail is sent, nobody needs a link");
    world.way_out = WayOut::Given;
    let mut document = one_mail();
    (document["class"], document["topic"]) = (json!("marketing"), json!("news"));
    assert!(world.check(&document).ok);
}

#[test]
fn w010_time_guarantees_what_it_starts_a_run_with() {
    let triggers = [
        (json!({ "milestone": { "attribute": "born", "every": "once" } }), ["date", "years"].as_slice()),
        (json!({ "inactivity": { "for": "90d", "without": ["opened"] } }), &["since"]),
        (json!({ "schedule": { "segment": "members", "cron": "0 9 * * mon" }, "reentry": "after_exit" }), &["at"]),
    ];
    for (entry, sure) in triggers {
        let mut document = one_mail();
        document["entry"] = entry;
        for name in ["date", "years", "since", "at", "other"] {
            assert_eq!(is_uncertain(&format!("entry.{name}"), &document), !sure.contains(&name), "{document}");
        }
    }
}

/// S25, from the template's own text.
#[test]
fn w011_and_w010_read_templates_as_they_are_written() {
    use carepath_engine::compile::TemplateFacts;
    let template = json!({
        "id": "welcome", "class": "care", "subject": "About {{ contact.attributes.diagnosis }}",
        "html": "<p>Hello {{ contact.attributes.first_name }}, {{ entry.at | default('soon') }}</p>\
                 <a href='https://example.org/{{ contact.attributes.token }}' name='confirm'>Yes</a>"
    });
    let source = carepath_engine::render::parse(&template).unwrap();
    let template = carepath_engine::render::Template::compile(&source).unwrap();
    let mut world = World::new();
    let facts = TemplateFacts::new(1, Class::Care, template.facts());
    assert_eq!(facts.link_names, ["confirm"]);
    world.templates.insert("welcome".parse().unwrap(), facts);
    let report = world.check(&one_mail());
    let said = |rule: &str, path: &str| {
        report.findings.iter().filter(|finding| finding.rule == rule && finding.message.contains(path)).count()
    };
    assert_eq!((said("W011", "diagnosis"), said("W011", "token"), said("W011", "first_name")), (1, 1, 0));
    assert_eq!((said("W010", "diagnosis"), said("W010", "first_name"), said("W010", "entry.at")), (1, 1, 0));
}

/// The findings of W011 on a mail whose template is as given.
fn exposed(template: &Value) -> usize {
    use carepath_engine::compile::TemplateFacts;
    let source = carepath_engine::render::parse(template).unwrap();
    let template = carepath_engine::render::Template::compile(&source).unwrap();
    let mut world = World::new();
    world.declare("first_name", FieldClass::Identifier, true);
    world.declare("plan", FieldClass::Public, true);
    world.declare("illness", FieldClass::Phi, true);
    world.declare("therapy", FieldClass::Sensitive, true);
    world.templates.insert("welcome".parse().unwrap(), TemplateFacts::new(1, Class::Care, template.facts()));
    found(&world.check(&one_mail()), "W011").len()
}

/// S25: every address counts, whoever asks for it: a reader who clicks, a mail program that loads pictures, or a server.
#[test]
fn w011_each_class_in_each_place_of_a_template() {
    let places = [
        ("subject", "VALUE"),
        ("preheader", "VALUE"),
        ("html", "<a href='https://example.org/?x=VALUE'>Go</a>"),
        ("html", "<img src='https://example.org/VALUE.png' alt=''>"),
        ("html", "<table background='https://example.org/VALUE.png'></table>"),
        ("html", "<p style=\"background: url('https://example.org/VALUE.png')\">x</p>"),
        ("html", "<style>p { background: url(https://example.org/VALUE.png) }</style>"),
        ("html", "<link rel='stylesheet' href='https://example.org/VALUE.css'>"),
        ("html", "<p>See https://example.org/VALUE today</p>"),
        ("html", "{% set x = VALUE_NAME %}<a href='https://example.org/{{ x }}'>Go</a>"),
        ("html", "{% for x in VALUE_NAME %}<a href='https://example.org/{{ x }}'>Go</a>{% endfor %}"),
        ("text", "See https://example.org/VALUE today"),
        (
            "mjml",
            "<mjml><mj-body><mj-section><mj-column><mj-button href='https://example.org/VALUE'>Go</mj-button></mj-column></mj-section></mj-body></mjml>",
        ),
        (
            "mjml",
            "<mjml><mj-body><mj-section><mj-column><mj-image src='https://example.org/VALUE.png' /></mj-column></mj-section></mj-body></mjml>",
        ),
        (
            "mjml",
            "<mjml><mj-body><mj-section background-url='https://example.org/VALUE.png'><mj-column></mj-column></mj-section></mj-body></mjml>",
        ),
    ];
    for (field, confidential) in
        [("plan", false), ("first_name", false), ("illness", true), ("therapy", true), ("undeclared", true)]
    {
        for (part, text) in places {
            let name = format!("(contact.attributes.{field} | default('x'))");
            let text = text.replace("VALUE_NAME", &name).replace("VALUE", &format!("{{{{ {name} }}}}"));
            let mut template = json!({ "id": "welcome", "class": "care", "subject": "Hello", "html": "<p>Hello</p>" });
            if part == "mjml" {
                template.as_object_mut().unwrap().remove("html");
            }
            template[part] = json!(text);
            assert_eq!(exposed(&template), usize::from(confidential), "{field} in {part}: {text}");
        }
    }
}

/// S25: what is shown in the text itself stays between us and the reader.
#[test]
fn w011_the_text_of_a_mail_may_show_health_information() {
    let html = "<p title='{{ contact.attributes.illness }}'>About {{ contact.attributes.therapy }}</p>\
                <img src='https://example.org/logo.png' alt='{{ contact.attributes.illness }}'>";
    let text = "About {{ contact.attributes.illness }}, see https://example.org/about";
    let template = json!({ "id": "welcome", "class": "care", "subject": "Hello", "html": html, "text": text });
    assert_eq!(exposed(&template), 0);
}
