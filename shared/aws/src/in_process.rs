//! An SDK connector without a network: each request is handed to a function of this process.
//!
//! `carepath dev` and the tests so run the very client, marshalling and retries that run in AWS.

use std::fmt;
use std::sync::{Arc, mpsc};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use tokio::sync::oneshot;

type Handle = dyn Fn(&str, &[u8]) -> (u16, Vec<u8>) + Send + Sync;
type Asked = (Job, oneshot::Sender<(u16, Vec<u8>)>);
type Prepare = dyn Fn(&str, &[u8]) -> Job + Send + Sync;

/// The part of answering a request that is left when it has been read: from nothing to (status, body).
pub type Job = Box<dyn FnOnce() -> (u16, Vec<u8>) + Send>;

/// Answers requests with a function from (`X-Amz-Target`, body) to (status, body).
#[derive(Clone)]
pub struct InProcess(Way);

/// Who answers.
#[derive(Clone)]
enum Way {
    /// The task that asks.
    Here(Arc<Handle>),
    /// The task that asks reads its request, and a thread does the rest.
    Beside(Arc<Prepare>, mpsc::Sender<Asked>),
}

impl InProcess {
    /// A connector over a function. It runs on the task that asked, so it should be quick.
    pub fn new(handle: impl Fn(&str, &[u8]) -> (u16, Vec<u8>) + Send + Sync + 'static) -> Self {
        Self(Way::Here(Arc::new(handle)))
    }

    /// A connector over a function in two parts. The first runs on the task that asked; the second takes its time, and can be
    /// done by one at a time only: it runs on a thread of its own, and whoever asked can do something else meanwhile.
    ///
    /// # Errors
    /// Where the system has no more threads.
    pub fn beside(name: &str, prepare: impl Fn(&str, &[u8]) -> Job + Send + Sync + 'static) -> std::io::Result<Self> {
        let (ask, asked) = mpsc::channel::<Asked>();
        // It ends with the last connector that asks it.
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            for (job, answer) in asked {
                // Who has gone away asks nobody.
                let _ = answer.send(job());
            }
        })?;
        Ok(Self(Way::Beside(Arc::new(prepare), ask)))
    }

    async fn answer(self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let Some(body) = request.body().bytes() else {
            return Err(ConnectorError::user("a streamed body has no place here".into()));
        };
        let (status, body) = match self.0 {
            Way::Here(handle) => {
                tokio::task::yield_now().await;
                handle(target, body)
            }
            Way::Beside(prepare, ask) => {
                let gone = || ConnectorError::io("the thread that answers is gone".into());
                let (answer, answered) = oneshot::channel();
                ask.send((prepare(target, body), answer)).map_err(|_| gone())?;
                answered.await.map_err(|_| gone())?
            }
        };
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
        HttpConnectorFuture::new(async move { own.answer(&request).await })
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
