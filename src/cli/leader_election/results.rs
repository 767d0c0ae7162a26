//! What has become of each partition of an election, as text and as JSON.
//!
//! Pure. Kafka: the second half of `LeaderElectionCommand.electLeaders`.

use serde::Serialize;

use crate::base::TopicPartition;
use crate::base::jvm_order::{self, partition_hash};
use crate::cli::named_partition::NamedPartition;
use crate::cli::throwable::JavaThrowable;
use crate::client::ClientError;
use crate::wire::error_code::ErrorCode;

/// The words in which a tool speaks of its elections.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct ElectionWords {
    /// The election, with its kind: `leader election (PREFERRED)`.
    pub election: &'static str,
    /// The replica that already leads, at the start of a sentence.
    pub elected: &'static str,
    /// The replicas that could not be elected.
    pub replicas: &'static str,
}

/// The results of an election. The lists are in the order of Kafka's sets of them.
#[derive(Debug, Default)]
pub(in crate::cli) struct ElectionResults {
    elected: Vec<TopicPartition>,
    not_needed: Vec<TopicPartition>,
    failed: Vec<(TopicPartition, ClientError)>,
}

impl ElectionResults {
    /// Sorts the results of partitions.
    ///
    /// # Errors
    /// That of the whole call, where it has failed.
    pub fn of(
        results: impl IntoIterator<Item = (TopicPartition, Result<(), ClientError>)>,
    ) -> Result<Self, ClientError> {
        let (mut elected, mut not_needed, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        for (id, result) in results {
            let hash = partition_hash(&id);
            match result {
                Ok(()) => elected.push((hash, id)),
                Err(ClientError::Refused { error: ErrorCode::ElectionNotNeeded, .. }) => {
                    not_needed.push((hash, id));
                }
                Err(error) if is_of_one_partition(&error) => failed.push((hash, (id, error))),
                Err(error) => return Err(error),
            }
        }
        Ok(Self {
            elected: jvm_order::scala_mutable_set(elected),
            not_needed: jvm_order::scala_mutable_set(not_needed),
            failed: jvm_order::scala_mutable_set(failed),
        })
    }

    /// The lines of Kafka's tool.
    pub fn lines(&self, words: ElectionWords) -> Vec<String> {
        let ElectionWords { election, elected, .. } = words;
        // Kafka's tools name the partitions that were elected in the line about those that did not need it, too.
        let list = self.elected.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let mut lines = Vec::new();
        if !self.elected.is_empty() {
            lines.push(format!("Successfully completed {election} for partitions {list}"));
        }
        if !self.not_needed.is_empty() {
            lines.push(format!("{elected} already elected for partitions {list}"));
        }
        lines.extend(self.failed.iter().map(|(id, error)| {
            let exception = JavaThrowable::from(error).head();
            format!("Error completing {election} for partition: {id}: {exception}")
        }));
        lines
    }

    /// The exception that ends Kafka's tool; None where every election came to its end.
    pub fn failure(&self, words: ElectionWords) -> Option<JavaThrowable> {
        let count = self.failed.len();
        let message = format!("{count} {} could not be elected", words.replicas);
        let suppressed = self.failed.iter().map(|(_, error)| JavaThrowable::from(error)).collect();
        (count > 0).then(|| JavaThrowable::command_failed(message).suppressing(suppressed))
    }

    /// The results as JSON has them.
    pub fn report(&self) -> ElectionReport {
        let named = |ids: &[TopicPartition]| ids.iter().map(NamedPartition::from).collect();
        let failed = self.failed.iter().map(|(id, error)| FailedElection {
            partition: id.into(),
            error: match error {
                ClientError::Refused { error, .. } => error.name().to_owned(),
                _ => ErrorCode::UnknownServerError.name().to_owned(),
            },
            message: error.to_string(),
        });
        ElectionReport {
            elected: named(&self.elected),
            not_needed: named(&self.not_needed),
            failed: failed.collect(),
        }
    }
}

/// Whether an error is about one partition, and not about the call.
fn is_of_one_partition(error: &ClientError) -> bool {
    matches!(error, ClientError::Refused { error, .. } if *error != ErrorCode::ClusterAuthorizationFailed)
}

/// The results as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct ElectionReport {
    elected: Vec<NamedPartition>,
    not_needed: Vec<NamedPartition>,
    failed: Vec<FailedElection>,
}

/// A partition without a new leader, and the reason.
#[derive(Debug, Serialize)]
struct FailedElection {
    #[serde(flatten)]
    partition: NamedPartition,
    error: String,
    message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: ElectionWords =
        ElectionWords { election: "election", elected: "Replica", replicas: "replica(s)" };

    fn id(partition: i32) -> TopicPartition {
        TopicPartition::new("tzk", partition)
    }

    fn refused(error: ErrorCode) -> Result<(), ClientError> {
        Err(ClientError::Refused { error, message: error.message().to_owned() })
    }

    #[test]
    fn partitions_are_named_by_what_became_of_them() {
        let unavailable = refused(ErrorCode::PreferredLeaderNotAvailable);
        let results = [(id(2), Ok(())), (id(5), Ok(())), (id(1), unavailable)];
        let results = ElectionResults::of(results).unwrap();
        let reason = "org.apache.kafka.common.errors.PreferredLeaderNotAvailableException: The preferred leader was not \
                      available.";
        assert_eq!(
            results.lines(WORDS),
            [
                "Successfully completed election for partitions tzk-5, tzk-2".to_owned(),
                format!("Error completing election for partition: tzk-1: {reason}"),
            ]
        );
        assert_eq!(
            results.failure(WORDS).unwrap().to_string(),
            format!(
                "kafka.common.AdminCommandFailedException: 1 replica(s) could not be elected\n\tSuppressed: {reason}"
            )
        );
    }

    #[test]
    fn an_election_that_was_not_needed_is_no_failure() {
        let results = ElectionResults::of([(id(0), refused(ErrorCode::ElectionNotNeeded))]).unwrap();
        assert_eq!(results.lines(WORDS), ["Replica already elected for partitions "]);
        assert!(results.failure(WORDS).is_none());
        assert!(ElectionResults::of([]).unwrap().lines(WORDS).is_empty());
    }

    #[test]
    fn an_error_of_the_call_is_none_of_a_partition() {
        let denied = refused(ErrorCode::ClusterAuthorizationFailed);
        assert!(ElectionResults::of([(id(0), denied)]).is_err());
    }
}
