//! The nouns that all rooms use: names, positions, time.
//!
//! None of them does IO. This room imports no other.

pub mod backoff;
pub mod cluster;
pub mod descriptors;
pub mod features;
mod host_address;
pub mod ids;
pub mod internal_topics;
pub mod jvm_order;
pub mod poll;
pub mod rate;
pub mod records;
pub mod sanitizer;
pub mod time;

pub use backoff::Backoff;
pub use cluster::{Assignment, Broker, Endpoint, LeaderAndIsr, SecurityProtocol, UnknownSecurityProtocol};
pub use descriptors::DescriptorBudget;
pub use host_address::host_address;
pub use ids::{BrokerId, LeaderEpoch, Millis, Offset, ProducerEpoch, ProducerId, TopicPartition};
pub use rate::Rate;
pub use records::{FileSlice, LazyRecords, Records};
pub use time::Clock;
