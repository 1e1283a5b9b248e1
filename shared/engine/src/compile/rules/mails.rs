//! W010, W011 and W017: what mails say, and to whom.

use std::collections::{BTreeMap, BTreeSet};

use super::Subject;
use super::guarantee::{Source, SourceKind, is_guaranteed};
use crate::compile::context::{FieldClass, Place, TemplateFacts, WayOut};
use crate::document::{Faults, Severity};
use crate::render;
use crate::version::{Class, StepKind, ValueChange};

/// The sends of the document whose templates are known.
fn sends<'s>(subject: &'s Subject<'_>) -> impl Iterator<Item = (usize, &'s TemplateFacts)> {
    subject.steps().filter_map(|(n, step)| {
        let template = step.kind.template()?;
        Some((n, subject.context.templates.get(&template.id)?))
    })
}

/// What a template means by a path.
enum Meaning<'p> {
    /// It is always there.
    There,
    /// An attribute or a value that the run started with.
    Value(Source<'p>),
    /// It may be missing, and nothing in a workflow can change that.
    Uncertain,
    /// Templates do not know it.
    Unknown,
}

fn meaning(path: &str) -> Meaning<'_> {
    match path.split_once('.').unwrap_or((path, "")) {
        ("unsubscribe_url" | "links" | "now", _)
        | ("contact" | "entry" | "saved", "")
        | ("contact", "id" | "email" | "attributes" | "topics") => Meaning::There,
        ("entry", rest) => Meaning::Value(Source::Entry(rest)),
        ("saved", rest) if !rest.is_empty() => Meaning::Value(Source::Saved(rest)),
        ("contact", rest) => match rest.split_once('.').unwrap_or((rest, "")) {
            ("attributes", name) => Meaning::Value(Source::Attribute(name)),
            ("zone" | "locale" | "topics", _) => Meaning::Uncertain,
            _ => Meaning::Unknown,
        },
        _ => Meaning::Unknown,
    }
}

/// A text with templates in it: where it stands below its step, what it is, and what it shows without a default.
struct Shown {
    place: &'static str,
    what: &'static str,
    bare: BTreeSet<String>,
}

fn shown(subject: &Subject<'_>, kind: &StepKind) -> Option<Shown> {
    let bare = |variables: Vec<render::Variable>| {
        variables.into_iter().filter(|found| !found.has_default).map(|found| found.path).collect()
    };
    match kind {
        StepKind::Send { template, .. } => {
            let variables = subject.context.templates.get(&template.id)?.variables.iter();
            let bare = variables.filter(|found| !found.defaulted).map(|found| found.path.clone()).collect();
            Some(Shown { place: "/send/template", what: "The template", bare })
        }
        StepKind::Update { changes, .. } => {
            let values = changes.iter().filter_map(|change| match &change.change {
                ValueChange::Set(value) | ValueChange::Append(value) | ValueChange::Remove(value) => Some(value),
                ValueChange::Unset | ValueChange::Increment(_) => None,
            });
            Some(Shown { place: "/update", what: "A value", bare: bare(values.flat_map(render::used_in).collect()) })
        }
        StepKind::JumpOut { payload: Some(payload), .. } => {
            Some(Shown { place: "/jump/payload", what: "The payload", bare: bare(render::used_in(payload)) })
        }
        StepKind::Emit { properties, .. } => {
            let values = properties.values().flat_map(render::used_in).collect();
            Some(Shown { place: "/emit/properties", what: "A property", bare: bare(values) })
        }
        StepKind::Webhook { body: Some(body), .. } => {
            Some(Shown { place: "/webhook/body", what: "The body", bare: bare(render::used_in(body)) })
        }
        StepKind::Wait { .. }
        | StepKind::WaitFor { .. }
        | StepKind::Branch { .. }
        | StepKind::Split { .. }
        | StepKind::Segment { .. }
        | StepKind::Webhook { body: None, .. }
        | StepKind::Jump { .. }
        | StepKind::JumpOut { payload: None, .. }
        | StepKind::Exit { .. } => None,
    }
}

/// W010: a value that nothing guarantees and that has no default.
pub(crate) fn unguaranteed(subject: &Subject<'_>, faults: &mut Faults) {
    let reached = subject.graph.reached();
    // Many steps ask about the same few values: each is looked at once.
    let mut known: BTreeMap<(SourceKind, String), Vec<bool>> = BTreeMap::new();
    for (n, step) in subject.steps().filter(|(n, _)| reached[*n]) {
        let Some(Shown { place, what, bare }) = shown(subject, &step.kind) else { continue };
        for path in bare {
            // W017 says so where marketing needs it.
            let nowhere = subject.context.way_out == WayOut::Missing && subject.version.class != Class::Marketing;
            let advice = match meaning(&path) {
                Meaning::There if path == "unsubscribe_url" && nowhere => "or give the settings a `base_url`",
                Meaning::There => continue,
                Meaning::Value(source) => {
                    let (attribute, name) = source.key();
                    let ways =
                        known.entry((attribute, name.to_owned())).or_insert_with(|| is_guaranteed(subject, source));
                    if ways[n] {
                        continue;
                    }
                    match source {
                        Source::Attribute(_) => {
                            "require the attribute in the schema, or ask for it in the entry's filter"
                        }
                        Source::Entry(_) => "or ask for it in the entry's `where`",
                        Source::Saved(_) => "or come here only from a `branch` that asks for it with `saved`",
                    }
                }
                Meaning::Uncertain => "or use another value",
                Meaning::Unknown => "or write attributes as `contact.attributes.NAME`",
            };
            let message = format!(
                "{what} of step {} shows `{path}`, which may be missing. Give it a default there, such as \
                 `{{{{ {path} | default(\"…\") }}}}`, {advice}.",
                subject.name(n)
            );
            faults.rule("W010", subject, n, place, message);
        }
    }
}

