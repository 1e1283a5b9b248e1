//! The port, by name. What each does is in the module of its subject.

use carepath_app::ports::{
    Change, Commit, Document, DocumentId, DocumentKind, Due, Kept, Page, Store, StoreError,
};
use carepath_engine::contact::Contact;
use carepath_engine::event::Event;
use carepath_engine::ids::{ContactKey, RunId, SegmentId, WorkflowId};
use carepath_engine::run::Run;
use jiff::Timestamp;

use super::DynamoStore;

impl Store for DynamoStore {
    async fn contact(&self, key: &ContactKey) -> Result<Option<Contact>, StoreError> {
        self.read_contact(key).await
    }

    async fn contact_and_event(
        &self,
        key: &ContactKey,
        event: &str,
    ) -> Result<(Option<Contact>, Option<Event>), StoreError> {
        self.read_contact_and_event(key, event).await
    }

    async fn run_and_contact(&self, id: &RunId) -> Result<(Option<Run>, Option<Contact>), StoreError> {
        self.read_run_and_contact(id).await
    }

    async fn runs_of(&self, key: &ContactKey) -> Result<Vec<Run>, StoreError> {
        self.read_runs(key).await
    }

    async fn commit(&self, change: &Change) -> Result<Commit, StoreError> {
        self.commit_change(change).await
    }

    async fn keep_event(&self, key: &ContactKey, name: &str, event: &Event) -> Result<Kept, StoreError> {
        self.put_event(key, name, event).await
    }

    async fn event_done(&self, key: &ContactKey, name: &str) -> Result<(), StoreError> {
        self.finish_event(key, name).await
    }

    async fn events_of(
        &self,
        key: &ContactKey,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<Event>, StoreError> {
        self.read_events(key, limit, cursor).await
    }

    async fn due(&self, from: Timestamp, until: Timestamp, limit: usize) -> Result<Vec<Due>, StoreError> {
        self.read_due(from, until, limit).await
    }

    async fn parked(&self, workflow: &WorkflowId, limit: usize) -> Result<Vec<RunId>, StoreError> {
        self.read_parked(workflow, limit).await
    }

    async fn members(
        &self,
        segment: &SegmentId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<ContactKey>, StoreError> {
        self.read_members(segment, limit, cursor).await
    }

    async fn contacts_by_email(&self, email: &str, limit: usize) -> Result<Vec<Contact>, StoreError> {
        self.read_by_email(email, limit).await
    }

    async fn contacts(&self, keys: &[ContactKey]) -> Result<Vec<Contact>, StoreError> {
        self.read_contacts(keys).await
    }

    async fn erase_contact(&self, key: &ContactKey, segments: &[SegmentId]) -> Result<(), StoreError> {
        DynamoStore::erase_contact(self, key, segments).await
    }

    async fn document(&self, id: &DocumentId) -> Result<Option<Document>, StoreError> {
        self.read_document(id).await
    }

    async fn put_document(
        &self,
        id: &DocumentId,
        body: &serde_json::Value,
        expect: u64,
    ) -> Result<Commit, StoreError> {
        self.write_document(id, body, expect).await
    }

    async fn delete_document(&self, id: &DocumentId, expect: u64) -> Result<Commit, StoreError> {
        self.remove_document(id, expect).await
    }

    async fn documents(&self, kind: DocumentKind) -> Result<Vec<Document>, StoreError> {
        self.read_documents(kind).await
    }

    async fn configuration_revision(&self) -> Result<u64, StoreError> {
        self.read_revision().await
    }
}
