//! Segments whose conditions name other segments.

use std::collections::{BTreeMap, BTreeSet};

use crate::compile::placed::Placed;
use crate::condition::TestKind;
use crate::ids::SegmentId;
use crate::segment::{Membership, Segment};

/// The segments that the condition of a segment names.
pub fn named_by(segment: &Segment) -> BTreeSet<SegmentId> {
    let Membership::When(condition) = &segment.membership else { return BTreeSet::new() };
    let placed = Placed { condition, pointer: String::new() };
    let named = placed.tests().into_iter().filter_map(|(test, _)| match &test.kind {
        TestKind::Segment(id) => Some(id.clone()),
        TestKind::Value { .. }
        | TestKind::Age { .. }
        | TestKind::Did { .. }
        | TestKind::Engaged { .. }
        | TestKind::Subscribed(_)
        | TestKind::Visited(_) => None,
    });
    named.collect()
}

/// What is wrong with a segment among the others, as far as they are known: its condition leads back to itself, so that
/// who is in it would depend on the order in which one looks.
pub fn goes_round(segment: &Segment, others: &BTreeMap<SegmentId, BTreeSet<SegmentId>>) -> Option<String> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<(SegmentId, Vec<SegmentId>)> =
        named_by(segment).into_iter().map(|id| (id.clone(), vec![id])).collect();
    while let Some((id, way)) = open.pop() {
        if id == segment.id {
            let way = way.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", then ");
            return Some(format!(
                "Who is in `{}` depends on who is in it: its condition leads over {way}. Take one of these tests out.",
                segment.id
            ));
        }
        if seen.insert(id.clone()) {
            let next = others.get(&id).into_iter().flatten();
            open.extend(next.map(|next| (next.clone(), [way.clone(), vec![next.clone()]].concat())));
        }
    }
    None
}
