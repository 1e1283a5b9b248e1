//! Payloads that are packed where that makes a write cheaper.
//!
//! A write costs a unit for each kilobyte that the item has begun, and runs are JSON that repeats itself: deflated, they have a
//! third of their size. What fits into the same number of kilobytes as it is stays readable.

use std::io::{Read as _, Write as _};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::items::{Item, MOST_BYTES};

/// What a write unit covers.
const UNIT: usize = 1024;

/// A payload, packed where that saves units. `beside` is what the rest of the item has in bytes.
pub(super) fn pack(payload: String, beside: usize) -> AttributeValue {
    let units = |bytes: usize| (beside + bytes).div_ceil(UNIT);
    if units(payload.len()) <= 1 {
        return AttributeValue::S(payload);
    }
    match deflated(payload.as_bytes()) {
        Some(packed) if units(packed.len()) < units(payload.len()) => AttributeValue::B(Blob::new(packed)),
        Some(_) | None => AttributeValue::S(payload),
    }
}

/// Writing into memory does not fail; should it, the payload stays as it is.
fn deflated(payload: &[u8]) -> Option<Vec<u8>> {
    let mut packer = DeflateEncoder::new(Vec::with_capacity(payload.len() / 2), Compression::fast());
    packer.write_all(payload).ok()?;
    packer.finish().ok()
}

/// The text of a packed payload. `None` where it is none, or more than any item may have.
pub(super) fn unpack(packed: &[u8]) -> Option<String> {
    let mut text = String::new();
    let read = DeflateDecoder::new(packed).take(MOST_BYTES as u64 + 1).read_to_string(&mut text).ok()?;
    (read <= MOST_BYTES).then_some(text)
}

/// How many bytes of an item's attributes count, names included, as `DynamoDB` counts them.
pub(super) fn size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + size_of(value)).sum()
}

/// Our items have texts, bytes and numbers; a number has two digits a byte, and one byte for its sign and exponent.
fn size_of(value: &AttributeValue) -> usize {
    let text = value.as_s().map(String::len);
    let bytes = text.or_else(|_| value.as_b().map(|bytes| bytes.as_ref().len()));
    bytes.or_else(|_| value.as_n().map(|number| number.len().div_ceil(2) + 1)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn payload(bytes: usize) -> String {
        r#"{"a":"2026-11-24T10:00:00Z"},"#.chars().cycle().take(bytes).collect()
    }

    #[test]
    fn what_fits_into_one_unit_stays_readable() {
        assert_eq!(pack(payload(1_000), 24), AttributeValue::S(payload(1_000)));
    }

    #[test]
    fn what_would_cost_a_unit_more_is_packed_and_comes_out_as_it_was() {
        for bytes in [1_001, 5_000, MOST_BYTES] {
            let AttributeValue::B(packed) = pack(payload(bytes), 24) else { panic!("{bytes} bytes are not packed") };
            assert!(packed.as_ref().len() < bytes / 2);
            assert_eq!(unpack(packed.as_ref()), Some(payload(bytes)));
        }
    }

    #[test]
    fn what_cannot_be_packed_smaller_stays_readable() {
        let mut seed = 1_u64;
        let mut noise = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 56) as u8
        };
        // Three quarters of its size are still two kilobytes.
        let noise = STANDARD.encode((0..1_500).map(|_| noise()).collect::<Vec<_>>());
        assert_eq!(pack(noise.clone(), 24), AttributeValue::S(noise));
    }

    #[test]
    fn what_is_no_payload_or_too_large_is_none() {
        assert_eq!(unpack(b"not deflated"), None);
        let bomb = deflated(payload(MOST_BYTES + 1).as_bytes()).unwrap();
        assert_eq!(unpack(&bomb), None);
    }
}
