//! Configs of topics, brokers and loggers through a broker (Kafka's `ConfigCommand.describeResourceConfig` and the
//! first half of `alterConfig`).

use std::collections::BTreeMap;

use super::changes::GivenChanges;
use super::description::{
    ConfigDescription, ConfigOrigin, ConfigsDescription, ConfigsLayout, EntityDescription, EntityPart,
    SynonymDescription,
};
use super::entities::{EntityKind, NamedEntities};
use super::options::ConfigsCommand;
use super::{LIMIT, limited, refusal, unanswered};
use crate::admin::names;
use crate::base::{BrokerId, jvm_order};
use crate::cli::throwable::JavaThrowable;
use crate::client::admin::{
    Admin, AlterConfigOp, AlterConfigsOptions, Config, ConfigEntry, ConfigResource, ConfigSource,
    DescribeClusterOptions, DescribeConfigsOptions, ListTopicsOptions,
};
use crate::client::error::ClientError;

/// A topic, a broker, or the loggers of a broker; an empty name is the default of all brokers.
#[derive(Clone, Debug, PartialEq, Eq)]
struct DescribedResource {
    kind: EntityKind,
    name: String,
}

impl DescribedResource {
    /// The first entity that a command names.
    fn named(entities: &NamedEntities) -> Option<Self> {
        entities.name().map(|name| Self { kind: entities.kind(), name: name.to_owned() })
    }

    /// The resource of this name, if it can be one.
    fn resource(&self) -> Result<ConfigResource, JavaThrowable> {
        let id = || {
            let id = self.name.parse::<BrokerId>();
            id.map_err(|_| {
                refusal(format!(
                    "The entity name for {} must be a valid integer broker id, found: {}",
                    self.kind.name(),
                    self.name
                ))
            })
        };
        Ok(match self.kind {
            EntityKind::Brokers if self.name.is_empty() => ConfigResource::all_brokers(),
            EntityKind::Brokers => ConfigResource::broker(id()?),
            EntityKind::BrokerLoggers => ConfigResource::broker_logger(id()?),
            _ if self.name.is_empty() => ConfigResource::topic(""),
            _ => {
                names::validate_topic(&self.name)?;
                ConfigResource::topic(self.name.clone())
            }
        })
    }

    /// The source of its own configs; None where all configs are.
    fn own_source(&self) -> Option<ConfigSource> {
        match self.kind {
            EntityKind::Brokers if self.name.is_empty() => Some(ConfigSource::DynamicDefaultBrokerConfig),
            EntityKind::Brokers => Some(ConfigSource::DynamicBrokerConfig),
            EntityKind::BrokerLoggers => None,
            _ => Some(ConfigSource::DynamicTopicConfig),
        }
    }

    /// Its own configs in the order of Java's client.
    fn own(&self, config: Config) -> Vec<ConfigEntry> {
        let mut entries = in_java_order(config);
        if let Some(source) = self.own_source() {
            entries.retain(|entry| entry.source == source);
        }
        entries
    }
}

fn in_java_order(config: Config) -> Vec<ConfigEntry> {
    let entries = config.entries().iter().cloned();
    jvm_order::java_map_by_hash(entries.map(|it| (jvm_order::hash_code(&it.name), it)).collect())
}

/// Describes the entity that the command names, or all of its kind. What was found before a failure is kept.
pub(super) async fn describe(
    command: &ConfigsCommand,
    admin: &Admin,
    to: &mut ConfigsDescription,
) -> Result<(), JavaThrowable> {
    let (entities, all) = (&command.entities, command.options.all);
    let described = match DescribedResource::named(entities) {
        Some(named) => vec![named],
        None => list(entities.kind(), admin).await?,
    };
    // An entity whose name cannot be is refused when its turn comes.
    let resources: Vec<_> = described.iter().map(DescribedResource::resource).collect();
    let good = resources.iter().filter_map(|it| it.as_ref().ok()).cloned();
    let options = DescribeConfigsOptions::default().include_synonyms();
    let limited = limited(admin);
    let mut found: BTreeMap<_, _> = limited.describe_configs(good, options).await.into_iter().collect();
    for (it, resource) in described.iter().zip(resources) {
        let which = if all { "All" } else { "Dynamic" };
        to.entities.push(EntityDescription {
            entity: vec![EntityPart::new(it.kind, &it.name)],
            configs: Vec::new(),
            error: None,
            heading: match it.name.as_str() {
                "" => format!("Default configs for {} in the cluster are:", it.kind.name()),
                name => format!("{which} configs for {} {name} are:", it.kind.singular()),
            },
            layout: ConfigsLayout::Lines,
        });
        let config = found.remove(&resource?).unwrap_or_else(|| Ok(Config::default()));
        let config = config.map_err(|error| unanswered(&error, admin, "describeConfigs"))?;
        let entries = if all { in_java_order(config) } else { it.own(config) };
        if let Some(last) = to.entities.last_mut() {
            last.configs = entries.into_iter().map(with_origin).collect();
        }
    }
    Ok(())
}

