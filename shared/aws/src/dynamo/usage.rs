//! What the store costs: requests and capacity units, by operation of the port.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use aws_sdk_dynamodb::types::ConsumedCapacity;
use serde::Serialize;

/// Requests and capacity units since the store was opened.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Usage {
    /// By operation of the port.
    pub by_operation: BTreeMap<&'static str, OperationUsage>,
}

/// Requests and capacity units of one operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct OperationUsage {
    /// Requests that were answered; the SDK's own repeats are not counted.
    pub requests: u64,
    /// Read units, indexes included.
    pub read_units: f64,
    /// Write units, indexes included.
    pub write_units: f64,
}

#[derive(Debug, Default)]
pub(super) struct Counter(Mutex<Usage>);

impl Counter {
    pub(super) fn read<'a>(&self, what: &'static str, capacity: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        let units = total(capacity);
        self.add(what, |usage| usage.read_units += units);
    }

    pub(super) fn write<'a>(&self, what: &'static str, capacity: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        let units = total(capacity);
        self.add(what, |usage| usage.write_units += units);
    }

    fn add(&self, what: &'static str, units: impl FnOnce(&mut OperationUsage)) {
        let mut usage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let operation = usage.by_operation.entry(what).or_default();
        operation.requests += 1;
        units(operation);
    }

    pub(super) fn snapshot(&self) -> Usage {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn total<'a>(capacity: impl IntoIterator<Item = &'a ConsumedCapacity>) -> f64 {
    capacity.into_iter().filter_map(ConsumedCapacity::capacity_units).sum()
}
