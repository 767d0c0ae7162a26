//! The coordinators: of groups, for each partition of `__consumer_offsets` that this broker leads, and of transactions,
//! for each of `__transaction_state`.
//!
//! - *Entry points:* [`runtime::CoordinatorRuntime`], one a coordinator, and the machine that it runs.
//! - *Owns:* the state that the records of these topics make, as long as this broker leads their partition.
//! - *Never:* decodes a request; creates its topic.
//! - *In Kafka:* `GroupCoordinator`, `GroupMetadataManager`, `TransactionCoordinator`, `TransactionStateManager`.
//!
//! Both are one kind of [`machine`], with one [`runtime`] and two sets of decisions.

pub mod group;
pub mod groups;
pub mod machine;
pub mod runtime;
pub mod transaction_result;
pub mod txn;
