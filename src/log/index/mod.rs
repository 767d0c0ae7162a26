//! The three indexes beside a segment: where an offset lies, when a time was reached, which transactions were aborted.
//!
//! No memory maps: an active segment's entries are held in memory and written behind with `pwrite`; those of a closed
//! one are searched in the file, where the page cache serves them. Entries are big-endian and of fixed size.
//!
//! Kafka: `AbstractIndex`, `OffsetIndex`, `TimeIndex`, `TransactionIndex`.

pub mod entries;
pub mod offset;
pub mod time;
pub mod transaction;

pub use offset::{OffsetIndex, OffsetPosition};
pub use time::{TimeIndex, TimestampOffset};
pub use transaction::{AbortedEntry, TransactionIndex};
