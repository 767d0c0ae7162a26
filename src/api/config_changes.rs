//! What AlterConfigs and IncrementalAlterConfigs share: the entity of a resource, its own configs, and their
//! replacement.
//!
//! Kafka: `AdminManager.alterConfigs`, `DynamicBrokerConfig.validate`.

use super::Exchange;
use crate::admin::{AdminError, configs};
use crate::base::BrokerId;
use crate::config::layers::{Layer, OwnConfigs};
use crate::config::password_encoder::{PasswordEncoder, from_persistent, to_persistent};
use crate::config::rows::{ConfigError, ConfigRow};
use crate::config::{BrokerConfig, TopicConfig};
use crate::log::disk::blocking;
use crate::security::{AclOperation, AclResource};
use crate::wire::error_code::ErrorCode;
use crate::zk::znode::config_entity::{DEFAULT_NAME, EntityType};

const TARGET: &str = "kafka.server.DynamicBrokerConfig";

/// The number of a topic among resource types (`ConfigResource.Type`).
pub(super) const TOPIC: i8 = 2;
/// The number of a broker.
pub(super) const BROKER: i8 = 4;
/// The number of a broker's loggers.
pub(super) const BROKER_LOGGER: i8 = 8;

/// Whether the caller may do this to the configs of a resource: those of brokers and their loggers belong to
/// the cluster. An unknown type of resource needs no permission, as it is refused anyway.
pub(super) fn is_authorized(
    exchange: &Exchange,
    operation: AclOperation,
    resource_type: i8,
    name: &str,
) -> bool {
    match resource_type {
        TOPIC => exchange.is_authorized(operation, AclResource::topic(name)),
        BROKER | BROKER_LOGGER => exchange.is_authorized(operation, AclResource::CLUSTER),
        _ => true,
    }
}

/// The error of a resource whose configs the caller may not see or change.
pub(super) fn denial(resource_type: i8) -> ErrorCode {
    match resource_type {
        TOPIC => ErrorCode::TopicAuthorizationFailed,
        _ => ErrorCode::ClusterAuthorizationFailed,
    }
}

/// A change that sets a value (`AlterConfigOp.OpType`).
pub(super) const SET: i8 = 0;
/// A change that goes back to the default.
pub(super) const DELETE: i8 = 1;
/// A change that adds items to a list.
pub(super) const APPEND: i8 = 2;
/// A change that takes items off a list.
pub(super) const SUBTRACT: i8 = 3;

/// An entity whose configs can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entity {
    /// A topic.
    Topic(String),
    /// All brokers, or this one.
    Broker(Layer, BrokerId),
}

impl Entity {
    /// The brokers that a resource of this name means: this one, or all for an empty name.
    ///
    /// # Errors
    /// INVALID_REQUEST where it names another broker, or none.
    pub fn brokers(exchange: &Exchange, name: &str) -> Result<Self, AdminError> {
        let id = exchange.services.broker_id;
        if name.is_empty() {
            return Ok(Self::Broker(Layer::AllBrokers, id));
        }
        match name.parse::<BrokerId>() {
            Ok(named) if named == id => Ok(Self::Broker(Layer::Broker, id)),
            Ok(_) => Err(AdminError::invalid_request(format!(
                "Unexpected broker id, expected {id}, but received {name}"
            ))),
            Err(_) => {
                Err(AdminError::invalid_request(format!("Broker id must be an integer, but it is: {name}")))
            }
        }
    }

    /// The entity's own configs.
    ///
    /// # Errors
    /// Failures of ZooKeeper.
    pub async fn own(&self, exchange: &Exchange) -> Result<OwnConfigs, AdminError> {
        let (kind, name) = self.named();
        if name.is_empty() {
            let sentence = "Path must not end with / character";
            return Err(self.refusal(&ConfigError::Illegal(sentence.to_owned())));
        }
        let own = configs::fetch(&exchange.services.zk, kind, &name).await?;
        let Self::Broker(layer, _) = self else { return Ok(own) };
        let (own, undecodable) = with_encoder(exchange, move |encoder| from_persistent(own, encoder)).await;
        undecodable.iter().for_each(|sentence| log::error!(target: TARGET, "{sentence}"));
        let mut layers = exchange.services.live.layers();
        for sentence in layers.take(*layer, own) {
            log::error!(target: TARGET, "{sentence}");
        }
        Ok(layers.own(*layer).clone())
    }

