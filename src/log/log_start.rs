//! The listener that is notified when a log start moves: by retention, or because records were deleted.
//!
//! Kafka: nothing; there, each fetch looks at every log.

use std::fmt;
use std::sync::OnceLock;

use crate::base::TopicPartition;

type StartListener = Box<dyn Fn(&TopicPartition) + Send + Sync>;

/// The one listener, once there is one.
#[derive(Default)]
pub struct LogStartListener(OnceLock<StartListener>);

impl LogStartListener {
    /// Has this called with each partition whose log starts later; not for the second time. It is called under the lock
    /// of the log's appender, and must not wait.
    pub fn listen(&self, listener: impl Fn(&TopicPartition) + Send + Sync + 'static) {
        let _ = self.0.set(Box::new(listener)); // The first one stays.
    }

    pub(super) fn moved(&self, partition: &TopicPartition) {
        if let Some(listener) = self.0.get() {
            listener(partition);
        }
    }
}

impl fmt::Debug for LogStartListener {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LogStartListener").finish_non_exhaustive()
    }
}
