//! The topics that Kafka keeps for itself (`Topic.INTERNAL_TOPICS`).
//!
//! Pure.

/// The topic that keeps consumers' offsets.
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";
/// The topic that keeps producers' transactions.
pub const TRANSACTIONS_TOPIC: &str = "__transaction_state";

/// Whether a topic is Kafka's own.
pub fn is_internal(topic: &str) -> bool {
    topic == OFFSETS_TOPIC || topic == TRANSACTIONS_TOPIC
}
