//! The records that are ready for the application, and the one that it works on.
//!
//! The task of the consumer fills it, the application takes records one by one. A record counts as read once the
//! application comes back for the next one. Kafka: `KafkaStream`, `ConsumerIterator`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::base::{Offset, TopicPartition};
use crate::client::consumer::{ConsumerRecord, ConsumerRecords, OwnedRecords};
use crate::client::error::ClientError;

/// What lies between the task of a consumer and its application.
#[derive(Debug, Default)]
pub(super) struct Handout {
    state: Mutex<HandoutState>,
    /// There is something for the application.
    filled: Notify,
    /// The application has taken all records, or has come back where that is awaited.
    taken: Notify,
}

#[derive(Debug, Default)]
struct HandoutState {
    records: OwnedRecords,
    /// Where the record lies that the application works on.
    in_hand: Option<(TopicPartition, Offset)>,
    /// Whether the task waits until the application has done with that record.
    is_awaited: bool,
    error: Option<ClientError>,
    /// Nothing is given out, as the session may be over.
    is_suspended: bool,
    /// The session that the records belong to.
    generation: u64,
    is_over: bool,
}

impl Handout {
    /// The next record, as long as it takes. May be dropped at any time.
    ///
    /// # Errors
    /// What keeps the consumer from going on; [`ClientError::Closed`].
    pub(super) async fn next(&self) -> Result<ConsumerRecord, ClientError> {
        loop {
            {
                let mut state = self.state.lock();
                if state.in_hand.take().is_some() && state.is_awaited {
                    self.taken.notify_one();
                }
                if let Some(error) = state.error.take() {
                    self.taken.notify_one();
                    return Err(error);
                }
                if !state.is_suspended
                    && let Some(record) = state.records.next()
                {
                    state.in_hand = Some((record.partition.clone(), record.offset));
                    if state.records.is_empty() {
                        self.taken.notify_one();
                    }
                    return Ok(record);
                }
                if state.is_over {
                    return Err(ClientError::Closed);
                }
                self.taken.notify_one();
            }
            self.filled.notified().await;
        }
    }

    /// The application has done with the record that it worked on.
    pub(super) fn done(&self) {
        if self.state.lock().in_hand.take().is_some() {
            self.taken.notify_one();
        }
    }

    /// Whether the task should bring more.
    pub(super) fn wants_more(&self) -> bool {
        let state = self.state.lock();
        state.error.is_none() && state.records.is_empty()
    }

    /// Waits until the application has taken what there was.
    pub(super) async fn taken(&self) {
        self.taken.notified().await;
    }

    /// Adds records of a session, if it is still the present one. All that were there have been taken.
    pub(super) fn fill(&self, records: ConsumerRecords, generation: u64) {
        let mut state = self.state.lock();
        if state.generation == generation {
            state.records = records.into_iter();
            self.filled.notify_one();
        }
    }

    /// Has the application see an error.
    pub(super) fn fail(&self, error: ClientError) {
        self.state.lock().error = Some(error);
        self.filled.notify_one();
    }

    /// Where the records begin that the application has not done with, of each partition that has such.
    pub(super) fn unfinished(&self) -> BTreeMap<TopicPartition, Offset> {
        let state = self.state.lock();
        let mut offsets: BTreeMap<_, _> =
            state.records.unread().map(|it| (it.partition, it.offset)).collect();
        offsets.extend(state.in_hand.clone());
        offsets
    }

    /// Gives out no more of these partitions, and waits for up to `limit` until the application has done with what it
    /// has of them. Returns where the records begin that it has not done with.
    pub(super) async fn take_back(
        &self,
        partitions: &BTreeSet<TopicPartition>,
        limit: Duration,
    ) -> BTreeMap<TopicPartition, Offset> {
        let mut left: BTreeMap<_, _> = {
            let mut state = self.state.lock();
            state.is_awaited = true;
            let gone = partitions.iter().filter_map(|id| state.records.remove(id));
            gone.map(|it| (it.partition, it.offset)).collect()
        };
        let end = Instant::now() + limit;
        let in_hand = || self.state.lock().in_hand.clone().filter(|(id, _)| partitions.contains(id));
        while in_hand().is_some() && timeout_at(end, self.taken.notified()).await.is_ok() {}
        left.extend(in_hand());
        self.state.lock().is_awaited = false;
        left
    }

    /// The session may be over: nothing is given out until it is known.
    pub(super) fn suspend(&self) {
        self.state.lock().is_suspended = true;
    }

    /// The session is alive.
    pub(super) fn resume(&self) {
        self.state.lock().is_suspended = false;
        self.filled.notify_one();
    }

    /// A session of this generation has begun. What was there of an earlier one is dropped: others may read it by now.
    pub(super) fn begin(&self, generation: u64) {
        let mut state = self.state.lock();
        if state.generation != generation {
            state.generation = generation;
            state.records = OwnedRecords::default();
            state.in_hand = None;
            self.taken.notify_one();
        }
    }

    /// There will be no more.
    pub(super) fn end(&self) {
        self.state.lock().is_over = true;
        self.filled.notify_one();
    }
}
