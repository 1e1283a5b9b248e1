//! Each example as its users have it: published with the command, and its story played to the end of its horizon.
//!
//! What came of it is compared with what was reviewed: the mails, word for word, and where everybody ended.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use carepath_tests::root;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::support::dev::{Dev, START};
use crate::support::story::{steps, text};

/// Fictional people, and what happens to them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    /// How long it is told.
    horizon: String,
    contacts: Vec<Value>,
    /// What happens at once.
    #[serde(default)]
    events: Vec<Happening>,
    /// What happens later on.
    #[serde(default)]
    later: Vec<Happening>,
    /// Which way a split has to send a contact.
    #[serde(default)]
    shares: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Happening {
    contact: String,
    /// How long after the beginning.
    #[serde(default)]
    after: Option<String>,
    #[serde(default)]
    id: Option<String>,
    /// An event of this name.
    #[serde(default, alias = "name")]
    event: Option<String>,
    #[serde(default)]
    properties: Map<String, Value>,
    /// Fields of the contact that are different from then on.
    #[serde(default)]
    change: Option<Value>,
    /// The contact opens the newest mail.
    #[serde(default)]
    open: bool,
    /// Or follows a link of it.
    #[serde(default)]
    click: Option<String>,
    /// It is a machine that does so.
    #[serde(default)]
    machine: bool,
}

impl Happening {
    fn at(&self) -> Timestamp {
        self.after.as_deref().map_or_else(start, later)
    }
}

fn start() -> Timestamp {
    START.parse().unwrap()
}

/// So long after the beginning.
fn later(span: &str) -> Timestamp {
    let span: Span = span.parse().unwrap();
    TimeZone::UTC.to_timestamp(TimeZone::UTC.to_datetime(start()).checked_add(span).unwrap()).unwrap()
}

/// The values, with each `{ in_days, at }` as the local time that it means, and each `{ in_days, years_ago }` as the date.
fn dated(properties: &Map<String, Value>) -> Map<String, Value> {
    let today = TimeZone::UTC.to_datetime(start()).date();
    let date = |value: &Value| -> Option<Value> {
        let day = today.checked_add(Span::new().days(value.get("in_days")?.as_i64()?)).ok()?;
        if let Some(years) = value.get("years_ago") {
            return Some(json!(day.checked_sub(Span::new().years(years.as_i64()?)).ok()?.to_string()));
        }
        let at: Time = value.get("at")?.as_str()?.parse().ok()?;
        Some(json!(day.to_datetime(at).to_string()))
    };
    properties.iter().map(|(name, value)| (name.clone(), date(value).unwrap_or_else(|| value.clone()))).collect()
}

/// The story of an example, being played.
struct Play {
    dev: Dev,
    story: Story,
    /// The ids that the contacts of the story have here.
    ids: BTreeMap<String, String>,
}

impl Play {
    async fn begin(example: &str) -> Self {
        let path = root().join("examples").join(example).join("story.yaml");
        let story = serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let dev = Dev::start().await;
        dev.example(example);
        let mut play = Self { dev, story, ids: BTreeMap::new() };
        for contact in play.story.contacts.clone() {
            play.let_in(&contact).await;
        }
        play
    }

    /// Lets a contact in, with what happens to them at once. Which share of a split they draw depends on their id and on
    /// the account's secret: where the story asks for one, ids are tried until one draws it.
    async fn let_in(&mut self, contact: &Value) {
        let name = text(contact, "id");
        let events: Vec<Happening> = self.story.events.iter().filter(|event| event.contact == name).cloned().collect();
        for number in 0..200 {
            let id = if number == 0 { name.to_owned() } else { format!("{name}-{number}") };
            self.ids.insert(name.to_owned(), id.clone());
            let mut fields = contact.clone();
            fields.as_object_mut().unwrap().remove("id");
            if let Some(attributes) = fields["attributes"].as_object() {
                fields["attributes"] = Value::Object(dated(attributes));
            }
            self.dev.put(&format!("/v1/contacts/{id}"), fields).await;
            for event in &events {
                self.happens(event).await;
            }
            let Some(wanted) = self.story.shares.get(name) else { return };
            let run = self.dev.run(&id).await;
            if run["visits"]
                .as_array()
                .unwrap()
                .iter()
                .any(|visit| visit["kind"] == "split" && visit["edge"] == wanted.as_str())
            {
                return;
            }
            assert_eq!(self.dev.try_delete(&format!("/v1/contacts/{id}")).await.status, 204);
        }
        panic!("no id draws the share that {name} has in the story");
    }

    async fn happens(&self, what: &Happening) {
        let id = &self.ids[&what.contact];
        if let Some(name) = &what.event {
            let mut event = json!({ "name": name, "properties": dated(&what.properties) });
            if let Some(own) = &what.id {
                event["id"] = json!(format!("{own}-{id}"));
            }
            self.dev.tell(id, event).await;
        }
        if let Some(change) = &what.change {
            self.dev.patch(&format!("/v1/contacts/{id}"), change.clone()).await;
        }
        let (mail, machine) = (self.mails(&what.contact).await.pop(), json!({ "machine": what.machine }));
        let id = || text(mail.as_ref().unwrap(), "id").to_owned();
        if what.open {
            self.dev.post(&format!("/_dev/mailbox/{}/open", id()), machine).await;
        } else if let Some(link) = &what.click {
            let how = json!({ "link": link, "machine": what.machine });
            self.dev.post(&format!("/_dev/mailbox/{}/click", id()), how).await;
        }
        self.dev.settle().await;
    }