/// All topics, or all brokers and their default.
async fn list(kind: EntityKind, admin: &Admin) -> Result<Vec<DescribedResource>, JavaThrowable> {
    let failed = |call: &'static str| move |error: ClientError| JavaThrowable::of_call(&error, call);
    let names = match kind {
        EntityKind::Topics => {
            let topics = admin.list_topics(ListTopicsOptions::default().list_internal()).await;
            let names = topics.map_err(failed("listTopics"))?.into_keys();
            jvm_order::java_map_by_hash(names.map(|it| (jvm_order::hash_code(&it), it)).collect())
        }
        _ => {
            let cluster = admin.describe_cluster(DescribeClusterOptions::default()).await;
            let brokers = cluster.map_err(failed("listNodes"))?.nodes;
            brokers.iter().map(|it| it.id.to_string()).chain([String::new()]).collect()
        }
    };
    Ok(names.into_iter().map(|name| DescribedResource { kind, name }).collect())
}

fn with_origin(entry: ConfigEntry) -> ConfigDescription {
    let synonyms = entry.synonyms.into_iter().map(|it| SynonymDescription {
        source: source_name(it.source),
        name: it.name,
        value: it.value,
    });
    let origin = ConfigOrigin {
        sensitive: entry.is_sensitive,
        source: source_name(entry.source),
        synonyms: synonyms.collect(),
    };
    ConfigDescription { name: entry.name, value: entry.value, origin: Some(origin) }
}

/// The name of Java's constant.
fn source_name(source: ConfigSource) -> &'static str {
    match source {
        ConfigSource::DynamicTopicConfig => "DYNAMIC_TOPIC_CONFIG",
        ConfigSource::DynamicBrokerConfig => "DYNAMIC_BROKER_CONFIG",
        ConfigSource::DynamicDefaultBrokerConfig => "DYNAMIC_DEFAULT_BROKER_CONFIG",
        ConfigSource::StaticBrokerConfig => "STATIC_BROKER_CONFIG",
        ConfigSource::DefaultConfig => "DEFAULT_CONFIG",
        ConfigSource::DynamicBrokerLoggerConfig => "DYNAMIC_BROKER_LOGGER_CONFIG",
        ConfigSource::Unknown => "UNKNOWN",
    }
}

/// Sets and removes configs of the entity that the command names.
pub(super) async fn alter(
    command: &ConfigsCommand,
    admin: &Admin,
    changes: &GivenChanges,
) -> Result<(), JavaThrowable> {
    let Some(entity) = DescribedResource::named(&command.entities) else { return Ok(()) };
    let (resource, limited) = (entity.resource()?, limited(admin));
    let described =
        limited.describe_configs([resource.clone()], DescribeConfigsOptions::default()).await.only();
    let described = described.map_err(|error| unanswered(&error, admin, "describeConfigs"))?;
    let own = entity.own(described);
    let has = |key: &str| own.iter().any(|it| it.name == key);
    let limited = admin.within(LIMIT);
    let altered = match entity.kind {
        EntityKind::Brokers => {
            changes.check_deleted(has)?;
            let configs = replaced(&own, changes)?;
            limited.alter_configs([(resource, configs)], AlterConfigsOptions::default()).await
        }
        kind => {
            match kind {
                EntityKind::BrokerLoggers => check_loggers(changes, has)?,
                _ => changes.check_deleted(has)?,
            }
            let set = changes.add.iter().map(|(key, value)| AlterConfigOp::set(key, value));
            let delete = changes.delete.iter().map(AlterConfigOp::delete);
            let operations = set.chain(delete).collect();
            let options = AlterConfigsOptions::default();
            limited.incremental_alter_configs([(resource, operations)], options).await
        }
    };
    altered.only().map_err(|error| JavaThrowable::of_call(&error, "incrementalAlterConfigs"))
}

/// All configs that a broker is to have. A value that the broker does not show has to be given again.
fn replaced(own: &[ConfigEntry], changes: &GivenChanges) -> Result<BTreeMap<String, String>, JavaThrowable> {
    let mut configs: Vec<_> = own.iter().map(|it| (it.name.as_str(), it.value.as_deref())).collect();
    for (key, value) in &changes.add {
        match configs.iter_mut().find(|(known, _)| known == key) {
            Some((_, current)) => *current = Some(value),
            None => configs.push((key, Some(value))),
        }
    }
    configs.retain(|(key, _)| !changes.delete.iter().any(|deleted| deleted == key));
    let configs =
        jvm_order::scala_immutable(configs.into_iter().map(|it| (jvm_order::hash_code(it.0), it)).collect());
    let hidden: Vec<_> = configs.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| *key).collect();
    if !hidden.is_empty() {
        return Err(refusal(format!(
            "All sensitive broker config entries must be specified for --alter, missing entries: Set({})",
            hidden.join(", ")
        )));
    }
    Ok(configs.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))).collect())
}

fn check_loggers(changes: &GivenChanges, has: impl Fn(&str) -> bool) -> Result<(), JavaThrowable> {
    let named = changes.delete.iter().chain(changes.add.iter().map(|(key, _)| key));
    let unknown: Vec<_> = named.map(String::as_str).filter(|name| !has(name)).collect();
    match unknown[..] {
        [] => Ok(()),
        _ => Err(refusal(format!("Invalid broker logger(s): {}", unknown.join(",")))),
    }
}
