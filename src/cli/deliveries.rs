//! Records on their way, with what a tool keeps about each until it is answered.
//!
//! A task for each partition awaits its deliveries in the order in which they were accepted, so that an outcome is
//! known as soon as it has come, and a record costs no task of its own.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::base::TopicPartition;
use crate::client::{ClientError, Delivery, RecordMetadata};

/// What came of a record.
pub type DeliveryOutcome = Result<RecordMetadata, ClientError>;

/// The deliveries of one producer; its memory bounds how many there are.
pub struct PendingDeliveries<T> {
    answered: Arc<dyn Fn(T, DeliveryOutcome) + Send + Sync>,
    partitions: HashMap<TopicPartition, UnboundedSender<(T, Delivery)>>,
    tasks: JoinSet<()>,
}

impl<T: Send + 'static> PendingDeliveries<T> {
    /// Calls `answered` with what was kept about each record once its outcome is known; for one partition in order.
    pub fn new(answered: impl Fn(T, DeliveryOutcome) + Send + Sync + 'static) -> Self {
        Self { answered: Arc::new(answered), partitions: HashMap::new(), tasks: JoinSet::new() }
    }

    /// Adds a record, or reports at once why it was not accepted.
    pub fn add(&mut self, kept: T, accepted: Result<Delivery, ClientError>) {
        let delivery = match accepted {
            Ok(delivery) => delivery,
            Err(error) => return (self.answered)(kept, Err(error)),
        };
        let queue = match self.partitions.get(delivery.partition()) {
            Some(queue) => queue,
            None => {
                let (queue, deliveries) = unbounded_channel();
                self.tasks.spawn(await_in_order(deliveries, self.answered.clone()));
                self.partitions.entry(delivery.partition().clone()).or_insert(queue)
            }
        };
        // The task ends only when the queue is dropped.
        let _ = queue.send((kept, delivery));
    }

    /// Waits until all are answered.
    pub async fn finish(mut self) {
        self.partitions.clear();
        while self.tasks.join_next().await.is_some() {}
    }
}

async fn await_in_order<T>(
    mut deliveries: UnboundedReceiver<(T, Delivery)>,
    answered: Arc<dyn Fn(T, DeliveryOutcome) + Send + Sync>,
) {
    while let Some((kept, delivery)) = deliveries.recv().await {
        answered(kept, delivery.await);
    }
}