    /// The mails to a contact, oldest first.
    async fn mails(&self, name: &str) -> Vec<Value> {
        let contact = self.story.contacts.iter().find(|contact| contact["id"] == name).unwrap();
        let found = self.dev.get(&format!("/_dev/mailbox?to={}&limit=1000", text(contact, "email"))).await;
        let mut mails = found.as_array().unwrap().clone();
        mails.reverse();
        mails
    }

    async fn to_the_end(&self) {
        let mut later: Vec<&Happening> = self.story.later.iter().collect();
        later.sort_by_key(|what| what.at());
        for what in later {
            self.dev.to(&what.at().to_string()).await;
            self.happens(what).await;
        }
        self.dev.to(&self::later(&self.story.horizon).to_string()).await;
    }

    /// Without what is another one each time: addresses of this system and signatures in them.
    fn constant(&self, said: &str) -> String {
        let mut said = said.replace(&self.dev.url, "https://carepath.example.org");
        for (name, id) in &self.ids {
            said = said.replace(id.as_str(), name);
        }
        let mut out = String::new();
        let mut rest = said.as_str();
        while let Some((before, after)) = rest.split_once("/u/") {
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c)).unwrap_or(after.len());
            let _ = write!(out, "{before}/u/SIGNED");
            rest = &after[end..];
        }
        out + rest
    }

    /// Where everybody ended, and the mails on the way there.
    async fn told(&self) -> String {
        let mut told = String::new();
        for contact in &self.story.contacts {
            let name = text(contact, "id");
            let id = &self.ids[name];
            let now = self.dev.get(&format!("/v1/contacts/{id}")).await;
            let _ =
                writeln!(told, "# {name}\n\nattributes: {}\nsegments: {}", now["attributes"], names(&now["segments"]));
            for run in self.dev.runs(id).await {
                let end = ["status", "ended", "ended_at"].map(|field| run[field].as_str().unwrap_or("-"));
                let _ = writeln!(told, "run: {} ({})", end.join(" "), steps(&run).join(", "));
            }
            for mail in self.mails(name).await {
                let links = mail["links"].as_array().unwrap();
                let links: Vec<String> =
                    links.iter().map(|link| format!("  {} {}", text(link, "name"), text(link, "url"))).collect();
                let _ = writeln!(
                    told,
                    "\n## {} at {}\n\n{}\n\n{}",
                    text(&mail, "subject"),
                    text(&mail, "at"),
                    text(&mail, "text").trim(),
                    links.join("\n")
                );
            }
            told.push('\n');
        }
        self.constant(&told)
    }

    /// Each mail of the example once, as its first reader has it.
    async fn shown(&self) -> BTreeMap<String, String> {
        let mut shown = BTreeMap::new();
        for contact in &self.story.contacts {
            for mail in self.mails(text(contact, "id")).await {
                let subject = text(&mail, "subject").to_lowercase();
                let words: Vec<&str> =
                    subject.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
                shown.entry(words.join("-")).or_insert_with(|| self.constant(text(&mail, "html")));
            }
        }
        shown
    }
}

/// The names of an object or the texts of a list, in their order.
fn names(value: &Value) -> String {
    let of_object = value.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    let of_list = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut names: Vec<&str> = of_object.chain(of_list).collect();
    names.sort_unstable();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// The folders of the examples.
fn examples() -> Vec<String> {
    let folders = std::fs::read_dir(root().join("examples")).unwrap().map(|folder| folder.unwrap().path());
    let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut names: Vec<String> = folders.filter(|path| path.is_dir()).map(name).collect();
    names.sort_unstable();
    names
}

async fn plays(example: &str) {
    let play = Play::begin(example).await;
    play.to_the_end().await;
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new("snapshots/examples").join(example));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let (told, shown) = (play.told().await, play.shown().await);
    settings.bind(|| {
        insta::assert_snapshot!("story", told);
        for (subject, html) in shown {
            insta::assert_snapshot!(format!("mail-{subject}"), html);
        }
    });
}

macro_rules! stories {
    ($($test:ident: $example:literal),+ $(,)?) => {
        $(#[tokio::test]
        async fn $test() {
            plays($example).await;
        })+

        #[test]
        fn each_example_has_its_story_played() {
            assert_eq!(examples(), [$($example),+]);
        }
    };
}

stories! {
    the_news_of_the_clinic_comes_every_month: "announcements",
    an_appointment_is_confirmed_and_reminded_of: "appointment-reminder",
    a_series_goes_on_week_by_week_until_it_is_left: "education-series",
    a_visit_is_asked_about_and_the_answer_acted_on: "feedback",
    birthdays_are_greeted_year_by_year: "milestones",
    a_new_member_is_welcomed: "new-member-onboarding",
    who_becomes_due_is_invited_to_a_screening: "preventive-care",
    who_is_silent_is_asked_twice_and_then_left_alone: "re-engagement",
    what_fits_is_recommended_and_a_share_gets_nothing: "recommendations",
}
