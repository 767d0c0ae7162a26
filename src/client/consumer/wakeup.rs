//! Ends a wait of a consumer from elsewhere. Kafka: `KafkaConsumer.wakeup`.

use std::sync::Arc;

use tokio::sync::Notify;

/// Wakes its consumer up; cheap to clone, and may be used by any thread or task.
#[derive(Clone, Debug, Default)]
pub struct WakeupHandle(Arc<Notify>);

impl WakeupHandle {
    /// Ends the call in which the consumer waits, or else the next one that would wait, with
    /// [`super::ConsumerError::Wakeup`].
    pub fn wakeup(&self) {
        self.0.notify_one();
    }

    /// Waits for the next wake-up, and takes it.
    pub(super) async fn woken(&self) {
        self.0.notified().await;
    }
}
