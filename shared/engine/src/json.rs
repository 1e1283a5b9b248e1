//! JSON in which every name of an object is given once.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Why a text is not read.
#[derive(Debug)]
pub struct NotRead {
    /// What the parser says, and where it stopped. The text of it may repeat what was read.
    pub error: serde_json::Error,
    /// The way to the name that is given twice, with that name at its end, where this is why.
    pub twice: Option<Vec<Part>>,
}

/// A part of a way into a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A field of an object.
    Name(String),
    /// An item of a list, counted from 0.
    Item(usize),
}

/// Reads JSON. A name that an object gives twice is a fault: which of the two values counts would be anybody's guess.
///
/// # Errors
/// [`NotRead`] for that, and for what is no JSON.
pub fn read(text: &[u8]) -> Result<Value, NotRead> {
    let twice = Cell::new(None);
    let mut parser = serde_json::Deserializer::from_slice(text);
    let read = Unique { way: Way::Root, twice: &twice }.deserialize(&mut parser);
    let read = read.and_then(|value| parser.end().map(|()| value));
    read.map_err(|error| NotRead { error, twice: twice.take() })
}

/// Where a value stands.
#[derive(Clone, Copy)]
enum Way<'w> {
    Root,
    Name(&'w Way<'w>, &'w str),
    Item(&'w Way<'w>, usize),
}

impl Way<'_> {
    fn parts(&self) -> Vec<Part> {
        let (mut parts, mut at) = (Vec::new(), self);
        loop {
            at = match at {
                Way::Root => break,
                Way::Name(before, name) => {
                    parts.push(Part::Name((*name).to_owned()));
                    before
                }
                Way::Item(before, place) => {
                    parts.push(Part::Item(*place));
                    before
                }
            };
        }
        parts.reverse();
        parts
    }
}

struct Unique<'w> {
    way: Way<'w>,
    twice: &'w Cell<Option<Vec<Part>>>,
}

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(flag.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Number::from_f64(number).map(Value::Number).ok_or_else(|| E::custom("not a number of JSON"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) =
            list.next_element_seed(Unique { way: Way::Item(&self.way, items.len()), twice: self.twice })?
        {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let way = Way::Name(&self.way, &name);
            if fields.contains_key(&name) {
                self.twice.set(Some(way.parts()));
                return Err(A::Error::custom(format!("`{name}` is given twice; keep one of them")));
            }
            let value = map.next_value_seed(Unique { way, twice: self.twice })?;
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::{Part, read};

    fn name(text: &str) -> Part {
        Part::Name(text.to_owned())
    }

    #[test]
    fn a_name_that_is_given_twice_is_a_fault_at_any_depth() {
        let not_read = read(b"{\n  \"a\": [1, { \"b\": 1, \"c\": {}, \"b\": 2 }]\n}").unwrap_err();
        assert!(not_read.error.to_string().contains("`b` is given twice"), "{not_read:?}");
        assert_eq!(not_read.error.line(), 2);
        assert_eq!(not_read.twice.unwrap(), [name("a"), Part::Item(1), name("b")]);
        // However it is written.
        assert_eq!(read(br#"{ "a": 1, "\u0061": 1 }"#).unwrap_err().twice.unwrap(), [name("a")]);
    }

    #[test]
    fn what_is_read_is_what_it_says() {
        let text = r#"{ "a": [1, -2, 1.5, true, null, "x\n"], "b": { "a": 18446744073709551615, "": {} } }"#;
        assert_eq!(read(text.as_bytes()).unwrap(), serde_json::from_str::<serde_json::Value>(text).unwrap());
    }

    #[test]
    fn what_is_no_json_is_not_read_and_nothing_is_twice_in_it() {
        let deep = "[".repeat(200);
        for text in ["", "{", "{} x", "{\"a\": 1,}", "[1e999]", "{1: 2}", deep.as_str()] {
            assert!(read(text.as_bytes()).unwrap_err().twice.is_none(), "{text}");
        }
    }
}
