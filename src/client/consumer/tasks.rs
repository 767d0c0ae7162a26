//! What a consumer waits for in the background: answers to fetches and lookups, and batches that are being unpacked.
//!
//! Each is a task of its own, so that it goes on while the application works on its records. All of them end with the
//! consumer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::task::JoinSet;

use super::coordinator::ConsumerCoordinator;
use super::fetcher::{UnpackTask, UnpackedBatch};
use super::offset_lookup::{self, OffsetsFound};
use super::offset_validation::{self, ValidationAnswer};
use super::shared::ConsumerShared;
use super::subscription_state::ConsumerPosition;
use crate::base::{BrokerId, Millis, TopicPartition};
use crate::client::error::ClientError;
use crate::client::metadata::Target;
use crate::client::offsets::OffsetAndMetadata;
use crate::client::settings::OffsetReset;
use crate::wire::message::fetch::{FetchRequest, FetchResponse};

/// What a task has found.
pub(super) enum TaskOutcome {
    /// The answer to a fetch.
    Fetched { broker: BrokerId, answer: Result<FetchResponse, ClientError> },
    /// The offsets of partitions to be reset.
    Reset { asked: BTreeMap<TopicPartition, OffsetReset>, outcome: Result<OffsetsFound, ClientError> },
    /// Where the epochs of positions end.
    Validated {
        asked: BTreeMap<TopicPartition, ConsumerPosition>,
        outcome: Result<BTreeMap<TopicPartition, ValidationAnswer>, ClientError>,
    },
    /// What the group has committed of partitions without a position.
    Committed {
        asked: BTreeSet<TopicPartition>,
        outcome: Result<BTreeMap<TopicPartition, Option<OffsetAndMetadata>>, ClientError>,
    },
    /// A commit that the consumer has made by itself.
    AutoCommitted(Result<(), ClientError>),
    /// A batch.
    Unpacked(UnpackedBatch),
}

/// The tasks of a consumer.
pub(super) struct ConsumerTasks {
    running: JoinSet<TaskOutcome>,
}

impl ConsumerTasks {
    pub(super) fn new() -> Self {
        Self { running: JoinSet::new() }
    }

    /// What has been found, if anything.
    ///
    /// # Errors
    /// [`ClientError::Closed`] where the runtime is shutting down.
    pub(super) fn try_next(&mut self) -> Result<Option<TaskOutcome>, ClientError> {
        self.running.try_join_next().map(joined).transpose()
    }

    /// Waits for what is found next; for ever where nothing is looked for. May be dropped at any time.
    ///
    /// # Errors
    /// As [`ConsumerTasks::try_next`].
    pub(super) async fn next(&mut self) -> Result<TaskOutcome, ClientError> {
        match self.running.join_next().await {
            Some(outcome) => joined(outcome),
            None => std::future::pending().await,
        }
    }

    /// Sends a fetch.
    pub(super) fn fetch(&mut self, shared: &Arc<ConsumerShared>, broker: BrokerId, request: FetchRequest) {
        let shared = shared.clone();
        self.running.spawn(async move {
            // The broker may let the fetch wait before it begins to answer.
            let limit = shared.settings.cluster.request_timeout + shared.settings.fetch_max_wait;
            let answer = shared.cluster.call_within(&Target::Broker(broker), &request, limit).await;
            TaskOutcome::Fetched { broker, answer }
        });
    }

    /// Looks up the start or the end of partitions.
    pub(super) fn reset(
        &mut self,
        shared: &Arc<ConsumerShared>,
        asked: BTreeMap<TopicPartition, OffsetReset>,
    ) {
        let shared = shared.clone();
        self.running.spawn(async move {
            let times = asked.iter().map(|(id, to)| (id.clone(), timestamp(*to))).collect();
            let outcome =
                offset_lookup::ask_once(&shared.cluster, &times, shared.settings.read_committed).await;
            TaskOutcome::Reset { asked, outcome }
        });
    }

    /// Looks up where the epochs of positions end.
    pub(super) fn validate(
        &mut self,
        shared: &Arc<ConsumerShared>,
        asked: BTreeMap<TopicPartition, ConsumerPosition>,
    ) {
        let shared = shared.clone();
        self.running.spawn(async move {
            let outcome = offset_validation::ask_once(&shared.cluster, &asked).await;
            TaskOutcome::Validated { asked, outcome }
        });
    }

    /// Looks up what the group has committed.
    pub(super) fn committed(
        &mut self,
        coordinator: &Arc<ConsumerCoordinator>,
        asked: BTreeSet<TopicPartition>,
    ) {
        let coordinator = Arc::downgrade(coordinator);
        self.spawn(async move {
            let partitions: Vec<_> = asked.iter().cloned().collect();
            let outcome = match coordinator.upgrade() {
                Some(coordinator) => coordinator.committed(&partitions).await,
                None => Err(ClientError::Closed),
            };
            TaskOutcome::Committed { asked, outcome }
        });
    }

    /// Runs a task.
    pub(super) fn spawn(&mut self, task: impl Future<Output = TaskOutcome> + Send + 'static) {
        self.running.spawn(task);
    }

    /// Unpacks a batch on a thread that may block.
    pub(super) fn unpack(&mut self, task: UnpackTask) {
        self.running.spawn_blocking(move || TaskOutcome::Unpacked(task.run()));
    }
}

fn joined(outcome: Result<TaskOutcome, tokio::task::JoinError>) -> Result<TaskOutcome, ClientError> {
    outcome.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => ClientError::Closed,
    })
}

fn timestamp(to: OffsetReset) -> Millis {
    match to {
        OffsetReset::Earliest => offset_lookup::EARLIEST_TIMESTAMP,
        OffsetReset::Latest | OffsetReset::None => offset_lookup::LATEST_TIMESTAMP,
    }
}
