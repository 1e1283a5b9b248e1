//! The way out for mail: into the built-in mailbox, or to an SMTP server.

use carepath_app::ports::{Clock, Doubt, Evidence, Mailer, Outgoing};
use carepath_engine::advance::Answer;

use super::clock::DevClock;
use super::mailbox::{Mailbox, Post, Put};
use super::smtp::Smtp;

/// The way out.
#[derive(Debug)]
pub(crate) struct DevMailer {
    way: Way,
    clock: DevClock,
}

/// Which way.
#[derive(Debug)]
pub(crate) enum Way {
    /// Into the built-in mailbox.
    Mailbox(Mailbox, Post),
    /// To an SMTP server.
    Smtp(Smtp),
}

impl DevMailer {
    /// A mailer.
    pub(crate) const fn new(way: Way, clock: DevClock) -> Self {
        Self { way, clock }
    }
}

impl Mailer for DevMailer {
    async fn send(&self, mail: &Outgoing) -> Answer {
        let now = self.clock.now();
        let post = match &self.way {
            Way::Smtp(smtp) => return smtp.send(mail, now).await,
            Way::Mailbox(_, post) => post,
        };
        match post.put(mail, now).await {
            Ok(Put::In(id)) => Answer::Accepted { id, delivered: true },
            // Certainly not in: whoever declared the attempt over has made room for the next one.
            Ok(Put::Closed) => Answer::Throttled { until: now },
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a mail may not be in the mailbox");
                Answer::Unknown
            }
        }
    }

    async fn evidence(&self, doubt: &Doubt) -> Evidence {
        match &self.way {
            Way::Smtp(_) => Evidence::None,
            Way::Mailbox(mailbox, _) => mailbox.evidence(&doubt.attempt).unwrap_or_else(|error| {
                tracing::error!(%error, "the mailbox cannot be read");
                Evidence::None
            }),
        }
    }
}
