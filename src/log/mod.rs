//! What lies on disk: each partition's records in segments, the indexes that find them, the small files that remember.
//!
//! Entry points: [`log_manager::LogManager`] (all logs of a broker), [`log::Log`] (one),
//! [`meta_properties::BrokerMetadata`] (whose directories these are). Files are those of Kafka 2.7.2, byte for byte:
//! either broker opens what the other left.
//!
//! Never knows of replicas, connections or ZooKeeper: the high watermark, leader epochs and configs are
//! parameters, and a failed directory is reported through [`failure::DirFailures`]. Blocks on the disk; a
//! caller that must not wait calls it from a thread that may. Only reads for clients move to such a thread by
//! themselves ([`cold`]).
//!
//! Locks: one a log is held over IO, its appender's; all else is memory ([`log`]). What one data directory does, and
//! that no other waits for it, is in [`disk`]. Kafka: `kafka.log`, and of `kafka.server` the checkpoints and
//! `LogDirFailureChannel`.

pub mod append;
pub mod appender;
pub mod checkpoint;
pub mod cleaner;
pub mod scheduler;
mod cold;
pub mod deletion;
pub mod directory;
pub mod disk;
mod epoch_checkpoint;
mod epoch_fence;
pub mod epochs;
pub mod failure;
pub mod flush;
pub mod index;
pub mod lifecycle;
#[allow(clippy::module_inception)]
pub mod log;
pub mod log_manager;
mod log_start;
mod marks;
pub mod meta_properties;
mod open_files;
pub mod position;
pub mod producers;
pub mod read;
pub mod recovery;
mod recovery_point;
mod replace;
pub mod retention;
pub mod roll;
pub mod segment;
pub mod segment_files;
pub mod segments;
pub mod settings;
pub mod snapshots;
pub mod truncate;
pub mod validate;
pub mod walk;

pub use append::{AppendError, LogAppendInfo, Prepared};
pub use failure::StorageError;
pub use log::Log;
pub(crate) use log_manager::load::in_parallel;
pub use log_manager::{LogManager, LogManagerOptions, OpenError};
pub use marks::LogSnapshot;
pub use position::LogPosition;
pub use read::{FirstBatch, LogAbortedTransaction, LogRead, ReadError, ReadUpTo, TimestampAndOffset};
pub use truncate::TruncateError;
pub use validate::AppendOrigin;
