//! Who calls, and whether they may (S27).

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use carepath_app::App;
use carepath_app::keys::{self, Role};
use carepath_app::ports::Ports;
use http::{HeaderMap, header};
use lambda_http::RequestExt as _;
use lambda_http::request::RequestContext;
use serde_json::{Value, json};

use crate::problem::{Code, Problem};

/// Who may call a route. There is no default: a route cannot be made without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody, without a key.
    Public,
    /// Whoever has one of these roles, or one that covers it.
    Any(&'static [Role]),
}

impl Access {
    /// Senders of contacts and events.
    pub const INGEST: Self = Self::Any(&[Role::Ingest]);
    /// Readers.
    pub const VIEWER: Self = Self::Any(&[Role::Viewer]);
    /// Authors.
    pub const EDITOR: Self = Self::Any(&[Role::Editor]);
    /// Administrators.
    pub const ADMIN: Self = Self::Any(&[Role::Admin]);
    /// Whoever has any role.
    pub const ANY: Self = Self::Any(&[Role::Ingest, Role::Viewer]);
    /// Authors and senders.
    pub const EDITOR_OR_INGEST: Self = Self::Any(&[Role::Editor, Role::Ingest]);

    fn allows(self, caller: &Caller) -> bool {
        match self {
            Self::Public => true,
            Self::Any(roles) => roles.iter().any(|role| caller.has(*role)),
        }
    }
}

/// Who calls.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The id of the key, or `jwt:` and the subject of the token: what the audit log calls them.
    pub(crate) id: Arc<str>,
    roles: Arc<BTreeSet<Role>>,
}

impl Caller {
    pub(crate) fn has(&self, needed: Role) -> bool {
        self.roles.iter().any(|role| role.covers(needed))
    }
}

/// Who calls, and what they may do: for pages that show nobody what they may not use.
pub(crate) async fn me(Extension(caller): Extension<Caller>) -> Json<Value> {
    let roles = [Role::Ingest, Role::Viewer, Role::Editor, Role::Admin];
    let may: Vec<&str> = roles.into_iter().filter(|role| caller.has(*role)).map(Role::name).collect();
    Json(json!({ "id": &*caller.id, "roles": may }))
}

/// Lets a request through to its route, or answers 401 or 403.
pub(crate) async fn guard<P: Ports>(
    State((app, access)): State<(Arc<App<P>>, Access)>,
    mut request: Request,
    next: Next,
) -> Response {
    if access == Access::Public {
        return next.run(request).await;
    }
    let caller = match from_gateway(&request) {
        Some(caller) => Ok(Some(caller)),
        None => from_key(&app, request.headers()).await,
    };
    match caller {
        Err(problem) => problem.into_response(),
        Ok(None) => {
            let detail = "Send an API key: `Authorization: Bearer cp_…`, or Basic with the key as user name.";
            Problem::new(Code::Unauthorized, detail).into_response()
        }
        Ok(Some(caller)) if access.allows(&caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(Some(_)) => {
            let detail = "Your key does not have a role that this route takes.";
            Problem::new(Code::Forbidden, detail).into_response()
        }
    }
}

async fn from_key<P: Ports>(app: &App<P>, headers: &HeaderMap) -> Result<Option<Caller>, Problem> {
    let Some(secret) = secret(headers) else { return Ok(None) };
    let key = keys::find(app, &secret).await?;
    Ok(key.map(|key| Caller { id: key.id.into(), roles: Arc::new(key.roles) }))
}

fn secret(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    Some(decoded.split_once(':').map_or(decoded.as_str(), |(user, _)| user).to_owned())
}

/// The caller whose token the gateway's authorizer has checked. Only the Lambda runtime can put this into a request.
fn from_gateway(request: &Request) -> Option<Caller> {
    let RequestContext::ApiGatewayV2(context) = request.request_context_ref()? else { return None };
    let claims = &context.authorizer.as_ref()?.jwt.as_ref()?.claims;
    let named = ["scope", "cognito:groups"].iter().filter_map(|claim| claims.get(*claim));
    // The gateway hands lists on as text: `[admin editor]`. Only a whole word is a role: `billing-admin` and `billing/admin`
    // are somebody else's. Scopes carry the name of the server that they are for.
    let roles: BTreeSet<Role> = named
        .flat_map(|text| text.split(|c: char| c.is_whitespace() || "[],".contains(c)))
        .filter_map(|word| Role::parse(word.strip_prefix("carepath/").unwrap_or(word)))
        .collect();
    let subject = claims.get("sub").map_or("", String::as_str);
    Some(Caller { id: format!("jwt:{subject}").into(), roles: Arc::new(roles) })
}