/// W011: health information in a part of a mail that others see.
pub(crate) fn exposed(subject: &Subject<'_>, faults: &mut Faults) {
    for (n, template) in sends(subject) {
        let shown: BTreeSet<(Place, &str)> = template
            .variables
            .iter()
            .filter(|variable| variable.place != Place::Body)
            .map(|variable| (variable.place, variable.path.as_str()))
            .collect();
        for (place, path) in shown {
            let class = class(subject, path);
            if class.is_confidential() {
                let message = format!(
                    "The {} of the mail of step {} shows `{path}`, which is of class `{}` and would be seen by others. Take it \
                     out, or declare it `public` or `identifier` in the schema if that is what it is.",
                    place.name(),
                    subject.name(n),
                    class.name()
                );
                faults.rule("W011", subject, n, "/send/template", message);
            }
        }
    }
}

/// W011: health information in what a webhook is told.
pub(crate) fn told_outside(subject: &Subject<'_>, faults: &mut Faults) {
    for (n, step) in subject.steps() {
        let StepKind::Webhook { body: Some(body), .. } = &step.kind else { continue };
        for path in render::used(body) {
            let class = class(subject, &path);
            if class.is_confidential() {
                let message = format!(
                    "The body that step {} tells a webhook shows `{path}`, which is of class `{}`. Take it out, or declare it \
                     `public` or `identifier` in the schema if that is what it is.",
                    subject.name(n),
                    class.name()
                );
                faults.rule("W011", subject, n, "/webhook/body", message);
            }
        }
    }
}

/// The class of what a path shows: that of its attribute, also where an event brought a value of that name.
fn class(subject: &Subject<'_>, path: &str) -> FieldClass {
    let name = match path.split_once('.').unwrap_or((path, "")) {
        ("unsubscribe_url" | "links" | "now", _) | ("contact", "zone" | "locale") => return FieldClass::Public,
        ("contact", "id" | "email") => return FieldClass::Identifier,
        ("contact", rest) => rest.strip_prefix("attributes."),
        ("entry", rest) => Some(rest),
        _ => None,
    };
    let facts = name.and_then(|name| {
        let find = |name: &str| name.parse().ok().and_then(|name| subject.context.schema.get(&name));
        find(name).or_else(|| find(name.split('.').next()?))
    });
    facts.map_or(FieldClass::Phi, |facts| facts.class)
}

/// W017: marketing without a topic or a way to unsubscribe.
pub(crate) fn without_consent(subject: &Subject<'_>, faults: &mut Faults) {
    let marketing = subject.version.class == Class::Marketing;
    if marketing && subject.version.topic.is_none() {
        let message = "A marketing workflow needs a `topic`, so that only contacts who subscribed to it get its mails. Add \
                       `topic`.";
        faults.rule_at("W017", "/class", message.to_owned());
    }
    for (n, template) in sends(subject) {
        if !marketing && template.class != Class::Marketing {
            continue;
        }
        if !marketing {
            let message = format!(
                "Step {} sends a marketing template, and the workflow is not `marketing`: its mails go out whatever contacts \
                 said about topics. Set `class: marketing` with a `topic`, or send another template.",
                subject.name(n)
            );
            faults.rule("W017", subject, n, "/send/template", message);
        }
        if !template.has_unsubscribe_link {
            let message = format!(
                "The mail of step {} is marketing and has no link to unsubscribe. Put `unsubscribe_url` into a link of its \
                 template.",
                subject.name(n)
            );
            faults.rule("W017", subject, n, "/send/template", message);
        }
    }
}

/// W017: mails that should let their readers unsubscribe by one click, of an account that says at no address how.
pub(crate) fn without_way_out(subject: &Subject<'_>, faults: &mut Faults) {
    let sends = subject.steps().any(|(_, step)| matches!(step.kind, StepKind::Send { .. }));
    if subject.context.way_out == WayOut::Given || !sends {
        return;
    }
    let (severity, message) = match subject.version.class {
        Class::Care => return,
        Class::Operational => (
            Severity::Warning,
            "These mails let nobody unsubscribe by one click, since the settings do not say at which address the public \
             finds this installation. Put `base_url` into the settings.",
        ),
        Class::Marketing => (
            Severity::Error,
            "Marketing is not sent without a link by which mail programs can unsubscribe their users, and the settings do \
             not say at which address the public finds this installation. Put `base_url` into the settings.",
        ),
    };
    faults.note("W017", severity, "/class", message.to_owned(), None);
}
