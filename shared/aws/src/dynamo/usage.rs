//! How much the store asks of DynamoDB: requests and capacity units by operation, since the process began.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use aws_sdk_dynamodb::types::ConsumedCapacity;
use serde::Serialize;

/// Requests and capacity by operation of the port.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Usage {
    /// By operation.
    pub by_operation: BTreeMap<&'static str, OperationUsage>,
}

/// What one operation has asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct OperationUsage {
    /// Requests, those of the SDK's own retries not counted.
    pub requests: u64,
    /// Read capacity units.
    pub read_units: f64,
    /// Write capacity units, those of indexes included.
    pub write_units: f64,
}

#[derive(Debug, Default)]
pub(super) struct Meter(Mutex<Usage>);

impl Meter {
    pub(super) fn read(&self, operation: &'static str, capacity: &[&ConsumedCapacity]) {
        self.count(operation, capacity, |usage| &mut usage.read_units);
    }

    pub(super) fn write(&self, operation: &'static str, capacity: &[&ConsumedCapacity]) {
        self.count(operation, capacity, |usage| &mut usage.write_units);
    }

    fn count(
        &self,
        operation: &'static str,
        capacity: &[&ConsumedCapacity],
        units: impl Fn(&mut OperationUsage) -> &mut f64,
    ) {
        let mut usage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = usage.by_operation.entry(operation).or_default();
        entry.requests += 1;
        *units(entry) += capacity.iter().filter_map(|one| one.capacity_units()).sum::<f64>();
    }

    pub(super) fn usage(&self) -> Usage {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
