//! Where in a text the values of a document stand.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

/// A place in a text, counted from 1, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The line.
    pub(crate) line: u64,
    /// The column that it begins at.
    pub(crate) column: u64,
    /// The column after its last one, where it is on one line and that is known.
    pub(crate) end: Option<u64>,
}

/// The places of a document, by JSON Pointer: a field stands where its name does, an entry of a list where it begins.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places(BTreeMap<String, Place>);

impl Places {
    /// The places in a text of YAML, which JSON is, too. None where it cannot be read.
    pub(crate) fn of(text: &str) -> Self {
        let mut places = BTreeMap::new();
        let Ok(root) = serde_saphyr::from_str::<Spanned<Tree>>(text) else { return Self::default() };
        let mut open = vec![(String::new(), root.referenced, None, root.value)];
        while let Some((pointer, at, length, tree)) = open.pop() {
            match tree {
                Tree::Leaf => {}
                Tree::List(items) => open.extend(
                    items
                        .into_iter()
                        .enumerate()
                        .map(|(n, item)| (format!("{pointer}/{n}"), item.referenced, None, item.value)),
                ),
                Tree::Map(fields) => open.extend(fields.into_iter().map(|(name, value)| {
                    let token = name.value.replace('~', "~0").replace('/', "~1");
                    (format!("{pointer}/{token}"), name.referenced, Some(name.referenced.span().len()), value.value)
                })),
            }
            if at != Location::UNKNOWN {
                let end = length.filter(|length| *length > 0).map(|length| at.column() + length);
                places.insert(pointer, Place { line: at.line(), column: at.column(), end });
            }
        }
        Self(places)
    }

    /// Where a pointer leads: the place itself, or that of what it would stand in.
    pub(crate) fn find(&self, pointer: &str) -> Option<Place> {
        let mut pointer = pointer;
        loop {
            if let Some(place) = self.0.get(pointer) {
                return Some(*place);
            }
            pointer = pointer.rsplit_once('/')?.0;
        }
    }
}

/// The shape of a document, with the places of its parts.
enum Tree {
    Leaf,
    List(Vec<Spanned<Tree>>),
    Map(Vec<(Spanned<String>, Spanned<Tree>)>),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a document")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_str<E>(self, _: &str) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Tree::Map(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, pointer: &str) -> Option<(u64, u64, Option<u64>)> {
        Places::of(text).find(pointer).map(|place| (place.line, place.column, place.end))
    }

    const TEXT: &str = "# A comment.\nid: a\nsteps:\n  first:\n    send: { template: x }\n    next: nowhere\n  list:\n    - { when: 1 }\n    - when: 2\n";

    #[test]
    fn a_pointer_leads_to_the_name_of_a_field_and_to_the_beginning_of_an_entry() {
        assert_eq!(at(TEXT, "/steps/first/next"), Some((6, 5, Some(9))));
        assert_eq!(at(TEXT, "/steps/first/send/template"), Some((5, 13, Some(21))));
        assert_eq!(at(TEXT, "/steps/list/1"), Some((9, 7, None)));
        assert_eq!(at(TEXT, "/steps/list/0/when"), Some((8, 9, Some(13))));
        assert_eq!(at(TEXT, "").map(|(line, ..)| line), Some(2));
    }

    #[test]
    fn what_is_missing_is_found_where_it_should_have_been() {
        assert_eq!(at(TEXT, "/steps/first/wait/for").map(|(line, ..)| line), Some(4));
        assert_eq!(at("a: [", "/a"), None);
    }

    #[test]
    fn json_has_places_too_and_names_may_hold_anything() {
        let text = "{\n  \"a/b\": { \"x~\": [1, 2] },\n  \"über\": true\n}";
        assert_eq!(at(text, "/a~1b/x~0/1").map(|(line, column, _)| (line, column)), Some((2, 22)));
        assert_eq!(at(text, "/über").map(|(line, ..)| line), Some(3));
    }

    #[test]
    fn what_an_anchor_repeats_is_found_where_it_is_repeated() {
        assert_eq!(at("a: &x { b: 1 }\nc: *x\n", "/c").map(|(line, ..)| line), Some(2));
    }
}
