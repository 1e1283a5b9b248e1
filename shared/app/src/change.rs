//! Changes of a contact: by the API and by runs. Segments by condition follow in the same write (S21), and what a
//! published workflow waits for is kept on the contact until it has been acted on (S28).

use std::collections::BTreeSet;

use carepath_engine::Contact;
use carepath_engine::contact::{Change as ContactFact, PendingChange, Review, Suppression};
use carepath_engine::ids::{ContactId, ContactKey, Secret, SegmentId};
use carepath_engine::review;
use jiff::Timestamp;

use crate::App;
use crate::catalog::Published;
use crate::drive::{self, RACES};
use crate::error::UseError;
use crate::membership::Look;
use crate::ports::{AddressChange, Change, Clock, Commit, ContactChange, Ports, Queue, Store, Work};

/// A contact after its change.
#[derive(Debug, Clone)]
pub struct Changed {
    /// As it stands now.
    pub contact: Contact,
    /// Whether it was not there before.
    pub created: bool,
}

/// Changes a contact, as often as it takes to do so on its newest revision. `edit` gives the whole new contact.
///
/// # Errors
/// Whatever `edit` refuses, `Busy` when others are faster again and again, and what the store cannot do.
pub async fn change_contact<P: Ports>(
    app: &App<P>,
    id: &ContactId,
    edit: impl Fn(Option<&Contact>, Timestamp) -> Result<Contact, UseError>,
) -> Result<Changed, UseError> {
    change_known(app, id, None, edit).await
}

/// A contact as somebody has just read it, together with others.
#[derive(Debug, Clone, Default)]
pub struct Read {
    /// The contact; nobody where there was none.
    pub contact: Option<Contact>,
    /// What is known of the address that it may get.
    pub address: Option<KnownAddress>,
}

/// What is known of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAddress {
    /// Its opaque name: see [`address_name`].
    pub name: String,
    /// Why it takes no mail, where that is so.
    pub suppressed: Option<Suppression>,
}

/// The opaque name of an address, under which it is known that it takes no mail, whoever has it (S26).
pub fn address_name(secret: &Secret, address: &str) -> String {
    secret.opaque("suppressed", &[&address.to_lowercase()])
}

/// As [`change_contact`], and begins with what was read of the contact a moment ago: where that is out of date, the
/// write finds out and it is read again.
///
/// # Errors
/// As [`change_contact`].
pub async fn change_known<P: Ports>(
    app: &App<P>,
    id: &ContactId,
    known: Option<Read>,
    edit: impl Fn(Option<&Contact>, Timestamp) -> Result<Contact, UseError>,
) -> Result<Changed, UseError> {
    change_looking(app, id, known, &Looking::CHANGED, edit).await
}

/// What else is brought up to date with a change.
#[derive(Debug, Clone)]
pub(crate) struct Looking {
    /// Which segments.
    pub(crate) look: Look,
    /// Up to when all that time does to the contact has been done; where nobody says, what was still to be done is.
    pub(crate) done: Option<Timestamp>,
    /// Since when more of what time does counts than before.
    pub(crate) from: Option<Timestamp>,
    /// The steps that led to the change, where a run makes it.
    pub(crate) hops: u32,
}

impl Looking {
    /// As with every change.
    pub(crate) const CHANGED: Self = Self { look: Look::Changed, done: None, from: None, hops: 0 };
}

/// As [`change_known`], and brings more up to date than what changed.
pub(crate) async fn change_looking<P: Ports>(
    app: &App<P>,
    id: &ContactId,
    mut known: Option<Read>,
    looking: &Looking,
    edit: impl Fn(Option<&Contact>, Timestamp) -> Result<Contact, UseError>,
) -> Result<Changed, UseError> {
    let key = app.secret.contact_key(id);
    for _ in 0..RACES {
        let published = app.published().await?;
        let now = app.ports.clock().now();
        let (before, address) = match known.take() {
            Some(read) => (read.contact, read.address),
            None => (app.ports.store().contact(&key).await?, None),
        };
        let mut after = edit(before.as_ref(), now)?;
        if let Some(why) = closed(app, before.as_ref(), &after, address).await? {
            after.suppressed = Some(why);
        }
        let nothing_else = matches!(looking, Looking { look: Look::Changed, done: None, from: None, .. });
        if nothing_else && before.as_ref() == Some(&after) {
            return Ok(Changed { contact: after, created: false });
        }
        let change = prepare((app, &published), (&key, before.as_ref()), after, now, looking);
        if before.as_ref().is_some_and(|before| is_same(before, &change.contact)) {
            return Ok(Changed { contact: before.unwrap_or(change.contact), created: false });
        }
        let mut contact = change.contact.clone();
        match app.ports.store().commit(&Change { contact: Some(change), ..Change::default() }).await? {
            Commit::Applied | Commit::AlreadyApplied => {
                contact.revision += 1;
                follow_up(app, &key, &contact, now).await;
                return Ok(Changed { contact, created: before.is_none() });
            }
            Commit::LostRace => app.counters.lost_race(),
        }
    }
    Err(UseError::Busy)
}

