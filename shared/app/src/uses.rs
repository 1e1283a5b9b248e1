//! What is published and uses an attribute: its type cannot change under that.

use carepath_engine::compile::{self, AttributeType, shows_attribute};
use carepath_engine::ids::Name;
use carepath_engine::segment::Membership;
use carepath_engine::version::StepKind;

use crate::App;
use crate::catalog::{LiveWorkflow, Published};
use crate::error::{Conflict, FieldError, UseError};
use crate::ports::Ports;
use crate::settings::Schema;

/// How many places of a document are named.
const MOST_PLACES: usize = 5;

/// Refuses another type for an attribute that something published uses: what was checked against the one type would go
/// on with values of the other, and each of its comparisons would turn out false without a word.
pub(crate) async fn hold_types<P: Ports>(app: &App<P>, before: &Schema, after: &Schema) -> Result<(), UseError> {
    let published = app.published().await?;
    let mut errors = Vec::new();
    for (name, facts) in after {
        let Some(was) = before.get(name).filter(|was| was.kind != facts.kind) else { continue };
        for (document, places) in of_attribute(app, &published, name).await? {
            let pointer = format!("/attributes/{}/type", name.as_str().replace('~', "~0").replace('/', "~1"));
            let message = format!(
                "cannot turn from {} into {} while {document} uses it at {}: publish that without it first, or give the \
                 attribute of the new type another name",
                kind(was.kind),
                kind(facts.kind),
                listed(&places)
            );
            errors.push(FieldError::new(pointer, "in_use", message));
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    let detail = "Something published uses an attribute whose type would change: `errors` says what, and where.";
    Err(UseError::Conflict { code: Conflict::InUse, detail: detail.to_owned(), errors })
}

/// The documents that use an attribute, and where.
async fn of_attribute<P: Ports>(
    app: &App<P>,
    published: &Published,
    name: &Name,
) -> Result<Vec<(String, Vec<String>)>, UseError> {
    let mut found = Vec::new();
    for (id, live) in published.workflows.iter().filter(|(_, live)| !live.archived) {
        let mut places = compile::attribute_in_workflow(&live.version, name);
        places.extend(in_templates(app, live, name).await?);
        found.push((format!("workflow `{id}`"), places));
    }
    for (id, segment) in &published.segments {
        if let Membership::When(condition) = &segment.membership {
            found.push((format!("segment `{id}`"), compile::attribute_in_segment(condition, name)));
        }
    }
    found.retain(|(_, places)| !places.is_empty());
    Ok(found)
}

/// The sends of a workflow whose templates show the attribute.
async fn in_templates<P: Ports>(app: &App<P>, live: &LiveWorkflow, name: &Name) -> Result<Vec<String>, UseError> {
    let mut places = Vec::new();
    for step in &live.version.steps {
        let StepKind::Send { template, .. } = &step.kind else { continue };
        let template = app.catalog.template(app.store(), template).await?;
        let shows = |template: &carepath_engine::render::Template| {
            template.facts().variables.iter().any(|variable| shows_attribute(&variable.path, name))
        };
        if template.is_some_and(|template| shows(&template)) {
            places.push(format!("/steps/{}/send/template", step.id));
        }
    }
    Ok(places)
}

fn listed(places: &[String]) -> String {
    let mut list = places.iter().take(MOST_PLACES).map(|place| format!("`{place}`")).collect::<Vec<_>>().join(", ");
    if places.len() > MOST_PLACES {
        list.push_str(" and elsewhere");
    }
    list
}

const fn kind(kind: AttributeType) -> &'static str {
    match kind {
        AttributeType::String => "`string`",
        AttributeType::Number => "`number`",
        AttributeType::Boolean => "`boolean`",
        AttributeType::Date => "`date`",
        AttributeType::Timestamp => "`timestamp`",
        AttributeType::List => "`list`",
        AttributeType::Object => "`object`",
    }
}
