//! The database of `carepath dev`: dynoxide in this process, asked in `DynamoDB`'s own wire format.

use dynoxide::actions::transact_write_items::TransactWriteItemsRequest;
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

/// Reads one request, and gives what is left to do: the part that only one can do at a time. `target` is the header
/// `X-Amz-Target`, what the job gives a status and a JSON body.
///
/// Whether the answers of transactions are remembered by their tokens, so that one that is asked for twice is done once: where
/// no answer gets lost on its way nobody asks twice, and to remember each takes as long as the write.
pub(crate) fn prepare(database: &Database, target: &str, body: &[u8], remembers: bool) -> Job {
    let operation = target.rsplit_once('.').map_or(target, |(_, operation)| operation);
    let db = database.clone();
    match operation {
        "PutItem" => job(body, move |request| db.put_item(request)),
        "GetItem" => job(body, move |request| db.get_item(request)),
        "UpdateItem" => job(body, move |request| db.update_item(request)),
        "DeleteItem" => job(body, move |request| db.delete_item(request)),
        "Query" => job(body, move |request| db.query(request)),
        "Scan" => job(body, move |request| db.scan(request)),
        "BatchGetItem" => job(body, move |request| db.batch_get_item(request)),
        "BatchWriteItem" => job(body, move |request| db.batch_write_item(request)),
        "TransactWriteItems" => job(body, move |request: TransactWriteItemsRequest| {
            let client_request_token = request.client_request_token.filter(|_| remembers);
            db.transact_write_items(TransactWriteItemsRequest { client_request_token, ..request })
        }),
        "TransactGetItems" => job(body, move |request| db.transact_get_items(request)),
        "CreateTable" => job(body, move |request| db.create_table(request)),
        "DescribeTable" => job(body, move |request| db.describe_table(request)),
        "DeleteTable" => job(body, move |request| db.delete_table(request)),
        "ListTables" => job(body, move |request| db.list_tables(request)),
        _ => refusal(DynoxideError::SerializationException("UnknownOperationException".to_owned())),
    }
}

/// The part of answering a request that is left when it has been read.
pub(crate) type Job = Box<dyn FnOnce() -> (u16, Vec<u8>) + Send>;

fn job<Q: DeserializeOwned + Send + 'static, A: Serialize>(
    body: &[u8],
    call: impl FnOnce(Q) -> Result<A, DynoxideError> + Send + 'static,
) -> Job {
    // The parser's own message may quote the request, which holds contact data: it is not passed on.
    let Ok(request) = serde_json::from_slice(body) else {
        return refusal(DynoxideError::SerializationException("the request cannot be read".to_owned()));
    };
    Box::new(move || {
        let answer = call(request).and_then(|answer| {
            serde_json::to_vec(&answer)
                .map_err(|_| DynoxideError::InternalServerError("the answer cannot be written".to_owned()))
        });
        answer.map_or_else(|error| refused(&error), |body| (200, body))
    })
}

fn refusal(error: DynoxideError) -> Job {
    Box::new(move || refused(&error))
}

fn refused(error: &DynoxideError) -> (u16, Vec<u8>) {
    (error.status_code(), error.to_json().into_bytes())
}