/// Why the address that a contact gets takes no mail, where it gets one. That costs a read, unless somebody has looked
/// already; a bounce that comes in between is found by the next mail.
async fn closed<P: Ports>(
    app: &App<P>,
    before: Option<&Contact>,
    after: &Contact,
    known: Option<KnownAddress>,
) -> Result<Option<Suppression>, UseError> {
    let name = |contact: &Contact| contact.email.as_ref().map(|email| address_name(&app.secret, email.expose()));
    let Some(name) = name(after).filter(|new| before.and_then(name).as_ref() != Some(new)) else { return Ok(None) };
    match known {
        Some(known) if known.name == name => Ok(known.suppressed),
        Some(_) | None => {
            let (_, found) = app.ports.store().contacts_and_suppressed(&[], std::slice::from_ref(&name)).await?;
            Ok(found.get(&name).copied())
        }
    }
}

/// Leaves work for what is pending on a contact that was just written.
pub(crate) async fn follow_up<P: Ports>(app: &App<P>, key: &ContactKey, contact: &Contact, now: Timestamp) {
    if !contact.pending.is_empty() {
        app.ports.queue().push(Work::Contact { contact: key.clone() }, now).await;
    }
}

/// Whether nothing changed but the time.
fn is_same(before: &Contact, after: &Contact) -> bool {
    let mut then = after.clone();
    then.updated_at = before.updated_at;
    if then.review.map(|review| review.at) == before.review.map(|review| review.at) {
        then.review = before.review;
    }
    *before == then
}

/// Makes a change ready to be committed: segments by condition are settled, what somebody waits for is noted, and so is
/// when time next does something to the contact.
pub(crate) fn prepare<P: Ports>(
    (app, published): (&App<P>, &Published),
    (key, before): (&ContactKey, Option<&Contact>),
    mut after: Contact,
    now: Timestamp,
    looking: &Looking,
) -> ContactChange {
    after.revision = before.map_or(0, |contact| contact.revision);
    after.updated_at = now;
    let looks = published.conditions.settle(before, &mut after, (&looking.look, now, &published.account.zone));
    app.counters.looked_at_conditions(looks);
    after.review = next_review(published, before, &after, now, looking);
    let changes = after.changes_since(before);
    let (mut entered, mut left) = (Vec::new(), Vec::new());
    for change in changes {
        if let ContactFact::Segment { segment, entered: came } = &change {
            if *came { entered.push(segment.clone()) } else { left.push(segment.clone()) }
        }
        if published.watched.concerns(&change) {
            let (revision, hops) = (after.revision + 1, looking.hops);
            after.pending.push(PendingChange { revision, at: now, change, hops });
        }
    }
    // What closes the address that a contact has closes it for everybody.
    let open = before.filter(|before| before.suppressed.is_none() && before.email == after.email);
    let closes = open.and(after.suppressed);
    let address = closes.and_then(|why| becomes(app, &after, Some(why)));
    ContactChange { key: key.clone(), contact: after, entered, left, address }
}

/// What becomes of the address of a contact, where it has one.
fn becomes<P: Ports>(app: &App<P>, contact: &Contact, suppressed: Option<Suppression>) -> Option<AddressChange> {
    let email = contact.email.as_ref()?;
    Some(AddressChange { name: address_name(&app.secret, email.expose()), suppressed })
}