    /// Replaces the entity's own configs, or only validates them.
    ///
    /// # Errors UNKNOWN_TOPIC_OR_PARTITION; INVALID_CONFIG for a key that no topic has; INVALID_REQUEST for a
    /// change that is not allowed; failures of ZooKeeper.
    pub async fn replace(
        &self,
        exchange: &Exchange,
        own: &OwnConfigs,
        validate_only: bool,
    ) -> Result<(), AdminError> {
        let services = &exchange.services;
        let checked = match self {
            Self::Topic(topic) => {
                if services.metadata.snapshot().topic(topic).is_none() {
                    return Err(AdminError::UnknownTopic(topic.clone()));
                }
                TopicConfig::check_names(own.keys().map(String::as_str))?;
                TopicConfig::default().with_overrides(own).map(drop)
            }
            Self::Broker(layer, _) => services.live.check(*layer, own).await,
        };
        checked.map_err(|error| match error {
            ConfigError::Conflict(_) => error.into(),
            _ => self.refusal(&error),
        })?;
        if validate_only {
            return Ok(());
        }
        let (kind, name) = self.named();
        match self {
            Self::Topic(_) => configs::change(&services.zk, kind, &name, own).await,
            Self::Broker(layer, _) => {
                let (layer, own) = (*layer, own.clone());
                let stored = with_encoder(exchange, move |encoder| to_persistent(&own, layer, encoder)).await;
                let stored = stored.map_err(|error| self.refusal(&error))?;
                configs::change(&services.zk, kind, &name, &stored).await
            }
        }
    }

    /// The row of one of its keys, among those that may be lists.
    pub fn row(&self, key: &str) -> Option<&'static ConfigRow> {
        match self {
            Self::Topic(_) => TopicConfig::row(key),
            Self::Broker(..) => BrokerConfig::row(key),
        }
    }

    fn named(&self) -> (EntityType, String) {
        match self {
            Self::Topic(topic) => (EntityType::Topics, topic.clone()),
            Self::Broker(Layer::AllBrokers, _) => (EntityType::Brokers, DEFAULT_NAME.to_owned()),
            Self::Broker(Layer::Broker, id) => (EntityType::Brokers, id.to_string()),
        }
    }

    fn refusal(&self, error: &ConfigError) -> AdminError {
        let resource = match self {
            Self::Topic(topic) => format!("type=TOPIC, name='{topic}'"),
            Self::Broker(Layer::AllBrokers, _) => "type=BROKER, name=''".to_owned(),
            Self::Broker(Layer::Broker, id) => format!("type=BROKER, name='{id}'"),
        };
        let message = format!("Invalid config value for resource ConfigResource({resource}): {error}");
        AdminError::invalid_request(message)
    }
}

/// Runs what encrypts or decrypts passwords, which takes a while, on a thread that may block.
async fn with_encoder<T: Send + 'static>(
    exchange: &Exchange,
    run: impl FnOnce(Option<&PasswordEncoder>) -> T + Send + 'static,
) -> T {
    let encoder = PasswordEncoder::of(&exchange.services.config);
    blocking(move || run(encoder.as_ref())).await
}

/// The error code and text of an outcome. An error that is none of Kafka's exceptions has only its code.
pub(super) fn error_and_message(outcome: Result<(), AdminError>) -> (ErrorCode, Option<String>) {
    match outcome {
        Ok(()) => (ErrorCode::None, None),
        Err(error) => (error.code(), error.client_message()),
    }
}
