//! `meta.properties`: whose data directory this is, so that no broker serves another's data.
//!
//! Kafka: `BrokerMetadataCheckpoint`, and the checks of `KafkaServer.startup`.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::base::{BrokerId, Millis};

const TARGET: &str = "kafka.server.BrokerMetadataCheckpoint";

/// The file's name in each data directory.
const META_PROPERTIES: &str = "meta.properties";

/// What a data directory remembers of its broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerMetadata {
    /// The broker's id; -1 where no directory knows one yet.
    pub broker_id: BrokerId,
    /// The cluster's id, in directories written since 0.10.1.
    pub cluster_id: Option<String>,
}

/// What the data directories of a broker remember together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMetadata {
    /// What all of them agree on.
    pub metadata: BrokerMetadata,
    /// Those that cannot be read, and are to stay offline.
    pub offline: Vec<PathBuf>,
}

/// What is wrong in a file of properties.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidProperties {
    /// It is no file of properties.
    #[error("{0}")]
    Unparsable(String),
    /// A key is not there.
    #[error("requirement failed: Missing required property '{0}'")]
    Missing(&'static str),
    /// A value is no number.
    #[error("For input string: \"{0}\"")]
    NotANumber(String),
    /// A value is negative.
    #[error("requirement failed: {key} has value {value} which is not in the range (0,2147483647).")]
    OutOfRange {
        /// The key.
        key: &'static str,
        /// Its value.
        value: i32,
    },
}

/// Why the broker must not start. Each prints what Kafka prints.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MetadataError {
    /// A file whose properties are missing or make no sense.
    #[error(transparent)]
    Invalid(#[from] InvalidProperties),
    /// Two directories belong to different brokers or clusters.
    #[error(
        "BrokerMetadata is not consistent across log.dirs. This could happen if multiple brokers shared a log \
         directory (log.dirs) or partial data was manually copied from another broker. Found:\n{0}"
    )]
    Inconsistent(String),
    /// The directories belong to another broker id.
    #[error(
        "Configured broker.id {configured} doesn't match stored broker.id {stored} in meta.properties. If you \
         moved your data, make sure your configured broker.id matches. If you intend to create a new broker, you \
         should remove all data in your data directories (log.dirs)."
    )]
    OtherBroker {
        /// `broker.id` as configured.
        configured: BrokerId,
        /// The id in the files.
        stored: BrokerId,
    },
    /// The directories belong to another cluster.
    #[error(
        "The Cluster ID {cluster} doesn't match stored clusterId Some({stored}) in meta.properties. The broker is \
         trying to join the wrong cluster. Configured zookeeper.connect may be wrong."
    )]
    OtherCluster {
        /// The id in ZooKeeper.
        cluster: String,
        /// The id in the files.
        stored: String,
    },
}

impl BrokerMetadata {
    /// Reads what the data directories remember.
    ///
    /// # Errors
    /// A file without sense, or directories that disagree.
    pub fn read_all(dirs: &[PathBuf]) -> Result<StoredMetadata, MetadataError> {
        let (mut found, mut offline) = (Vec::new(), Vec::new());
        for dir in dirs {
            match read(dir) {
                Ok(Some(metadata)) => found.push((dir, metadata)),
                Ok(None) => {}
                Err(MetaPropertiesError::Invalid(error)) => return Err(MetadataError::Invalid(error)),
                Err(MetaPropertiesError::Io(error)) => {
                    log::error!(
                        target: TARGET,
                        "Fail to read {META_PROPERTIES} under log directory {}: {error}",
                        dir.display()
                    );
                    offline.push(dir.clone());
                }
            }
        }
        let none = Self { broker_id: -1, cluster_id: None };
        let metadata = found.first().map_or(none, |(_, first)| first.clone());
        if found.iter().any(|(_, other)| *other != metadata) {
            let lines = found.iter().map(|(dir, it)| format!("- {} -> {it}\n", dir.display()));
            return Err(MetadataError::Inconsistent(lines.collect()));
        }
        Ok(StoredMetadata { metadata, offline })
    }

