//! The database of `carepath dev`: dynoxide in this process, asked in `DynamoDB`'s own wire format.

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a crash of the machine may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Durability {
    /// Nothing that was answered: every write is on disk before its answer.
    Full,
    /// The last moments before a power cut; a crash of the process costs nothing.
    Normal,
}

/// Opens the database at a path, and makes it where there is none. Without a path it lives in memory only.
///
/// # Errors
/// Where the file cannot be opened, or is none of dynoxide's.
pub(crate) fn open(path: Option<&str>, durability: Durability) -> Result<Database, DynoxideError> {
    let database = path.map_or_else(Database::memory, Database::new)?;
    match durability {
        // SQLite's own setting for a new connection.
        Durability::Full => {}
        // The end of a bulk load is the one public way to `synchronous = NORMAL`.
        Durability::Normal => database.disable_bulk_loading()?,
    }
    Ok(database)
}

/// Answers one request: `target` is the header `X-Amz-Target`, the answer a status and a JSON body.
pub(crate) fn dispatch(database: &Database, target: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let operation = target.rsplit_once('.').map_or(target, |(_, operation)| operation);
    match answer(database, operation, body) {
        Ok(body) => (200, body),
        Err(error) => (error.status_code(), error.to_json().into_bytes()),
    }
}

fn answer(db: &Database, operation: &str, body: &[u8]) -> Result<Vec<u8>, DynoxideError> {
    match operation {
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
        "DeleteTable" => run(body, |request| db.delete_table(request)),
        "ListTables" => run(body, |request| db.list_tables(request)),
        _ => Err(DynoxideError::SerializationException("UnknownOperationException".to_owned())),
    }
}

fn run<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    call: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Result<Vec<u8>, DynoxideError> {
    // The parser's own message may quote the request, which holds contact data: it is not passed on.
    let request = serde_json::from_slice(body)
        .map_err(|_| DynoxideError::SerializationException("the request cannot be read".to_owned()))?;
    let answer = call(request)?;
    serde_json::to_vec(&answer)
        .map_err(|_| DynoxideError::InternalServerError("the answer cannot be written".to_owned()))
}
