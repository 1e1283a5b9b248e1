//! The ports of one machine.

use std::sync::Arc;

use carepath_app::ports::Ports;
use carepath_app::recount::Recount;
use carepath_aws::DynamoStore;
use carepath_aws::hooks::HttpHooks;

use super::clock::DevClock;
use super::mailer::DevMailer;
use super::queue::DevQueue;

/// The store on dynoxide, and mailer, webhooks, queue and clock of this process. Its clones are the same ports.
#[derive(Debug, Clone)]
pub(crate) struct DevPorts {
    pub(super) store: DynamoStore,
    pub(super) mailer: Arc<DevMailer>,
    pub(super) hooks: HttpHooks,
    pub(super) queue: DevQueue,
    pub(super) clock: DevClock,
    pub(super) reports: Recount<DynamoStore>,
}

impl Ports for DevPorts {
    type Store = DynamoStore;
    type Mailer = DevMailer;
    type Hooks = HttpHooks;
    type Queue = DevQueue;
    type Clock = DevClock;
    type Reports = Recount<DynamoStore>;

    fn store(&self) -> &DynamoStore {
        &self.store
    }

    fn mailer(&self) -> &DevMailer {
        &self.mailer
    }

    fn hooks(&self) -> &HttpHooks {
        &self.hooks
    }

    fn queue(&self) -> &DevQueue {
        &self.queue
    }

    fn clock(&self) -> &DevClock {
        &self.clock
    }

    fn reports(&self) -> &Recount<DynamoStore> {
        &self.reports
    }
}
