//! The transaction coordinator: which producer may write under a transactional id, in which partitions, and how each
//! transaction ends.
//!
//! - *Entry points:* [`TransactionCoordinator`], the machine of one partition of `__transaction_state`; [`start`],
//!   which has it run.
//! - *Decisions:* `init_producer_id`, `add_partitions`, `end_txn` and `expiration`, on the `metadata` of each id, which
//!   goes through the `state`s; [`records`] are what lasts. `markers` decides where markers go, [`marker_channel`]
//!   brings them there.
//! - *Never:* writes a marker itself: leaders do when they are sent WriteTxnMarkers, this broker too.
//! - *In Kafka:* `TransactionCoordinator`, `TransactionStateManager`, `TransactionMarkerChannelManager`.

mod add_partitions;
mod coordinator;
mod end_txn;
mod expiration;
mod init_producer_id;
pub mod marker_channel;
pub mod markers;
mod metadata;
pub mod records;
mod requests;
mod start;
mod state;

pub use super::transaction_result::TransactionResult;
pub use coordinator::{TransactionCoordinator, TransactionSettings};
pub use requests::{
    EndCause, InitTransactionalProducer, TxnAppend, TxnEffect, TxnEvent, TxnMarkers, TxnRequest, TxnResponse,
    TxnTimer,
};
pub use start::{TransactionParts, Transactions};
pub use state::TransactionState;
