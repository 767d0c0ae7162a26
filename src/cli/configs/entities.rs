//! What has configs: the entities that options name, and their paths and names in ZooKeeper.
//!
//! Pure. Kafka: `ConfigCommand.Entity`, `ConfigCommand.ConfigEntity`.

use std::fmt;

use super::description::EntityPart;
use super::options::{ConfigsAction, ConfigsCommand};
use super::refusal;
use crate::base::sanitizer;
use crate::cli::throwable::JavaThrowable;
use crate::zk::znode::config_entity::{DEFAULT_NAME, EntityType};

/// A kind of entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntityKind {
    Topics,
    Clients,
    Users,
    Brokers,
    BrokerLoggers,
}

impl EntityKind {
    /// All, in the order in which Kafka lists them.
    pub const ALL: [Self; 5] = [Self::Topics, Self::Clients, Self::Users, Self::Brokers, Self::BrokerLoggers];
    /// Those that have znodes.
    pub const IN_ZOOKEEPER: &[Self] = &[Self::Topics, Self::Clients, Self::Users, Self::Brokers];

    /// The argument of `--entity-type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Topics => "topics",
            Self::Clients => "clients",
            Self::Users => "users",
            Self::Brokers => "brokers",
            Self::BrokerLoggers => "broker-loggers",
        }
    }

    /// One of them.
    pub fn singular(self) -> &'static str {
        self.name().trim_end_matches('s')
    }

    /// Whether their names are the ids of brokers.
    pub fn is_of_brokers(self) -> bool {
        matches!(self, Self::Brokers | Self::BrokerLoggers)
    }

    /// The kind of an entity below `/config`.
    fn of(kind: EntityType) -> Self {
        match kind {
            EntityType::Topics => Self::Topics,
            EntityType::Clients => Self::Clients,
            EntityType::Users => Self::Users,
            EntityType::Brokers => Self::Brokers,
        }
    }

    /// The kind below `/config`.
    fn entity_type(self) -> Option<EntityType> {
        match self {
            Self::Topics => Some(EntityType::Topics),
            Self::Clients => Some(EntityType::Clients),
            Self::Users => Some(EntityType::Users),
            Self::Brokers => Some(EntityType::Brokers),
            Self::BrokerLoggers => None,
        }
    }
}

/// The kinds and names that options give, each in the order in which they stand. An empty name is the default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedEntities {
    /// At least one; two are users and clients.
    pub kinds: Vec<EntityKind>,
    pub names: Vec<String>,
}

impl NamedEntities {
    /// The first kind.
    pub fn kind(&self) -> EntityKind {
        self.kinds.first().copied().unwrap_or(EntityKind::Topics)
    }

    /// The first name; None where none is given.
    pub fn name(&self) -> Option<&str> {
        self.names.first().map(String::as_str)
    }
}

/// One level of an entity's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntityLevel {
    pub kind: EntityType,
    /// The name of its znode; None for all of the kind.
    pub name: Option<String>,
}

impl EntityLevel {
    /// As it is described.
    fn type_name(&self) -> &'static str {
        match self.kind {
            EntityType::Users => "user-principal",
            EntityType::Clients => "client-id",
            EntityType::Topics => "topic",
            EntityType::Brokers => "brokers",
        }
    }

    /// The name of the entity itself; None for the default and for all of the kind.
    fn own_name(&self) -> Option<String> {
        let znode = self.name.as_deref().filter(|name| *name != DEFAULT_NAME)?;
        let is_sanitized = matches!(self.kind, EntityType::Users | EntityType::Clients);
        let name = is_sanitized.then(|| sanitizer::desanitize(znode)).flatten();
        Some(name.unwrap_or_else(|| znode.to_owned()))
    }
}

impl fmt::Display for EntityLevel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.own_name()) {
            (None, _) => out.write_str(self.kind.name()),
            (Some(_), None) => write!(out, "default {}", self.type_name()),
            (Some(_), Some(name)) => write!(out, "{} '{name}'", self.type_name()),
        }
    }
}

/// An entity below `/config`, or several of them where a level has no name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ZnodeEntity {
    pub root: EntityLevel,
    /// The client ids of a user.
    pub child: Option<EntityLevel>,
}

impl ZnodeEntity {
    /// The entity that a command names (`ConfigCommand.parseEntity`).
    pub fn of(command: &ConfigsCommand) -> Result<Self, JavaThrowable> {
        let NamedEntities { kinds, names } = &command.entities;
        let mut kinds: Vec<_> = kinds.iter().filter_map(|kind| kind.entity_type()).collect();
        let mut names: Vec<_> = names.clone();
        let of_quotas = matches!(kinds.first(), Some(EntityType::Users | EntityType::Clients));
        if of_quotas && command.action == ConfigsAction::Alter && names.len() != kinds.len() {
            return Err(refusal(
                "--entity-name or --entity-default must be specified with each --entity-type for --alter",
            ));
        }
        if let [EntityType::Clients, EntityType::Users] = kinds[..] {
            kinds.reverse();
            if names.len() == 2 {
                names.reverse();
            }
        }
        let mut names = names.into_iter().map(|name| match name.as_str() {
            "" => DEFAULT_NAME.to_owned(),
            _ if of_quotas => sanitizer::sanitize(&name).into_owned(),
            _ => name,
        });
        let mut levels = kinds.into_iter().map(|kind| EntityLevel { kind, name: names.next() });
        match levels.next() {
            Some(root) => Ok(Self { root, child: levels.next() }),
            None => Err(refusal("At least one entity type must be specified")),
        }
    }

    /// Its path below its kind's.
    pub fn znode_name(&self) -> String {
        let root = self.root.name.as_deref().unwrap_or_default();
        match &self.child {
            None => root.to_owned(),
            Some(EntityLevel { kind, name: None }) => format!("{root}/{}", kind.name()),
            Some(EntityLevel { kind, name: Some(name) }) => format!("{root}/{}/{name}", kind.name()),
        }
    }

    /// The parts of its name.
    pub fn parts(&self) -> Vec<EntityPart> {
        let part = |level: &EntityLevel| {
            EntityPart::new(EntityKind::of(level.kind), &level.own_name().unwrap_or_default())
        };
        [Some(&self.root), self.child.as_ref()].into_iter().flatten().map(part).collect()
    }

    /// The same with this name at the root.
    pub fn rooted(&self, name: String) -> Self {
        let root = EntityLevel { name: Some(name), ..self.root.clone() };
        Self { root, child: self.child.clone() }
    }

    /// The same with this name below the root.
    pub fn with_child(&self, name: String) -> Self {
        let child = self.child.as_ref().map(|it| EntityLevel { name: Some(name), ..it.clone() });
        Self { root: self.root.clone(), child }
    }
}

impl fmt::Display for ZnodeEntity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.root)?;
        self.child.iter().try_for_each(|child| write!(out, ", {child}"))
    }
}
