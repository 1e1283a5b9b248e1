//! Ids: newtypes that are parsed at the edge and derived, never drawn, inside.
//!
//! What names a contact outside (the caller's id) may itself say who somebody is, so inside a contact goes by its
//! [`ContactKey`], a keyed hash. A [`RunId`] starts with the key of its contact: whoever holds a run id finds the item.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a text is not an id, for the person who sent it. It never repeats the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {problem}")]
pub struct BadId {
    /// Which kind of id was wanted.
    pub what: &'static str,
    /// What is wrong with the text, and what would be right.
    pub problem: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $valid:path, $problem:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                if $valid(text) { Ok(Self(text.into())) } else { Err(BadId { what: $what, problem: $problem }) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.to_string()
            }
        }
    };
}

macro_rules! printable {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}

text_id!(
    /// The id of a workflow: it stands in URLs and files.
    WorkflowId, "workflow id", is_slug,
    "must be 1 to 63 characters of a-z, 0-9 and -, starting with a letter or digit"
);
text_id!(
    /// The id of a step within its workflow. `end` is not one: it is the target that ends a run.
    StepId, "step id", is_step,
    "must be 1 to 63 characters of a-z, A-Z, 0-9, _ and -, starting with a letter or digit, and not `end`"
);
text_id!(
    /// The id of a template.
    TemplateId, "template id", is_slug,
    "must be 1 to 63 characters of a-z, 0-9 and -, starting with a letter or digit"
);
text_id!(
    /// The id of a segment.
    SegmentId, "segment id", is_slug,
    "must be 1 to 63 characters of a-z, 0-9 and -, starting with a letter or digit"
);
text_id!(
    /// A subscription topic: what a contact agreed to hear about.
    TopicId, "topic", is_slug,
    "must be 1 to 63 characters of a-z, 0-9 and -, starting with a letter or digit"
);
text_id!(
    /// The name of an event or of an attribute.
    Name, "name", is_name,
    "must be 1 to 128 characters, without control characters or space at either end"
);
text_id!(
    /// The caller's id of a contact. It may be a record number, so it prints as `[redacted]`.
    ContactId, "contact id", is_outside_id,
    "must be 1 to 128 bytes of text without control characters, `/` or space at either end"
);
text_id!(
    /// The caller's id of an event, unique within its source; it too may say something about a contact.
    EventId, "event id", is_outside_id,
    "must be 1 to 128 bytes of text without control characters, `/` or space at either end"
);
text_id!(
    /// The internal name of a contact: `ct_` and a keyed hash of its [`ContactId`].
    ContactKey, "contact key", is_contact_key, "must be `ct_` and 20 characters of a-z and 2-7"
);
text_id!(
    /// The id of a run: `run_`, the hash part of its contact's key, `_`, and a hash of workflow, key and entry.
    RunId, "run id", is_run_id, "must be `run_`, 20 characters of a-z and 2-7, `_`, and 20 more"
);
printable!(WorkflowId, StepId, TemplateId, SegmentId, TopicId, Name, ContactKey, RunId);

macro_rules! redacted {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("[redacted]")
            }
        }
    )*};
}
redacted!(ContactId, EventId);

fn is_slug(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
}

fn is_step(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text != "end"
}

fn is_name(text: &str) -> bool {
    let count = text.chars().count();
    (1..=128).contains(&count) && !text.chars().any(char::is_control) && text.trim() == text
}

fn is_outside_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && !text.chars().any(|c| c.is_control() || c == '/')
        && text.trim() == text
        && text != "."
        && text != ".."
}

fn is_hash(text: &str) -> bool {
    text.len() == HASH_CHARS && text.bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b))
}

fn is_contact_key(text: &str) -> bool {
    text.strip_prefix("ct_").is_some_and(is_hash)
}

fn is_run_id(text: &str) -> bool {
    text.strip_prefix("run_")
        .and_then(|rest| rest.split_once('_'))
        .is_some_and(|(contact, run)| is_hash(contact) && is_hash(run))
}

