//! The tables, for one machine and for tests. In AWS they are part of the stack.

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType,
};
use carepath_app::ports::StoreError;

use super::error::{self, Cause, never};
use super::{Inner, commit};

const WHAT: &str = "create a table";

pub(super) async fn create(store: &Inner) -> Result<(), StoreError> {
    let due = ("due", "dpk", Some("dsk"));
    let email = ("email", "epk", None);
    let unknown = ("unknown", "upk", Some("usk"));
    let of_contacts = (&store.contacts, &[due, email][..]);
    let of_runs = (&store.runs, &[due, unknown][..]);
    for (name, indexes) in [of_contacts, of_runs, (&store.config, &[][..]), (&store.reports, &[][..])] {
        let request =
            table(store, name, indexes).map_err(|_| never(WHAT, Cause::Refused("a request could not be built")))?;
        if let Err(failure) = request.send().await
            && !failure.as_service_error().is_some_and(|said| commit::is(said, "ResourceInUseException"))
        {
            return Err(error::read(WHAT, &failure));
        }
    }
    Ok(())
}

type Index = (&'static str, &'static str, Option<&'static str>);

fn table(store: &Inner, name: &str, indexes: &[Index]) -> Result<CreateTableFluentBuilder, BuildError> {
    let mut table = store
        .client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute("pk")?)
        .attribute_definitions(attribute("sk")?)
        .key_schema(key("pk", KeyType::Hash)?)
        .key_schema(key("sk", KeyType::Range)?);
    for (name, hash, range) in indexes {
        let mut index = GlobalSecondaryIndex::builder()
            .index_name(*name)
            .key_schema(key(hash, KeyType::Hash)?)
            .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build());
        table = table.attribute_definitions(attribute(hash)?);
        if let Some(range) = range {
            table = table.attribute_definitions(attribute(range)?);
            index = index.key_schema(key(range, KeyType::Range)?);
        }
        table = table.global_secondary_indexes(index.build()?);
    }
    Ok(table)
}

fn attribute(name: &str) -> Result<AttributeDefinition, BuildError> {
    AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build()
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement, BuildError> {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
}
