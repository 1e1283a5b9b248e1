//! DynamoDB in this process: dynoxide over a SQLite file, asked through the real SDK.

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How much a commit is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Durability {
    /// Every commit is on the disk before it is answered: survives the loss of power.
    Full,
    /// Commits survive the death of the process, not of the power.
    Normal,
}

/// Opens the database file at `path`, making it where it is not there.
///
/// # Errors
/// Where the file cannot be opened or is no database.
pub fn open(path: &str, durability: Durability) -> Result<Database, DynoxideError> {
    let database = Database::new(path)?;
    if durability == Durability::Normal {
        database.disable_bulk_loading()?;
    }
    Ok(database)
}

/// Answers one request as DynamoDB would, by its `X-Amz-Target`.
pub fn dispatch(db: &Database, target: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let operation = target.split('.').next_back().unwrap_or_default();
    let answer = match operation {
        "PutItem" => run(body, |request| db.put_item(request)),
        "GetItem" => run(body, |request| db.get_item(request)),
        "UpdateItem" => run(body, |request| db.update_item(request)),
        "DeleteItem" => run(body, |request| db.delete_item(request)),
        "Query" => run(body, |request| db.query(request)),
        "Scan" => run(body, |request| db.scan(request)),
        "BatchGetItem" => run(body, |request| db.batch_get_item(request)),
        "BatchWriteItem" => run(body, |request| db.batch_write_item(request)),
        "TransactWriteItems" => run(body, |request| db.transact_write_items(request)),
        "TransactGetItems" => run(body, |request| db.transact_get_items(request)),
        "CreateTable" => run(body, |request| db.create_table(request)),
        "DescribeTable" => run(body, |request| db.describe_table(request)),
        "ListTables" => run(body, |request| db.list_tables(request)),
        _ => Err(DynoxideError::ValidationException(format!("{operation} is not served here"))),
    };
    match answer {
        Ok(json) => (200, json),
        Err(error) => (error.status_code(), error.to_json().into_bytes()),
    }
}

fn run<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    operation: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Result<Vec<u8>, DynoxideError> {
    let request =
        serde_json::from_slice(body).map_err(|error| DynoxideError::ValidationException(error.to_string()))?;
    serde_json::to_vec(&operation(request)?).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}
