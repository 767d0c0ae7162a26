//! DescribeConfigs: configs of topics and brokers, and where their values come from.
//!
//! v1 sources and synonyms · v3 types and documentation.

use crate::wire::message::table::message;

message! {
    DescribeConfigs, versions 0-3;

    /// Of which resources.
    request DescribeConfigsRequest -> DescribeConfigsResponse {
        /// The resources.
        resources: Vec<DescribeConfigsResource> [0+],
        /// Whether the answer has synonyms: the values of all sources.
        include_synonyms: bool [1+],
        /// Whether the answer has the documentation of configs.
        include_documentation: bool [3+],
    }

    /// A resource and the configs wanted of it.
    struct DescribeConfigsResource {
        /// The resource's type, as Kafka numbers it.
        resource_type: i8 [0+],
        /// The resource's name.
        resource_name: String [0+],
        /// Which configs; None for all.
        configuration_keys: Option<Vec<String>> [0+, nullable 0+],
    }

    /// The configs.
    response DescribeConfigsResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
        /// The results.
        results: Vec<DescribeConfigsResult> [0+],
    }

    /// A resource's configs.
    struct DescribeConfigsResult {
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// What went wrong, in words.
        error_message: Option<String> [0+, nullable 0+],
        /// The resource's type, as Kafka numbers it.
        resource_type: i8 [0+],
        /// The resource's name.
        resource_name: String [0+],
        /// The configs.
        configs: Vec<DescribeConfigsResourceResult> [0+],
    }

    /// A config.
    struct DescribeConfigsResourceResult {
        /// The name.
        name: String [0+],
        /// The value.
        value: Option<String> [0+, nullable 0+],
        /// Whether it cannot be changed.
        read_only: bool [0+],
        /// Whether the value is the default.
        is_default: bool [0-0],
        /// Where the value comes from, as Kafka numbers its `ConfigSource`.
        config_source: i8 [1+, ignorable] = -1,
        /// Whether the value is kept secret.
        is_sensitive: bool [0+],
        /// All places the value could come from.
        synonyms: Vec<DescribeConfigsSynonym> [1+, ignorable],
        /// The value's type, as Kafka numbers its `ConfigType`.
        config_type: i8 [3+, ignorable],
        /// What the config is for.
        documentation: Option<String> [3+, nullable 0+, ignorable],
    }

    /// A place that gives the config a value, the strongest first.
    struct DescribeConfigsSynonym {
        /// The name.
        name: String [1+],
        /// The value.
        value: Option<String> [1+, nullable 0+],
        /// Where the value comes from, as Kafka numbers its `ConfigSource`.
        source: i8 [1+],
    }
}
