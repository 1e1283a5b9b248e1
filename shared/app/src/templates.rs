//! Templates: written freely, frozen when a workflow that uses them is published.

use carepath_engine::calendar::zone_of;
use carepath_engine::compile;
use carepath_engine::contact::{Attributes, Contact};
use carepath_engine::ids::TemplateId;
use carepath_engine::render::{self, Mail, RenderScope, Template, TemplateSource};
use carepath_engine::version::{StepKind, Version};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::App;
use crate::documents::{self, Expect, Stored};
use crate::error::{Conflict, FieldError, UseError};
use crate::ports::{DocumentKind, Ports, Store};

/// What a preview shows where the account has no page for unsubscribing yet.
const UNSUBSCRIBE_PREVIEW: &str = "https://unsubscribe.invalid/preview";

/// A template as it is kept. A deleted one leaves its place, so that its numbers are never given out again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TemplateState {
    /// What its author wrote; `None` once it is deleted.
    pub(crate) source: Option<Value>,
}

/// The number of the version of a template that a revision of its document is.
pub(crate) fn number(revision: u64) -> u32 {
    u32::try_from(revision).unwrap_or(u32::MAX)
}

/// Reads and compiles a template.
pub(crate) fn load(source: &Value) -> Result<(TemplateSource, Template), UseError> {
    let invalid = |faults: Vec<render::TemplateFault>| {
        let faults = faults.into_iter().map(|fault| FieldError::new(fault.pointer, fault.rule, fault.message));
        UseError::Invalid(faults.collect())
    };
    let source = render::parse(source).map_err(invalid)?;
    let template = Template::compile(&source).map_err(invalid)?;
    Ok((source, template))
}

/// What the rules of `compile` have to know of a template.
pub fn facts(template: &Template, version: u32) -> compile::TemplateFacts {
    compile::TemplateFacts::new(version, template.class(), template.facts())
}

/// Creates or replaces a template. `true` where it is new.
///
/// # Errors
/// `Invalid` with every fault of it, `Stale` where `expect` does not hold.
pub async fn put<P: Ports>(
    app: &App<P>,
    id: &TemplateId,
    source: Value,
    expect: Expect,
) -> Result<(Stored<TemplateSource>, bool), UseError> {
    let source = named(source, id.as_str())?;
    let (value, _) = load(&source)?;
    let before = read(app.store(), id).await?;
    let known = before.as_ref().filter(|before| before.value.source.is_some()).map(|before| before.revision);
    expect.check(known)?;
    let revision = before.map_or(0, |before| before.revision);
    write(app, id, &TemplateState { source: Some(source) }, revision).await?;
    Ok((Stored { value, revision: revision + 1 }, known.is_none()))
}

/// A template.
///
/// # Errors
/// `NotFound`.
pub async fn get<P: Ports>(app: &App<P>, id: &TemplateId) -> Result<Stored<TemplateSource>, UseError> {
    let found = read(app.store(), id).await?;
    let Some((source, revision)) = found.and_then(|found| Some((found.value.source?, found.revision))) else {
        return Err(UseError::NotFound { what: "template" });
    };
    Ok(Stored { value: documents::parse(source, "template")?, revision })
}

/// All templates, by id.
///
/// # Errors
/// Where the store fails.
pub async fn list<P: Ports>(app: &App<P>) -> Result<Vec<Stored<TemplateSource>>, UseError> {
    let mut templates = Vec::new();
    for document in app.store().documents(DocumentKind::Template).await? {
        let state: TemplateState = documents::parse(document.body, "template")?;
        let Some(source) = state.source else { continue };
        templates.push(Stored { value: documents::parse(source, "template")?, revision: document.revision });
    }
    Ok(templates)
}

/// Deletes a template.
///
/// # Errors
/// `NotFound`, `Stale`, and `Conflict` while a published workflow sends it.
pub async fn delete<P: Ports>(app: &App<P>, id: &TemplateId, expect: Expect) -> Result<(), UseError> {
    let found = get(app, id).await?;
    expect.check(Some(found.revision))?;
    let published = app.published().await?;
    let user = published.workflows.values().find(|live| !live.archived && uses(&live.version, id));
    if let Some(user) = user {
        let detail = format!("workflow `{}` sends it: archive or republish that first", user.version.workflow);
        return Err(UseError::conflict(Conflict::InUse, detail));
    }
    write(app, id, &TemplateState { source: None }, found.revision).await
}

/// Renders a template for somebody, without sending anything.
///
/// # Errors
/// `NotFound` for the template, `Invalid` where the mail cannot be made of these values.
pub async fn preview<P: Ports>(
    app: &App<P>,
    id: &TemplateId,
    contact: &Contact,
    entry: &Attributes,
) -> Result<Mail, UseError> {
    let found = get(app, id).await?;
    let source = serde_json::to_value(&found.value).map_err(|_| UseError::Corrupt { what: "template" })?;
    let template = app.catalog.compiled(id, number(found.revision), &source)?;
    let account = &app.published().await?.account;
    let zone = zone_of(contact.zone.as_deref(), None, &account.zone);
    let scope = RenderScope {
        contact,
        entry,
        saved: &Attributes::new(),
        tz: &zone.tz,
        now: app.now(),
        unsubscribe_url: Some(account.links.get("unsubscribe").map_or(UNSUBSCRIBE_PREVIEW, String::as_str)),
        links: &account.links,
    };
    template.render(&scope).map_err(|error| UseError::invalid("", error.code(), error.to_string()))
}

/// Freezes the versions that a workflow is about to be pinned to.
pub(crate) async fn freeze<P: Ports>(app: &App<P>, id: &TemplateId, version: u32) -> Result<(), UseError> {
    let name = format!("{id}/{version}");
    let frozen =
        documents::read::<Value, P::Store>(app.store(), DocumentKind::TemplateVersion, &name, "template").await?;
    if frozen.is_some() {
        return Ok(());
    }
    let found = read(app.store(), id).await?.filter(|found| number(found.revision) == version);
    let Some(source) = found.and_then(|found| found.value.source) else {
        return Err(UseError::Busy);
    };
    // Whoever was faster has frozen the same: a revision has one text.
    documents::write(app.store(), DocumentKind::TemplateVersion, &name, &source, 0).await?;
    Ok(())
}

/// A document under the id that its address gives it.
pub(crate) fn named(mut document: Value, id: &str) -> Result<Value, UseError> {
    let Value::Object(fields) = &mut document else {
        return Err(UseError::invalid("", "type", "must be an object"));
    };
    match fields.get("id") {
        None => {
            fields.shift_insert(0, "id".to_owned(), Value::from(id));
        }
        Some(Value::String(own)) if own == id => {}
        Some(_) => return Err(UseError::invalid("/id", "id", "must be the id in the address, or left out")),
    }
    Ok(document)
}

fn uses(version: &Version, id: &TemplateId) -> bool {
    version.steps.iter().any(|step| matches!(&step.kind, StepKind::Send { template, .. } if template.id == *id))
}

async fn read<S: Store>(store: &S, id: &TemplateId) -> Result<Option<Stored<TemplateState>>, UseError> {
    documents::read(store, DocumentKind::Template, id.as_str(), "template").await
}

async fn write<P: Ports>(app: &App<P>, id: &TemplateId, state: &TemplateState, revision: u64) -> Result<(), UseError> {
    if !documents::write(app.store(), DocumentKind::Template, id.as_str(), state, revision).await? {
        return Err(UseError::Stale);
    }
    app.catalog.invalidate();
    Ok(())
}
