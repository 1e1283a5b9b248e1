//! What is known beside the document that is being checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{Name, SegmentId, TemplateId, WorkflowId};
use crate::render;
use crate::segment::Membership;
use crate::version::{Class, Version};

/// What a document may refer to, as it stands now. What is not in it is missing or unpublished.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The published version of each workflow.
    pub workflows: &'a BTreeMap<WorkflowId, Arc<Version>>,
    /// The newest version of each template.
    pub templates: &'a BTreeMap<TemplateId, TemplateFacts>,
    /// All segments, and how each gets its members.
    pub segments: &'a BTreeMap<SegmentId, Membership>,
    /// The declared attributes. What is not declared is [`FieldClass::Phi`] and may be missing.
    pub schema: &'a BTreeMap<Name, AttributeFacts>,
    /// Where readers of mails can unsubscribe.
    pub way_out: WayOut,
}

/// Where readers of mails can unsubscribe, as the account says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WayOut {
    /// By a link to this installation; or nobody knows, since the document is looked at without its account.
    #[default]
    Given,
    /// On a page of the account's own, but by no link that a mail program could follow for its user (RFC 8058).
    OwnPage,
    /// Nowhere.
    Missing,
}

static WORKFLOWS: BTreeMap<WorkflowId, Arc<Version>> = BTreeMap::new();
static TEMPLATES: BTreeMap<TemplateId, TemplateFacts> = BTreeMap::new();
static SEGMENTS: BTreeMap<SegmentId, Membership> = BTreeMap::new();
static SCHEMA: BTreeMap<Name, AttributeFacts> = BTreeMap::new();

impl Context<'static> {
    /// Nothing is known.
    pub const EMPTY: Self = Self {
        workflows: &WORKFLOWS,
        templates: &TEMPLATES,
        segments: &SEGMENTS,
        schema: &SCHEMA,
        way_out: WayOut::Given,
    };
}

/// What a workflow has to know of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateFacts {
    /// The version that a workflow published now is pinned to.
    pub version: u32,
    /// The class of its mail.
    pub class: Class,
    /// The values that it shows, each use once.
    pub variables: Vec<Variable>,
    /// Whether its recipients find a way to unsubscribe in it.
    pub has_unsubscribe_link: bool,
    /// The names of its links.
    pub link_names: Vec<String>,
}

impl TemplateFacts {
    /// What a workflow has to know of a template that says this of itself.
    pub fn new(version: u32, class: Class, facts: &render::TemplateFacts) -> Self {
        let variables = facts.variables.iter().map(|variable| Variable {
            path: variable.path.clone(),
            place: Place::of(variable.part),
            defaulted: variable.has_default,
        });
        Self {
            version,
            class,
            variables: variables.collect(),
            has_unsubscribe_link: facts.has_unsubscribe_link,
            link_names: facts.links.iter().filter(|name| !name.is_empty()).cloned().collect(),
        }
    }
}

/// A value that a template shows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variable {
    /// Its dotted path, such as `contact.attributes.first_name`.
    pub path: String,
    /// Where it shows it.
    pub place: Place,
    /// Whether the template says what stands there when the value is missing.
    pub defaulted: bool,
}

/// A part of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The subject: a header, seen by every server on the way and on lock screens.
    Subject,
    /// The preheader: shown beside the subject in lists of mails.
    Preheader,
    /// The target of a link: it ends up in logs of browsers and servers.
    Link,
    /// The text itself.
    Body,
}

impl Place {
    const fn of(part: render::Part) -> Self {
        match part {
            render::Part::Subject => Self::Subject,
            render::Part::Preheader => Self::Preheader,
            render::Part::Link => Self::Link,
            render::Part::Body | render::Part::Text | render::Part::Value => Self::Body,
        }
    }

    /// The place as authors call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Preheader => "preheader",
            Self::Link => "link",
            Self::Body => "text",
        }
    }
}

/// What the schema says about an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttributeFacts {
    /// Who may see it.
    pub class: FieldClass,
    /// What kind of value it has.
    #[serde(rename = "type")]
    pub kind: AttributeType,
    /// Every contact has it, so that templates need no default for it.
    #[serde(default)]
    pub required: bool,
}

/// Who may see a field (S25).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldClass {
    /// Anybody.
    Public,
    /// It says who somebody is, and nothing about their health.
    Identifier,
    /// Protected health information. What nobody declared is this.
    Phi,
    /// Health information that takes special care.
    Sensitive,
}

impl FieldClass {
    /// Whether it has to stay out of subjects, preheaders and links.
    pub const fn is_confidential(self) -> bool {
        matches!(self, Self::Phi | Self::Sensitive)
    }

    /// The class as authors call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Identifier => "identifier",
            Self::Phi => "phi",
            Self::Sensitive => "sensitive",
        }
    }
}

/// What kind of value an attribute has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttributeType {
    /// Text.
    String,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A civil date.
    Date,
    /// A point in time.
    Timestamp,
    /// A list.
    List,
    /// An object.
    Object,
}
