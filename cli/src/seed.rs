//! The examples, brought to a server with a few fictional people: what `carepath dev --seed` shows.

use jiff::civil::Time;
use jiff::{Span, Timestamp, tz::TimeZone};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use crate::client::{Client, segment};
use crate::failure::Failure;
use crate::files::{self, Document, Found};
use crate::publish;

macro_rules! example {
    ($folder:literal: $($file:literal),+ $(,)?) => {
        &[$(($file, include_str!(concat!("../../examples/", $folder, "/", $file)))),+]
    };
}

/// The files of each example, by their names.
const EXAMPLES: [&[(&str, &str)]; 9] = [
    example!("appointment-reminder": "schema.yaml", "segments/deceased.yaml", "segments/needs-a-call.yaml",
        "templates/appointment-confirmation.yaml", "templates/appointment-reminder.yaml", "workflow.yaml"),
    example!("new-member-onboarding": "schema.yaml", "segments/engaged-members.yaml", "segments/onboarding-call.yaml",
        "templates/getting-started.yaml", "templates/reminder.yaml", "templates/welcome.yaml", "workflow.yaml"),
    example!("feedback": "schema.yaml", "segments/unhappy.yaml", "templates/visit-feedback.yaml",
        "templates/feedback-thanks.yaml", "templates/feedback-sorry.yaml", "workflow.yaml"),
    example!("education-series": "schema.yaml", "segments/small-steps-finished.yaml", "templates/small-steps-1.yaml",
        "templates/small-steps-2.yaml", "templates/small-steps-3.yaml", "templates/small-steps-3-short.yaml",
        "templates/small-steps-4.yaml", "workflow.yaml"),
    example!("recommendations": "schema.yaml", "segments/class-members.yaml", "segments/interested-in-classes.yaml",
        "templates/recommend-classes.yaml", "templates/recommend-general.yaml", "templates/recommend-online.yaml",
        "workflow.yaml"),
    example!("announcements": "schema.yaml", "segments/clinic-news-readers.yaml", "segments/flu-shot-day.yaml",
        "templates/clinic-news.yaml", "workflow.yaml"),
    example!("re-engagement": "schema.yaml", "segments/sunset.yaml", "templates/still-welcome.yaml",
        "templates/last-question.yaml", "workflow.yaml"),
    example!("preventive-care": "schema.yaml", "segments/due-for-screening.yaml", "segments/screening-call.yaml",
        "templates/screening-invitation.yaml", "templates/screening-reminder.yaml", "workflow.yaml"),
    example!("milestones": "schema.yaml", "templates/birthday.yaml", "templates/birthday-round.yaml", "workflow.yaml"),
];

const STORIES: [&str; 9] = [
    include_str!("../../examples/appointment-reminder/story.yaml"),
    include_str!("../../examples/new-member-onboarding/story.yaml"),
    include_str!("../../examples/feedback/story.yaml"),
    include_str!("../../examples/education-series/story.yaml"),
    include_str!("../../examples/recommendations/story.yaml"),
    include_str!("../../examples/announcements/story.yaml"),
    include_str!("../../examples/re-engagement/story.yaml"),
    include_str!("../../examples/preventive-care/story.yaml"),
    include_str!("../../examples/milestones/story.yaml"),
];

/// What is there now that was not there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Seeded {
    /// Documents that were new or changed.
    pub(crate) documents: usize,
    /// Contacts who came in.
    pub(crate) contacts: usize,
}

/// Fictional people, and what happens to them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    contacts: Vec<Value>,
    #[serde(default)]
    events: Vec<StoryEvent>,
    /// What happens to them later on, for those who play the whole story: here it is left to whoever looks on.
    #[serde(default, rename = "later")]
    _later: Vec<IgnoredAny>,
    #[serde(default, rename = "horizon")]
    _horizon: Option<IgnoredAny>,
    #[serde(default, rename = "shares")]
    _shares: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoryEvent {
    contact: String,
    id: String,
    name: String,
    properties: Map<String, Value>,
}

/// Publishes the examples and lets their people enter. Doing it again changes nothing: what the server has is left
/// alone, and so is whoever is there already.
///
/// # Errors
/// Where the server does not answer, or refuses an example.
pub(crate) async fn seed(api_url: &str, key: &str) -> Result<Seeded, Failure> {
    let client = Client::new(api_url, key)?;
    let mut seeded = Seeded::default();
    let found = examples()?;
    let plan = publish::plan(&client, &found.documents).await?;
    seeded.documents = plan.iter().filter(|item| item.change != publish::Change::Unchanged).count();
    if !publish::apply(&client, &plan, false).await? {
        return Err(Failure::File("the server does not take the examples".into()));
    }
    for text in STORIES {
        seeded.contacts += play(&client, &story(text)?).await?;
    }
    Ok(seeded)
}

