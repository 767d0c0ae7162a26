//! How a consumer takes part in its group.
//!
//! Pure. Kafka: `GroupRebalanceConfig`.

use std::time::Duration;

use crate::base::Millis;
use crate::client::error::ClientError;

/// The settings of a member.
#[derive(Clone, Debug)]
pub struct GroupRebalanceConfig {
    /// The group (`group.id`).
    pub group_id: String,
    /// The lasting name of a static member (`group.instance.id`, KIP-345).
    pub group_instance_id: Option<String>,
    /// How long the coordinator waits for a heartbeat before it removes the member (`session.timeout.ms`).
    pub session_timeout: Duration,
    /// How often the member sends a heartbeat (`heartbeat.interval.ms`); less than the session time-out.
    pub heartbeat_interval: Duration,
    /// How long the application may take between two polls, and the group waits for a member in a rebalance
    /// (`max.poll.interval.ms`).
    pub max_poll_interval: Duration,
    /// Whether the leader's request for metadata of the group's topics may create them
    /// (`allow.auto.create.topics`).
    pub allow_auto_create_topics: bool,
}

impl GroupRebalanceConfig {
    /// Kafka's defaults for a member of this group.
    pub fn new(group_id: &str) -> Self {
        Self {
            group_id: group_id.to_owned(),
            group_instance_id: None,
            session_timeout: Duration::from_secs(10),
            heartbeat_interval: Duration::from_secs(3),
            max_poll_interval: Duration::from_secs(300),
            allow_auto_create_topics: true,
        }
    }

    /// Checks the settings against each other.
    ///
    /// # Errors
    /// [`ClientError::Unsafe`], with Kafka's text.
    pub(super) fn check(&self) -> Result<(), ClientError> {
        if self.heartbeat_interval >= self.session_timeout {
            return Err(ClientError::Unsafe("Heartbeat must be set lower than the session timeout"));
        }
        Ok(())
    }
}

/// A time span in milliseconds, as the requests carry it.
pub(super) fn wire_millis(span: Duration) -> i32 {
    i32::try_from(span.as_millis()).unwrap_or(i32::MAX)
}

/// A time span in the unit of the machines.
pub(super) fn span(span: Duration) -> Millis {
    Millis::try_from(span.as_millis()).unwrap_or(Millis::MAX)
}
