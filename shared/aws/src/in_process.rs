//! An SDK connector without a network: each request is handed to a function of this process.
//!
//! `carepath dev` and the tests so run the very client, marshalling and retries that run in AWS.

use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;

type Handle = dyn Fn(&str, &[u8]) -> (u16, Vec<u8>) + Send + Sync;

/// Answers requests with a function from (`X-Amz-Target`, body) to (status, body).
#[derive(Clone)]
pub struct InProcess(Arc<Handle>);

impl InProcess {
    /// A connector over a function. It runs on the task that asked, so it should be quick.
    pub fn new(handle: impl Fn(&str, &[u8]) -> (u16, Vec<u8>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(handle))
    }

    fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let Some(body) = request.body().bytes() else {
            return Err(ConnectorError::user("a streamed body has no place here".into()));
        };
        let (status, body) = (self.0)(target, body);
        let status = StatusCode::try_from(status).map_err(|error| ConnectorError::other(error.into(), None))?;
        Ok(HttpResponse::new(status, SdkBody::from(body)))
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let own = self.clone();
        HttpConnectorFuture::new(async move {
            tokio::task::yield_now().await;
            own.answer(&request)
        })
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
