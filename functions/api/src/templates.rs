//! Templates.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::{Extension, Json};
use carepath_app::ports::Ports;
use carepath_app::{App, contacts_read, templates as uses};
use carepath_engine::contact::Contact;
use carepath_engine::ids::{ContactId, TemplateId};
use carepath_engine::phi::Phi;
use http::StatusCode;
use serde_json::{Value, json};

use crate::access::Caller;
use crate::body::{Condition, Fields, Id, MaybeBody, Query, Write};
use crate::contacts::tagged;
use crate::observe::audit;
use crate::problem::Problem;
use crate::workflows::page;

pub(crate) async fn list<P: Ports>(State(app): State<Arc<App<P>>>, query: Query) -> Result<Json<Value>, Problem> {
    let all = uses::list(&app).await?;
    let items = all.into_iter().map(|stored| (stored.value.id.to_string(), json!(stored.value)));
    page(items.collect(), &query).map(Json)
}

pub(crate) async fn put<P: Ports>(
    State(app): State<Arc<App<P>>>,
    write: Write<TemplateId>,
) -> Result<Response, Problem> {
    let (stored, created) = uses::put(&app, &write.id, write.body, write.expect).await?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(tagged(status, stored.revision, json!(stored.value)))
}

pub(crate) async fn get<P: Ports>(State(app): State<Arc<App<P>>>, Id(id): Id<TemplateId>) -> Result<Response, Problem> {
    let stored = uses::get(&app, &id).await?;
    Ok(tagged(StatusCode::OK, stored.revision, json!(stored.value)))
}

pub(crate) async fn delete<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Id(id): Id<TemplateId>,
    Condition(expect): Condition,
) -> Result<StatusCode, Problem> {
    uses::delete(&app, &id, expect).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Renders for a stored contact, or for one that is made up in the request.
pub(crate) async fn preview<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<TemplateId>,
    MaybeBody(body): MaybeBody,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::of(body.unwrap_or_else(|| json!({})), "")?;
    let stored = fields.id::<ContactId>("contact");
    let email = fields.text("email");
    let attributes = fields.attributes("attributes");
    let entry = fields.attributes("entry");
    fields.finish("contact, email, attributes, entry")?;
    let contact = if let Some(id) = stored {
        audit(&caller, "POST /v1/templates/{id}/preview", &app.key_of(&id));
        contacts_read::contact(&app, &id).await?
    } else {
        let id = "preview".parse().map_err(|_| Problem::internal())?;
        let mut contact = Contact::new(id, app.now());
        contact.email = email.map(Phi);
        contact.attributes = Phi(attributes);
        contact
    };
    let mail = uses::preview(&app, &id, &contact, &entry).await?;
    let links: Vec<Value> = mail.links.iter().map(|link| json!({ "name": link.name, "url": link.url })).collect();
    Ok(Json(json!({ "subject": mail.subject, "html": mail.html, "text": mail.text, "links": links })))
}
