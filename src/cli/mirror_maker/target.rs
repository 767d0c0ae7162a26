//! The producer that all streams share, and whether the tool is to end.
//!
//! Kafka: `MirrorMaker.MirrorMakerProducer`, `MirrorMakerProducerCallback`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{LOGGER, MirrorCommand};
use crate::base::TopicPartition;
use crate::cli::clients;
use crate::cli::java::JavaException;
use crate::cli::throwable::JavaThrowable;
use crate::client::events::ClientEvent;
use crate::client::{ClientError, Producer, ProducerRecord};

/// How long the producer may take to write what is left when the tool ends.
const LAST_WRITES: Duration = Duration::from_secs(30);

/// Where records are copied to.
pub(super) struct MirrorTarget {
    producer: Producer,
    failures: Arc<SendFailures>,
    /// Whether each record is awaited.
    sync: bool,
    /// The tool is to end: by a signal, or as a stream or the producer has failed.
    ending: CancellationToken,
}

/// What becomes of records that cannot be written.
struct SendFailures {
    aborts: bool,
    /// A record has failed, and nothing may be committed any more.
    has_aborted: AtomicBool,
    ending: CancellationToken,
}

impl SendFailures {
    fn report(&self, records: usize, partition: Option<&TopicPartition>, error: &ClientError) {
        let at = partition.map_or_else(String::new, |partition| format!(" to partition {partition}"));
        let target = "org.apache.kafka.clients.producer.internals.ErrorLoggingCallback";
        log::error!(target: target, "Error when sending {records} message(s){at} with error:");
        eprintln!("{}", JavaException(error));
        if self.aborts {
            self.has_aborted.store(true, Ordering::SeqCst);
            self.ending.cancel();
        }
    }
}

impl MirrorTarget {
    /// The producer of a command.
    ///
    /// # Errors
    /// What the constructor of Java's producer throws.
    pub(super) async fn start(command: &MirrorCommand) -> Result<Self, JavaThrowable> {
        let ending = CancellationToken::new();
        let failures = Arc::new(SendFailures {
            aborts: command.abort_on_send_failure,
            has_aborted: AtomicBool::new(false),
            ending: ending.clone(),
        });
        let watched = failures.clone();
        let settings = clients::producer_settings(&command.producer, move |event| {
            if let ClientEvent::BatchFailed { partition, records, error } = event {
                watched.report(*records, Some(partition), error);
            }
        })?;
        let producer = Producer::new(settings)
            .await
            .map_err(|error| JavaThrowable::of_construction("producer", &error))?;
        Ok(Self { producer, failures, sync: command.sync, ending })
    }

    /// Accepts a record. One that is refused is reported; the options are whether the tool goes on then.
    ///
    /// # Errors
    /// The producer can send no more.
    pub(super) async fn send(&self, record: ProducerRecord) -> Result<(), ClientError> {
        match self.producer.send(record).await {
            Ok(delivery) if self.sync => {
                // The producer reports the batch.
                let _ = delivery.await;
            }
            Ok(delivery) => drop(delivery),
            Err(error @ ClientError::Closed) => return Err(error),
            Err(error) => self.failures.report(1, None, &error),
        }
        Ok(())
    }

    /// Waits until all that was accepted is written; false where it must not be committed: a record has failed, or the
    /// tool is to end and the target does not answer.
    pub(super) async fn flush(&self) -> bool {
        let patience = async {
            self.ending.cancelled().await;
            tokio::time::sleep(LAST_WRITES).await;
        };
        tokio::select! {
            () = self.producer.flush() => !self.has_aborted(),
            () = patience => {
                log::warn!(target: LOGGER, "The target cluster does not answer; its last records are not committed.");
                false
            }
        }
    }

    /// Whether a record has failed, and nothing may be committed any more.
    pub(super) fn has_aborted(&self) -> bool {
        self.failures.has_aborted.load(Ordering::SeqCst)
    }

    /// What is cancelled once the tool is to end.
    pub(super) fn ending(&self) -> CancellationToken {
        self.ending.clone()
    }

    /// Ends the producer. What it could not write by now is not waited for again.
    pub(super) async fn close(self) {
        self.producer.close(Duration::ZERO).await;
    }
}
