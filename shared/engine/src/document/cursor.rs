//! A cursor over a JSON value that notes what is wrong and goes on.

use serde_json::{Map, Value};

use super::distance::closest;
use super::faults::{Faults, quote};

/// A value of a document and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct At<'d> {
    pub(crate) value: &'d Value,
    pub(crate) pointer: String,
}

/// The fields of an object. What is asked for is what it may have: [`Fields::finish`] reports the rest.
#[derive(Debug)]
pub(crate) struct Fields<'d> {
    map: &'d Map<String, Value>,
    pub(crate) pointer: String,
    asked: Vec<&'static str>,
}

/// One more step of a JSON Pointer.
pub(crate) fn below(pointer: &str, token: &str) -> String {
    format!("{pointer}/{}", token.replace('~', "~0").replace('/', "~1"))
}

/// The type of a value as authors call it.
pub(crate) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing (null)",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

impl<'d> At<'d> {
    /// The whole document.
    pub(crate) fn root(value: &'d Value) -> Self {
        Self { value, pointer: String::new() }
    }

    fn child(&self, token: &str, value: &'d Value) -> Self {
        Self { value, pointer: below(&self.pointer, token) }
    }

    /// Notes that the value has another type than `wanted`.
    pub(crate) fn wrong(&self, faults: &mut Faults, wanted: &str) {
        faults.error("D003", &*self.pointer, format!("This has to be {wanted}, and is {}.", type_of(self.value)));
    }

    /// Notes a value that cannot be taken.
    pub(crate) fn bad(&self, faults: &mut Faults, message: impl Into<String>) {
        faults.error("D004", &*self.pointer, message);
    }

    /// The value as an object.
    pub(crate) fn fields(&self, faults: &mut Faults, wanted: &str) -> Option<Fields<'d>> {
        let Value::Object(map) = self.value else {
            self.wrong(faults, wanted);
            return None;
        };
        Some(Fields { map, pointer: self.pointer.clone(), asked: Vec::new() })
    }

    /// The value as a list that has at least one entry.
    pub(crate) fn items(&self, faults: &mut Faults, wanted: &str) -> Option<Vec<Self>> {
        let Value::Array(list) = self.value else {
            self.wrong(faults, wanted);
            return None;
        };
        if list.is_empty() {
            self.bad(faults, format!("This list is empty; it has to be {wanted}."));
            return None;
        }
        Some(list.iter().enumerate().map(|(index, value)| self.child(&index.to_string(), value)).collect())
    }

    /// The entries of an object of free names.
    pub(crate) fn entries(&self, faults: &mut Faults, wanted: &str) -> Option<Vec<(&'d str, Self)>> {
        let Value::Object(map) = self.value else {
            self.wrong(faults, wanted);
            return None;
        };
        Some(map.iter().map(|(name, value)| (name.as_str(), self.child(name, value))).collect())
    }

    /// The value as text.
    pub(crate) fn text(&self, faults: &mut Faults, wanted: &str) -> Option<&'d str> {
        let text = self.value.as_str();
        if text.is_none() {
            self.wrong(faults, wanted);
        }
        text
    }

    /// The value as `true` or `false`.
    pub(crate) fn flag(&self, faults: &mut Faults) -> Option<bool> {
        let flag = self.value.as_bool();
        if flag.is_none() {
            self.wrong(faults, "true or false");
        }
        flag
    }

    /// The value as a whole number in a range.
    pub(crate) fn whole(&self, faults: &mut Faults, least: u32, most: u32) -> Option<u32> {
        if !self.value.is_number() {
            self.wrong(faults, "a whole number");
            return None;
        }
        let number = self.value.as_u64().and_then(|number| u32::try_from(number).ok());
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.bad(faults, format!("This has to be a whole number from {least} to {most}."));
        }
        number
    }

    /// The value as one of some words.
    pub(crate) fn choice<T: Copy>(&self, faults: &mut Faults, choices: &[(&'static str, T)]) -> Option<T> {
        let names = || choices.iter().map(|(name, _)| *name);
        let list = names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let text = self.text(faults, &format!("one of {list}"))?;
        let found = choices.iter().find(|(name, _)| *name == text).map(|(_, choice)| *choice);
        if found.is_none() {
            let hint = closest(text, names()).map(|name| format!(" Did you mean `{name}`?")).unwrap_or_default();
            self.bad(faults, format!("{} is not one of {list}.{hint}", quote(text)));
        }
        found
    }
}

impl<'d> Fields<'d> {
    /// A field that may be missing.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<At<'d>> {
        self.asked.push(name);
        let value = self.map.get(name)?;
        Some(At { value, pointer: below(&self.pointer, name) })
    }

    /// A field that has to be there.
    pub(crate) fn need(&mut self, faults: &mut Faults, name: &'static str, what: &str) -> Option<At<'d>> {
        let field = self.take(name);
        if field.is_none() {
            self.lacks(faults, name, what);
        }
        field
    }

    /// Notes that a field is missing.
    pub(crate) fn lacks(&self, faults: &mut Faults, name: &str, what: &str) {
        faults.error("D002", &*self.pointer, format!("`{name}` is missing: add {what}."));
    }

    /// Whether the object has a field, without asking for it.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// The one of `names` that is there. None or several is a fault.
    pub(crate) fn exactly_one(
        &mut self,
        faults: &mut Faults,
        names: &[&'static str],
        what: &str,
    ) -> Option<&'static str> {
        let present: Vec<&'static str> = names.iter().copied().filter(|name| self.map.contains_key(*name)).collect();
        if let [one] = present[..] {
            return Some(one);
        }
        let list = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let message = if present.is_empty() {
            let guess = self.map.keys().find_map(|key| {
                closest(key, names.iter().copied()).map(|name| format!(" Did you mean `{name}` by {}?", quote(key)))
            });
            format!("{what} needs exactly one of {list}, and has none.{}", guess.unwrap_or_default())
        } else {
            let several = present.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
            format!("{what} takes exactly one of {list}, and has {several}: keep one of them.")
        };
        // What is not told apart is not read on, so its fields are not called unknown either.
        self.asked.extend(names);
        faults.error("D005", &*self.pointer, message);
        None
    }

    /// Reports every field that was not asked for.
    pub(crate) fn finish(self, faults: &mut Faults) {
        self.finish_with(faults, |_| None);
    }

    /// The same, where some fields are known to belong somewhere else.
    pub(crate) fn finish_with(self, faults: &mut Faults, hint: impl Fn(&str) -> Option<&'static str>) {
        for key in self.map.keys().filter(|key| !self.asked.contains(&key.as_str())) {
            if faults.is_full() {
                return;
            }
            let mend = if let Some(hint) = hint(key) {
                hint.to_owned()
            } else if let Some(name) = closest(key, self.asked.iter().copied()) {
                format!("Did you mean `{name}`?")
            } else {
                let list = self.asked.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                format!("Take it out; what may stand here is {list}.")
            };
            faults.error("D001", below(&self.pointer, key), format!("There is no field {} here. {mend}", quote(key)));
        }
    }
}