    /// The broker's id: the stored one, else the configured one, which may be -1 where one is to be generated.
    ///
    /// # Errors
    /// Both are known and differ.
    pub fn choose_broker_id(&self, configured: BrokerId) -> Result<BrokerId, MetadataError> {
        match self.broker_id {
            stored if configured >= 0 && stored >= 0 && stored != configured => {
                Err(MetadataError::OtherBroker { configured, stored })
            }
            stored if stored >= 0 => Ok(stored),
            _ => Ok(configured),
        }
    }

    /// Checks that the directories belong to this cluster or to none.
    ///
    /// # Errors
    /// They belong to another.
    pub fn check_cluster_id(&self, cluster: &str) -> Result<(), MetadataError> {
        match &self.cluster_id {
            Some(stored) if stored != cluster => {
                Err(MetadataError::OtherCluster { cluster: cluster.to_owned(), stored: stored.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Writes the file of one data directory, in the order and with the comment lines of Java's Properties.
    ///
    /// # Errors
    /// Those of writing, syncing and renaming.
    pub fn write(&self, dir: &Path, now: Millis) -> io::Result<()> {
        let time = jiff::Timestamp::from_millisecond(now).unwrap_or_default();
        let time = time.to_zoned(jiff::tz::TimeZone::system()).strftime("%a %b %d %H:%M:%S %Z %Y");
        let cluster = self.cluster_id.as_ref().map(|id| format!("cluster.id={id}\n")).unwrap_or_default();
        let text = format!("#\n#{time}\nbroker.id={}\nversion=0\n{cluster}", self.broker_id);
        super::checkpoint::replace(&dir.join(META_PROPERTIES), text.as_bytes())
    }
}

impl std::fmt::Display for BrokerMetadata {
    /// As Kafka prints it in messages.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cluster = self.cluster_id.as_deref().unwrap_or("None");
        write!(out, "BrokerMetadata(brokerId={}, clusterId={cluster})", self.broker_id)
    }
}

#[derive(Debug, thiserror::Error)]
enum MetaPropertiesError {
    /// The directory is to stay offline.
    #[error("{0}")]
    Io(io::Error),
    /// The broker is not to start.
    #[error(transparent)]
    Invalid(#[from] InvalidProperties),
}

fn read(dir: &Path) -> Result<Option<BrokerMetadata>, MetaPropertiesError> {
    let path = dir.join(META_PROPERTIES);
    let at = path.display();
    match fs::remove_file(dir.join("meta.properties.tmp")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(MetaPropertiesError::Io(error)),
        _ => {}
    }
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            log::warn!(target: TARGET, "No meta.properties file under dir {at}");
            return Ok(None);
        }
        read => read.map_err(MetaPropertiesError::Io)?,
    };
    parse(&bytes).map(Some).inspect_err(|error| {
        log::error!(target: TARGET, "Failed to read meta.properties file under dir {at} due to {error}");
    })
}

fn parse(bytes: &[u8]) -> Result<BrokerMetadata, MetaPropertiesError> {
    let mut properties =
        java_properties::read(bytes).map_err(|error| InvalidProperties::Unparsable(error.to_string()))?;
    // As `VerifiableProperties` gives them.
    properties.values_mut().for_each(|value| *value = value.trim_matches(|c| c <= ' ').to_owned());
    let version = number(&properties, "version")?;
    if version != 0 {
        let text = format!("Unrecognized version of the server meta.properties file: {version}");
        return Err(MetaPropertiesError::Io(io::Error::new(io::ErrorKind::InvalidData, text)));
    }
    let cluster_id = properties.get("cluster.id").cloned();
    Ok(BrokerMetadata { broker_id: number(&properties, "broker.id")?, cluster_id })
}

fn number(properties: &HashMap<String, String>, key: &'static str) -> Result<i32, InvalidProperties> {
    let text = properties.get(key).ok_or(InvalidProperties::Missing(key))?;
    match text.parse::<i32>() {
        Err(_) => Err(InvalidProperties::NotANumber(text.clone())),
        Ok(value) if value < 0 => Err(InvalidProperties::OutOfRange { key, value }),
        Ok(value) => Ok(value),
    }
}

#[cfg(test)]
mod tests;