/// The documents of all examples. They declare their attributes together, since a server has one schema.
fn examples() -> Result<Found, Failure> {
    let (mut found, mut attributes) = (Found::default(), Map::new());
    for example in EXAMPLES {
        for document in files::built_in(example)?.documents {
            if document.kind == files::Kind::Schema {
                let declared = document.body.get("attributes").and_then(Value::as_object).cloned();
                attributes.extend(declared.unwrap_or_default());
            } else {
                found.documents.push(document);
            }
        }
    }
    let body = json!({ "attributes": attributes });
    found.documents.push(Document {
        file: "schema.yaml".into(),
        kind: files::Kind::Schema,
        body,
        text: String::new(),
        beside: false,
    });
    found.documents.sort_by_key(|document| document.kind);
    Ok(found)
}

fn story(text: &str) -> Result<Story, Failure> {
    serde_saphyr::from_str(text).map_err(|error| Failure::File(format!("a story cannot be read: {error}")))
}

async fn play(client: &Client, story: &Story) -> Result<usize, Failure> {
    let failed = |error| Failure::api("could not let the people of the examples in", error);
    let mut new = 0;
    for contact in &story.contacts {
        let id = contact.get("id").and_then(Value::as_str).unwrap_or_default();
        let path = format!("/v1/contacts/{}", segment(id));
        // An event is remembered for some days only; that its contact is there says longer that the story was played.
        if client.find(&path).await.map_err(failed)?.is_some() {
            continue;
        }
        let now = Timestamp::now();
        let mut fields = contact.clone();
        if let Some(attributes) = fields.get_mut("attributes").and_then(Value::as_object_mut) {
            *attributes = dated(attributes, now);
        }
        client.put(&path, &fields).await.map_err(failed)?;
        for event in story.events.iter().filter(|event| event.contact == id) {
            let properties = dated(&event.properties, now);
            let body = json!({ "name": event.name, "id": event.id, "properties": properties });
            client.post(&format!("{path}/events"), &body).await.map_err(failed)?;
        }
        new += 1;
    }
    Ok(new)
}

/// The values, with each `{ in_days, at }` as the local time that it means when the story is played at `now`, and each
/// `{ in_days, years_ago }` as the date.
fn dated(properties: &Map<String, Value>, now: Timestamp) -> Map<String, Value> {
    let today = TimeZone::UTC.to_datetime(now).date();
    let value = |value: &Value| -> Option<Value> {
        let days = value.get("in_days")?.as_i64()?;
        let day = today.checked_add(Span::new().try_days(days).ok()?).ok()?;
        if let Some(years) = value.get("years_ago") {
            let years = Span::new().try_years(years.as_i64()?).ok()?;
            return Some(Value::String(day.checked_sub(years).ok()?.to_string()));
        }
        let at: Time = value.get("at")?.as_str()?.parse().ok()?;
        Some(Value::String(day.to_datetime(at).to_string()))
    };
    properties.iter().map(|(name, given)| (name.clone(), value(given).unwrap_or_else(|| given.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_in_the_program_have_no_errors_together() {
        let findings = crate::check::examine(&examples().unwrap());
        let errors =
            findings.iter().filter(|found| found.finding.severity == carepath_engine::document::Severity::Error);
        assert_eq!(errors.count(), 0);
    }

    #[test]
    fn every_folder_of_the_examples_is_in_the_program_with_all_its_files() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
        let folders = std::fs::read_dir(root).unwrap().map(|folder| folder.unwrap().path());
        let mut there: Vec<usize> = folders.map(|path| files::read(&[path]).unwrap().documents.len()).collect();
        let mut here: Vec<usize> = EXAMPLES.iter().map(|files| files.len()).collect();
        there.sort_unstable();
        here.sort_unstable();
        assert_eq!(here, there);
        assert_eq!(STORIES.len(), EXAMPLES.len());
    }

    #[test]
    fn every_event_of_a_story_is_of_one_of_its_contacts() {
        for text in STORIES {
            let story = story(text).unwrap();
            assert!(!story.contacts.is_empty());
            for event in &story.events {
                assert!(story.contacts.iter().any(|contact| contact["id"] == event.contact.as_str()));
            }
        }
    }

    #[test]
    fn a_day_of_a_story_counts_from_the_day_it_is_played() {
        let properties = json!({
            "when": { "in_days": 3, "at": "10:30" }, "born": { "in_days": 2, "years_ago": 50 }, "where": "north"
        });
        let now = "2026-11-29T23:00:00Z".parse().unwrap();
        let dated = dated(properties.as_object().unwrap(), now);
        let meant = json!({ "when": "2026-12-02T10:30:00", "born": "1976-12-01", "where": "north" });
        assert_eq!(Value::Object(dated), meant);
    }
}
