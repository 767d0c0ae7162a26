//! Configs of topics, brokers and loggers, described.
//!
//! Kafka: `DescribeConfigsOptions`, `DescribeConfigsResult`.

use super::Admin;
use super::config_entry::{Config, ConfigEntry, ConfigResource, ConfigSource, ConfigSynonym};
use super::item_api::ItemApi;
use super::item_results::{AnsweredItems, ItemResults};
use crate::client::error::ClientError;
use crate::client::metadata::Target;
use crate::config::rows::ConfigType;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult, DescribeConfigsResponse,
};

/// What is described of each config beside its value.
#[derive(Clone, Copy, Debug, Default)]
pub struct DescribeConfigsOptions {
    include_synonyms: bool,
    include_documentation: bool,
}

impl DescribeConfigsOptions {
    /// Asks for the values of all sources.
    pub fn include_synonyms(self) -> Self {
        Self { include_synonyms: true, ..self }
    }

    /// Asks what each config means (KIP-569).
    pub fn include_documentation(self) -> Self {
        Self { include_documentation: true, ..self }
    }
}

impl Admin {
    /// The configs of resources. Those of a broker are asked of that broker.
    ///
    /// Errors of a resource: it does not exist, the caller may not describe its configs.
    pub async fn describe_configs(
        &self,
        resources: impl IntoIterator<Item = ConfigResource>,
        options: DescribeConfigsOptions,
    ) -> ItemResults<ConfigResource, Config> {
        self.call_each(&DescribeConfigsApi(options), resources).await
    }
}

struct DescribeConfigsApi(DescribeConfigsOptions);

impl ItemApi for DescribeConfigsApi {
    type Item = ConfigResource;
    type Outcome = Config;
    type Request = DescribeConfigsRequest;

    const PASSING: &'static [ErrorCode] = &[];

    fn target(&self, resource: &ConfigResource) -> Target {
        resource.target()
    }

    fn request(&self, resources: &[ConfigResource], _: i32) -> DescribeConfigsRequest {
        let resource = |it: &ConfigResource| DescribeConfigsResource {
            resource_type: it.resource_type as i8,
            resource_name: it.name.clone(),
            configuration_keys: None,
        };
        DescribeConfigsRequest {
            resources: resources.iter().map(resource).collect(),
            include_synonyms: self.0.include_synonyms,
            include_documentation: self.0.include_documentation,
        }
    }

    fn read(
        &self,
        _: &[ConfigResource],
        answer: DescribeConfigsResponse,
        found: &mut AnsweredItems<ConfigResource, Config>,
    ) -> Result<(), ClientError> {
        for it in answer.results {
            let Some(resource) = ConfigResource::of_answer(it.resource_type, &it.resource_name) else {
                continue;
            };
            let config = it.configs.into_iter().map(entry).collect();
            found.insert_checked(&resource, it.error_code, it.error_message.as_deref(), config);
        }
        Ok(())
    }
}

fn entry(it: DescribeConfigsResourceResult) -> ConfigEntry {
    // Before version 1 there is no source, but whether the value is the default.
    let source =
        if it.is_default { ConfigSource::DefaultConfig } else { ConfigSource::from_code(it.config_source) };
    let synonyms = it.synonyms.into_iter().map(|synonym| ConfigSynonym {
        name: synonym.name,
        value: synonym.value,
        source: ConfigSource::from_code(synonym.source),
    });
    ConfigEntry {
        name: it.name,
        value: it.value,
        source,
        is_sensitive: it.is_sensitive,
        is_read_only: it.read_only,
        synonyms: synonyms.collect(),
        config_type: ConfigType::from_id(it.config_type),
        documentation: it.documentation,
    }
}
