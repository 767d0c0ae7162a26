//! This broker's view of the cluster, as the controller last described it: topics, leaders, live brokers.
//!
//! - *Entry points:* [`MetadataCache`], one a broker, shared by everything that reads it; [`MetadataSnapshot`], the
//!   cluster at one moment.
//! - *Never:* decodes a request (`api::cluster::update_metadata` does); never decides whether a controller is
//!   fenced (`replica::role_changes` does).
//! - *In Kafka:* `MetadataCache`, `MetadataSnapshot`.

mod cache;
mod snapshot;

pub use cache::MetadataCache;
pub use snapshot::{MetadataSnapshot, MetadataUpdate, PartitionMetadata, PartitionUpdate, TopicMetadata};
