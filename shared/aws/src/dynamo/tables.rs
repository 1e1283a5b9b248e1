//! The tables, for one machine and for tests. On AWS the CDK app makes them.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType,
};
use carepath_app::ports::{Retry, StoreError};

use super::error::store_error;
use super::keys::{DUE_INDEX, EMAIL_INDEX, attr};
use super::Tables;

/// Makes the tables that are not there yet.
pub(super) async fn create(client: &Client, tables: &Tables) -> Result<(), StoreError> {
    create_one(client, &tables.contacts, &[(DUE_INDEX, attr::DUE_PK, Some(attr::DUE_SK)), (EMAIL_INDEX, attr::EMAIL, None)])
        .await?;
    create_one(client, &tables.runs, &[(DUE_INDEX, attr::DUE_PK, Some(attr::DUE_SK))]).await?;
    create_one(client, &tables.config, &[]).await
}

type Index<'a> = (&'a str, &'a str, Option<&'a str>);

async fn create_one(client: &Client, table: &str, indexes: &[Index<'_>]) -> Result<(), StoreError> {
    let build = |_| StoreError { what: "describe a table", retry: Retry::Never, source: None };
    let mut request = client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(schema(attr::PK, KeyType::Hash).map_err(build)?)
        .key_schema(schema(attr::SK, KeyType::Range).map_err(build)?)
        .attribute_definitions(definition(attr::PK).map_err(build)?)
        .attribute_definitions(definition(attr::SK).map_err(build)?);
    for (name, hash, range) in indexes {
        let mut index = GlobalSecondaryIndex::builder()
            .index_name(*name)
            .key_schema(schema(hash, KeyType::Hash).map_err(build)?)
            .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build());
        request = request.attribute_definitions(definition(hash).map_err(build)?);
        if let Some(range) = range {
            index = index.key_schema(schema(range, KeyType::Range).map_err(build)?);
            request = request.attribute_definitions(definition(range).map_err(build)?);
        }
        request = request.global_secondary_indexes(index.build().map_err(build)?);
    }
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_in_use_exception()) => Ok(()),
        Err(error) => Err(store_error("create a table", &error)),
    }
}

type Built<T> = Result<T, aws_sdk_dynamodb::error::BuildError>;

fn schema(name: &str, kind: KeyType) -> Built<KeySchemaElement> {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
}

fn definition(name: &str) -> Built<AttributeDefinition> {
    AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build()
}
