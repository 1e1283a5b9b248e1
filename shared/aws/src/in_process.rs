//! An HTTP connector that hands each request to a function instead of a socket: the real SDK, without a network.

use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;

/// Answers a request, given by its `X-Amz-Target` and its body, with a status and a body.
pub(crate) type Handler = dyn Fn(&str, &[u8]) -> (u16, Vec<u8>) + Send + Sync;

/// A client whose requests all go to `handler`.
pub(crate) fn client(handler: Arc<Handler>) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(InProcess(handler));
    http_client_fn(move |_, _| connector.clone())
}

struct InProcess(Arc<Handler>);

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let (status, body) = (self.0)(target, request.body().bytes().unwrap_or_default());
        HttpConnectorFuture::ready(match StatusCode::try_from(status) {
            Ok(status) => Ok(HttpResponse::new(status, SdkBody::from(body))),
            Err(error) => Err(ConnectorError::other(error.into(), None)),
        })
    }
}
