//! Configs of topics, brokers and loggers, changed.
//!
//! Kafka: `AlterConfigOp`, `AlterConfigsOptions`, `AlterConfigsResult`.

use std::collections::BTreeMap;

use super::Admin;
use super::config_entry::ConfigResource;
use super::item_api::ItemApi;
use super::item_results::{AnsweredItems, ItemResults};
use crate::client::error::ClientError;
use crate::client::metadata::Target;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterConfigsResponse, AlterableConfig,
};
use crate::wire::message::incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResource, IncrementalAlterConfigsResponse,
    IncrementalAlterableConfig,
};

/// A change to one config (KIP-339).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterConfigOp {
    name: String,
    /// As the protocol numbers Kafka's `AlterConfigOp.OpType`.
    operation: i8,
    value: Option<String>,
}

impl AlterConfigOp {
    /// Sets the value.
    pub fn set(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), operation: 0, value: Some(value.into()) }
    }

    /// Removes the value, so that the default is in force again.
    pub fn delete(name: impl Into<String>) -> Self {
        Self { name: name.into(), operation: 1, value: None }
    }

    /// Adds values, with commas between them, to a config that is a list.
    pub fn append(name: impl Into<String>, values: impl Into<String>) -> Self {
        Self { name: name.into(), operation: 2, value: Some(values.into()) }
    }

    /// Removes values, with commas between them, from a config that is a list.
    pub fn subtract(name: impl Into<String>, values: impl Into<String>) -> Self {
        Self { name: name.into(), operation: 3, value: Some(values.into()) }
    }
}

/// How configs are changed.
#[derive(Clone, Copy, Debug, Default)]
pub struct AlterConfigsOptions {
    validate_only: bool,
}

impl AlterConfigsOptions {
    /// Checks the changes without making them.
    pub fn validate_only(self) -> Self {
        Self { validate_only: true }
    }
}

impl Admin {
    /// Changes single configs of resources; what is not named stays as it is. A broker's are sent to that broker.
    ///
    /// Errors of a resource: it does not exist, a key or a value is none, the caller may not change its configs.
    pub async fn incremental_alter_configs(
        &self,
        changes: impl IntoIterator<Item = (ConfigResource, Vec<AlterConfigOp>)>,
        options: AlterConfigsOptions,
    ) -> ItemResults<ConfigResource, ()> {
        let changes: BTreeMap<_, _> = changes.into_iter().collect();
        let resources: Vec<_> = changes.keys().cloned().collect();
        self.call_each(&IncrementalAlterConfigsApi { changes, options }, resources).await
    }

    /// Replaces all configs of resources: a config that is not named is set back to its default. For brokers before
    /// 2.3; [`Admin::incremental_alter_configs`] cannot undo the change of another client.
    ///
    /// Errors of a resource: as there.
    pub async fn alter_configs(
        &self,
        configs: impl IntoIterator<Item = (ConfigResource, BTreeMap<String, String>)>,
        options: AlterConfigsOptions,
    ) -> ItemResults<ConfigResource, ()> {
        let configs: BTreeMap<_, _> = configs.into_iter().collect();
        let resources: Vec<_> = configs.keys().cloned().collect();
        self.call_each(&AlterConfigsApi { configs, options }, resources).await
    }
}

struct IncrementalAlterConfigsApi {
    changes: BTreeMap<ConfigResource, Vec<AlterConfigOp>>,
    options: AlterConfigsOptions,
}

impl ItemApi for IncrementalAlterConfigsApi {
    type Item = ConfigResource;
    type Outcome = ();
    type Request = IncrementalAlterConfigsRequest;

    const PASSING: &'static [ErrorCode] = &[];

    fn target(&self, resource: &ConfigResource) -> Target {
        resource.target()
    }

    fn request(&self, resources: &[ConfigResource], _: i32) -> IncrementalAlterConfigsRequest {
        let change = |it: &AlterConfigOp| IncrementalAlterableConfig {
            name: it.name.clone(),
            config_operation: it.operation,
            value: it.value.clone(),
        };
        let resource = |it: &ConfigResource| IncrementalAlterConfigsResource {
            resource_type: it.resource_type as i8,
            resource_name: it.name.clone(),
            configs: self.changes.get(it).into_iter().flatten().map(change).collect(),
        };
        IncrementalAlterConfigsRequest {
            resources: resources.iter().map(resource).collect(),
            validate_only: self.options.validate_only,
        }
    }

    fn read(
        &self,
        _: &[ConfigResource],
        answer: IncrementalAlterConfigsResponse,
        found: &mut AnsweredItems<ConfigResource, ()>,
    ) -> Result<(), ClientError> {
        for it in answer.responses {
            read_resource(it.resource_type, &it.resource_name, it.error_code, it.error_message, found);
        }
        Ok(())
    }
}

struct AlterConfigsApi {
    configs: BTreeMap<ConfigResource, BTreeMap<String, String>>,
    options: AlterConfigsOptions,
}

impl ItemApi for AlterConfigsApi {
    type Item = ConfigResource;
    type Outcome = ();
    type Request = AlterConfigsRequest;

    const PASSING: &'static [ErrorCode] = &[];

    fn target(&self, resource: &ConfigResource) -> Target {
        resource.target()
    }

    fn request(&self, resources: &[ConfigResource], _: i32) -> AlterConfigsRequest {
        let config = |(name, value): (&String, &String)| AlterableConfig {
            name: name.clone(),
            value: Some(value.clone()),
        };
        let resource = |it: &ConfigResource| AlterConfigsResource {
            resource_type: it.resource_type as i8,
            resource_name: it.name.clone(),
            configs: self.configs.get(it).into_iter().flatten().map(config).collect(),
        };
        AlterConfigsRequest {
            resources: resources.iter().map(resource).collect(),
            validate_only: self.options.validate_only,
        }
    }

    fn read(
        &self,
        _: &[ConfigResource],
        answer: AlterConfigsResponse,
        found: &mut AnsweredItems<ConfigResource, ()>,
    ) -> Result<(), ClientError> {
        for it in answer.responses {
            read_resource(it.resource_type, &it.resource_name, it.error_code, it.error_message, found);
        }
        Ok(())
    }
}

/// The outcome of one resource, which both APIs answer alike.
fn read_resource(
    resource_type: i8,
    name: &str,
    error_code: i16,
    message: Option<String>,
    found: &mut AnsweredItems<ConfigResource, ()>,
) {
    if let Some(resource) = ConfigResource::of_answer(resource_type, name) {
        found.insert_checked(&resource, error_code, message.as_deref(), ());
    }
}