/// 20 characters of base32 are 100 bits: a collision among a billion contacts has odds of about one in 10^12.
const HASH_CHARS: usize = 20;

/// The account's secret under which ids are hashed, so that nobody outside can tell a contact from its key.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

impl Secret {
    /// A secret of these bytes. They are drawn once an account, by the shell.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key of a contact.
    pub fn contact_key(&self, id: &ContactId) -> ContactKey {
        ContactKey(format!("ct_{}", self.hash("contact", &[id.as_str()])).into())
    }

    /// The id of the `entry`th run (counted from 1) of a contact in a workflow under a trigger's key.
    pub fn run_id(&self, contact: &ContactKey, workflow: &WorkflowId, key: Option<&str>, entry: u32) -> RunId {
        let number = entry.to_string();
        let keyed = if key.is_some() { "keyed" } else { "plain" };
        self.run(contact, "run", &[workflow.as_str(), keyed, key.unwrap_or_default(), &number])
    }

    /// The id of the run that a jump of `from` at its `step` starts in another workflow.
    pub fn jump_id(&self, from: &RunId, step: u16) -> RunId {
        self.run(&from.contact(), "jump", &[from.as_str(), &step.to_string()])
    }

    /// An opaque name for a text, for keys and indexes: the same text under the same `purpose` gives the same name.
    pub fn opaque(&self, purpose: &str, parts: &[&str]) -> String {
        self.hash(purpose, parts)
    }

    fn run(&self, contact: &ContactKey, purpose: &str, parts: &[&str]) -> RunId {
        let contact = contact.as_str().trim_start_matches("ct_");
        RunId(format!("run_{contact}_{}", self.hash(purpose, &[&[contact], parts].concat())).into())
    }

    fn hash(&self, purpose: &str, parts: &[&str]) -> String {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        base32(self.keyed(purpose, &parts).finalize().as_bytes())
    }

    /// A hash under the secret and a purpose, so that what is made for one is good for no other.
    pub(crate) fn keyed(&self, purpose: &str, parts: &[&[u8]]) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for part in std::iter::once(&purpose.as_bytes()).chain(parts) {
            // The length in front of each part keeps ("ab", "c") and ("a", "bc") apart.
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher
    }
}

fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut text = String::with_capacity(HASH_CHARS);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 && text.len() < HASH_CHARS {
            bits -= 5;
            text.push(char::from(ALPHABET[((buffer >> bits) & 31) as usize]));
        }
    }
    text
}

impl RunId {
    /// The key of the contact whose run this is.
    pub fn contact(&self) -> ContactKey {
        let hash = self.0.get(4..4 + HASH_CHARS).unwrap_or_default();
        ContactKey(format!("ct_{hash}").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret::new([7; 32])
    }

    #[test]
    fn a_run_id_leads_to_its_contact() {
        let contact = secret().contact_key(&"patient-1".parse().unwrap());
        let run = secret().run_id(&contact, &"onboarding".parse().unwrap(), Some("a"), 1);
        assert_eq!(run.contact(), contact);
        assert_eq!(run.as_str().parse::<RunId>().unwrap(), run);
    }

    #[test]
    fn a_run_without_a_key_differs_from_one_with_an_empty_key() {
        let contact = secret().contact_key(&"patient-1".parse().unwrap());
        let workflow = "onboarding".parse().unwrap();
        assert_ne!(secret().run_id(&contact, &workflow, None, 1), secret().run_id(&contact, &workflow, Some(""), 1));
    }

    #[test]
    fn a_contact_id_is_not_printed() {
        let id: ContactId = "MRN-0042".parse().unwrap();
        assert_eq!(format!("{id:?}"), "[redacted]");
    }

    #[test]
    fn ids_are_refused_with_what_would_be_right() {
        assert!("Onboarding".parse::<WorkflowId>().is_err());
        assert!("end".parse::<StepId>().is_err());
        assert!("a/b".parse::<ContactId>().is_err());
        assert!("日本語".parse::<ContactId>().is_ok());
        assert!("run_a_b".parse::<RunId>().is_err());
    }
}
