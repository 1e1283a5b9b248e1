//! The way out for mail: SES, one recipient a request, and never a second request for one attempt.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::config::retry::RetryConfig;
use aws_sdk_sesv2::config::timeout::TimeoutConfig;
use aws_sdk_sesv2::error::BuildError;
use aws_sdk_sesv2::operation::send_email::builders::SendEmailFluentBuilder;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageHeader, MessageTag};
use carepath_app::ports::{Attempt, Doubt, Evidence, Mailer, Outgoing};
use carepath_engine::advance::Answer;
use carepath_engine::version::Class;
use jiff::Timestamp;

use super::answer;
use super::evidence::Paths;
use super::rate::Rate;
use crate::DynamoStore;

/// How long SES may take to answer.
const OPERATION: Duration = Duration::from_secs(10);
/// How long it may take to be reached.
const CONNECT: Duration = Duration::from_secs(2);

/// The way out for mail by SES.
#[derive(Debug)]
pub struct SesMailer {
    client: Client,
    sets: String,
    rate: Rate,
    /// `None`: nobody can say what became of a mail.
    paths: Option<Paths>,
}

impl SesMailer {
    /// A way out. The configuration set of a class is `sets` and its name; how many mails go out in a second is counted
    /// in the store.
    pub fn new(config: &SdkConfig, sets: impl Into<String>, store: DynamoStore) -> Self {
        let client = client(config, OPERATION);
        Self { rate: Rate::new(client.clone(), store), client, sets: sets.into(), paths: None }
    }

    /// The same, with both ways by which SES tells.
    #[must_use]
    pub fn with_paths(mut self, paths: Paths) -> Self {
        self.paths = Some(paths);
        self
    }

    /// The same, with less patience.
    #[must_use]
    pub fn with_patience(mut self, config: &SdkConfig, patience: Duration) -> Self {
        self.client = client(config, patience);
        self
    }

    fn request(&self, mail: &Outgoing) -> Result<SendEmailFluentBuilder, BuildError> {
        let body = Body::builder().html(utf8(&mail.html)?).text(utf8(&mail.text)?).build();
        let mut message = Message::builder().subject(utf8(&mail.subject)?).body(body);
        for (name, value) in &mail.headers {
            message = message.headers(MessageHeader::builder().name(name).value(value).build()?);
        }
        let Attempt { run, step, attempt } = &mail.attempt;
        let tags = [("run", run.to_string()), ("step", step.to_string()), ("attempt", attempt.to_string())];
        let mut request = self
            .client
            .send_email()
            .from_email_address(&mail.from)
            .destination(Destination::builder().to_addresses(&mail.to).build())
            .content(EmailContent::builder().simple(message.build()).build())
            .configuration_set_name(format!("{}{}", self.sets, name_of(mail.class)));
        for (name, value) in tags {
            request = request.email_tags(MessageTag::builder().name(name).value(value).build()?);
        }
        Ok(request)
    }
}

impl Mailer for SesMailer {
    async fn permit(&self, class: Class) -> Result<(), Timestamp> {
        self.rate.permit(class, Timestamp::now()).await
    }

    async fn send(&self, mail: &Outgoing) -> Answer {
        let Ok(request) = self.request(mail) else { return Answer::Refused("unsendable".into()) };
        let said = request.send().await;
        let answer = answer::of(said, Timestamp::now());
        if let Answer::Throttled { .. } = answer {
            self.rate.throttled();
        }
        answer
    }

    /// SES cannot be asked about a mail: word of it comes by its events, or never.
    async fn evidence(&self, doubt: &Doubt) -> Evidence {
        match &self.paths {
            Some(paths) => paths.evidence(doubt).await,
            None => Evidence::None,
        }
    }
}

fn client(config: &SdkConfig, patience: Duration) -> Client {
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).operation_timeout(patience).build();
    let ours = aws_sdk_sesv2::config::Builder::from(config)
        // Whatever may have been accepted must not be sent again, and the SDK would.
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts);
    Client::from_conf(ours.build())
}

fn utf8(text: &str) -> Result<Content, BuildError> {
    Content::builder().data(text).charset("UTF-8").build()
}

/// What the configuration set of a class is called.
const fn name_of(class: Class) -> &'static str {
    match class {
        Class::Care => "care",
        Class::Operational => "operational",
        Class::Marketing => "marketing",
    }
}