/// Opens the address of a contact again: the contact takes mail from now on, and so does whoever comes in with that
/// address later (S11). Other contacts that have it already stay as they are: each has its own reason, and is opened by
/// its own id. Where nothing is closed, nothing is written.
///
/// # Errors
/// As [`change_contact`], and `NotFound`.
pub async fn reopen_address<P: Ports>(app: &App<P>, id: &ContactId) -> Result<Contact, UseError> {
    let key = app.secret.contact_key(id);
    for _ in 0..RACES {
        let published = app.published().await?;
        let now = app.ports.clock().now();
        let Some(before) = app.ports.store().contact(&key).await? else {
            return Err(UseError::NotFound { what: "contact" });
        };
        // The contact may be open and its address not: it closed by another contact's mail.
        let address = becomes(app, &before, None);
        let kept = match &address {
            Some(address) => {
                let (_, found) =
                    app.ports.store().contacts_and_suppressed(&[], std::slice::from_ref(&address.name)).await?;
                found.contains_key(&address.name)
            }
            None => false,
        };
        if before.suppressed.is_none() && !kept {
            return Ok(before);
        }
        let after = Contact { suppressed: None, ..before.clone() };
        let change = prepare((app, &published), (&key, Some(&before)), after, now, &Looking::CHANGED);
        let change = ContactChange { address, ..change };
        let mut contact = change.contact.clone();
        match app.ports.store().commit(&Change { contact: Some(change), ..Change::default() }).await? {
            Commit::Applied | Commit::AlreadyApplied => {
                contact.revision += 1;
                follow_up(app, &key, &contact, now).await;
                return Ok(contact);
            }
            Commit::LostRace => app.counters.lost_race(),
        }
    }
    Err(UseError::Busy)
}

/// When time next does something to a contact. What it has done already and nobody has acted on comes first.
fn next_review(
    published: &Published,
    before: Option<&Contact>,
    after: &Contact,
    now: Timestamp,
    looking: &Looking,
) -> Option<Review> {
    let known = before.and_then(|before| before.review);
    let is_done = |at| looking.done.is_some_and(|done| at <= done);
    if let Some(open) = known.filter(|review| review.at <= now && !is_done(review.at)) {
        return Some(open);
    }
    let since = looking.done.or(looking.from).unwrap_or(now);
    let since = since.max(known.map_or(Timestamp::MIN, |known| known.since));
    let next = review::next(&published.timed, after, since, now, &published.account.zone)?;
    // A sweep that has passed a moment does not come back to it.
    Some(Review { at: next.max(now), since })
}

/// Puts contacts into a manual segment and takes others out. Contacts that are not there yet are made.
///
/// # Errors
/// As [`change_contact`].
pub async fn set_members<P: Ports>(
    app: &App<P>,
    segment: &SegmentId,
    add: &[ContactId],
    remove: &[ContactId],
) -> Result<(), UseError> {
    for id in add {
        change_contact(app, id, |before, now| {
            let mut contact = before.cloned().unwrap_or_else(|| Contact::new(id.clone(), now));
            contact.segments.entry(segment.clone()).or_insert(now);
            Ok(contact)
        })
        .await?;
    }
    let known: BTreeSet<_> = add.iter().collect();
    for id in remove.iter().filter(|id| !known.contains(id)) {
        let key = app.secret.contact_key(id);
        if app.ports.store().contact(&key).await?.is_some() {
            change_contact(app, id, |before, now| {
                let mut contact = before.cloned().unwrap_or_else(|| Contact::new((*id).clone(), now));
                contact.segments.remove(segment);
                Ok(contact)
            })
            .await?;
        }
    }
    Ok(())
}

/// Deletes a contact: its runs end as `deleted` and forget it, and what is stored of it goes (S26).
///
/// # Errors
/// `NotFound`, and what the store cannot do; calling again goes on where it stopped.
pub async fn delete_contact<P: Ports>(app: &App<P>, id: &ContactId) -> Result<(), UseError> {
    let key = app.secret.contact_key(id);
    let Some(contact) = app.ports.store().contact(&key).await? else {
        return Err(UseError::NotFound { what: "contact" });
    };
    for run in app.ports.store().runs_of(&key).await? {
        drive::apply(app, run, contact.clone(), carepath_engine::Input::Delete).await?;
    }
    let segments: Vec<_> = contact.segments.keys().cloned().collect();
    app.ports.store().erase_contact(&key, &segments).await?;
    // A run that began meanwhile has not seen this. One that is about to begin finds no contact when it is next looked at.
    for run in app.ports.store().runs_of(&key).await?.into_iter().filter(|run| !run.is_ended()) {
        drive::apply(app, run, contact.clone(), carepath_engine::Input::Delete).await?;
    }
    Ok(())
}
