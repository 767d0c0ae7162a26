//! What follows from the answers to the transaction manager's requests.
//!
//! Pure. Kafka: the `handleResponse` methods of `TransactionManager`'s handlers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::requests::{RequestPriority, TransactionalRequest, TxnRequestHandler};
use super::{ProducerTransactionState, TransactionManager};
use crate::base::{Millis, TopicPartition};
use crate::client::consumer::GroupError;
use crate::client::error::{ClientError, Recovery};
use crate::client::offsets::{ConsumerGroupMetadata, OffsetAndMetadata};
use crate::client::producer::batch::ProducerIdAndEpoch;
use crate::wire::error_code::ErrorCode;

/// How long the first partitions of a transaction wait for the end of the last one, in milliseconds: it is short, so
/// that one transaction can follow another at once.
const ADD_PARTITIONS_RETRY_BACKOFF: Millis = 20;

/// An answer, in the words of the request's API.
#[derive(Clone, Debug)]
pub enum TransactionalAnswer {
    /// The producer's id and epoch.
    Producer(ProducerIdAndEpoch),
    /// The outcome for each partition.
    Partitions(Vec<(TopicPartition, ErrorCode)>),
    /// The request as a whole was carried out, or was refused with this error.
    Whole(ErrorCode),
    /// There is no answer, or the coordinator cannot be found.
    Failed(ClientError),
}

/// A coordinator that must be looked up again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StaleCoordinator {
    /// That of the transactional id.
    Transaction,
    /// That of a group.
    Group(Arc<str>),
}

/// What is done after an answer.
enum AnswerStep {
    /// The request has done its work, and its call is over.
    Done,
    /// The request has done its work, and its call goes on with another request.
    Continued,
    /// The request is sent again after so many milliseconds.
    Again(Millis),
    /// The same, to a coordinator that is looked up anew.
    Relocate,
    /// The transaction can be aborted.
    Abortable(ClientError),
    /// The same, if the epoch can be raised; else the producer is at its end.
    AbortableByBump(ClientError),
    /// The producer is at its end.
    Fatal(ClientError),
}

impl TransactionManager {
    /// Applies the answer to the request that was sent; the coordinator that is to be forgotten.
    pub fn answered(&mut self, answer: TransactionalAnswer, now: Millis) -> Option<StaleCoordinator> {
        let handler = self.requests.take_sent()?;
        if self.state == ProducerTransactionState::FatalError {
            let error = self.last_error.clone().unwrap_or(ClientError::Closed);
            self.calls.finish(handler.call, Err(error));
            return None;
        }
        let step = self.step(&handler, answer);
        let coordinator = match &handler.request {
            TransactionalRequest::TxnOffsetCommit { group, .. } => {
                Some(StaleCoordinator::Group(group.group_id.as_str().into()))
            }
            _ => Some(StaleCoordinator::Transaction).filter(|_| self.is_transactional()),
        };
        match step {
            AnswerStep::Done => {
                self.calls.finish(handler.call, Ok(()));
                None
            }
            AnswerStep::Continued => None,
            AnswerStep::Again(wait) => {
                self.send_again(handler, now + wait);
                None
            }
            AnswerStep::Relocate => {
                let at = now + self.settings.retry_backoff;
                self.send_again(handler, at);
                coordinator
            }
            AnswerStep::AbortableByBump(error) if self.can_bump_epoch() => {
                self.epoch_bump_required = true;
                self.abort_for(&handler, error)
            }
            AnswerStep::Abortable(error) => self.abort_for(&handler, error),
            AnswerStep::AbortableByBump(error) | AnswerStep::Fatal(error) => {
                self.calls.finish(handler.call, Err(error.clone()));
                self.become_fatal(error);
                None
            }
        }
    }

    fn abort_for(&mut self, handler: &TxnRequestHandler, error: ClientError) -> Option<StaleCoordinator> {
        self.pending_offsets.clear();
        self.calls.finish(handler.call, Err(error.clone()));
        self.become_abortable(error);
        None
    }

    fn send_again(&mut self, mut handler: TxnRequestHandler, not_before: Millis) {
        if let TransactionalRequest::TxnOffsetCommit { offsets, .. } = &mut handler.request {
            offsets.clone_from(&self.pending_offsets);
        }
        self.requests.push_again(TxnRequestHandler { not_before, ..handler });
    }

    fn step(&mut self, handler: &TxnRequestHandler, answer: TransactionalAnswer) -> AnswerStep {
        match (&handler.request, answer) {
            (_, TransactionalAnswer::Failed(error)) => without_answer(error),
            (TransactionalRequest::InitProducerId { .. }, TransactionalAnswer::Producer(producer)) => {
                self.initialized(producer, handler.priority);
                AnswerStep::Done
            }
            (TransactionalRequest::InitProducerId { .. }, TransactionalAnswer::Whole(error)) => {
                self.init_refused(error)
            }
            (TransactionalRequest::AddPartitions { .. }, TransactionalAnswer::Partitions(results)) => {
                self.partitions_added(&results)
            }
            (
                TransactionalRequest::AddOffsets { group, offsets, .. },
                TransactionalAnswer::Whole(ErrorCode::None),
            ) => {
                self.offsets_added(handler, group.clone(), offsets.clone());
                AnswerStep::Continued
            }
            (TransactionalRequest::AddOffsets { group, .. }, TransactionalAnswer::Whole(error)) => {
                self.add_offsets_refused(&group.group_id, error)
            }
            (
                TransactionalRequest::TxnOffsetCommit { group, .. },
                TransactionalAnswer::Partitions(results),
            ) => self.offsets_committed(&group.group_id, &results),
            (TransactionalRequest::EndTxn { .. }, TransactionalAnswer::Whole(error)) => {
                self.transaction_ended(handler, error)
            }
            _ => AnswerStep::Fatal(unexpected("Could not execute transactional request for unknown reasons")),
        }
    }

    fn initialized(&mut self, producer: ProducerIdAndEpoch, priority: RequestPriority) {
        self.producer = Some(producer);
        if self.state.may_become(ProducerTransactionState::Ready) {
            (self.state, self.last_error) = (ProducerTransactionState::Ready, None);
        }
        if priority == RequestPriority::EpochBump {
            self.bookkeeper.reset();
            self.partitions_to_rewrite.clear();
            self.epoch_bump_required = false;
            self.clear_transaction();
        } else {
            self.rewrite_sequences();
        }
    }

    fn init_refused(&self, error: ErrorCode) -> AnswerStep {
        match error {
            ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable => AnswerStep::Relocate,
            ErrorCode::CoordinatorLoadInProgress | ErrorCode::ConcurrentTransactions => {
                AnswerStep::Again(self.settings.retry_backoff)
            }
            ErrorCode::TransactionalIdAuthorizationFailed | ErrorCode::ClusterAuthorizationFailed => {
                AnswerStep::Fatal(ClientError::refused(error))
            }
            ErrorCode::InvalidProducerEpoch | ErrorCode::ProducerFenced => AnswerStep::Fatal(fenced()),
            error => AnswerStep::Fatal(unexpected(&format!(
                "Unexpected error in InitProducerIdResponse; {}",
                error.message()
            ))),
        }
    }

    fn partitions_added(&mut self, results: &[(TopicPartition, ErrorCode)]) -> AnswerStep {
        let backoff = self.settings.retry_backoff;
        let (mut unauthorized, mut failed) = (Vec::new(), Vec::new());
        for (partition, error) in results {
            match *error {
                ErrorCode::None => {}
                ErrorCode::CoordinatorNotAvailable | ErrorCode::NotCoordinator => {
                    return AnswerStep::Relocate;
                }
                ErrorCode::ConcurrentTransactions if self.partitions.is_empty() => {
                    return AnswerStep::Again(backoff.min(ADD_PARTITIONS_RETRY_BACKOFF));
                }
                ErrorCode::ConcurrentTransactions
                | ErrorCode::CoordinatorLoadInProgress
                | ErrorCode::UnknownTopicOrPartition => return AnswerStep::Again(backoff),
                ErrorCode::InvalidProducerEpoch | ErrorCode::ProducerFenced => {
                    return AnswerStep::Fatal(fenced());
                }
                ErrorCode::TransactionalIdAuthorizationFailed => {
                    return AnswerStep::Fatal(ClientError::refused(*error));
                }
                ErrorCode::InvalidTxnState => {
                    return AnswerStep::Fatal(wrapped(ClientError::refused(*error)));
                }
                ErrorCode::UnknownProducerId | ErrorCode::InvalidProducerIdMapping => {
                    return AnswerStep::AbortableByBump(ClientError::refused(*error));
                }
                ErrorCode::TopicAuthorizationFailed => unauthorized.push(partition.topic.to_string()),
                error => failed.push(format!("{partition}={}", error.name())),
            }
        }
        // Only what was asked for is added.
        let asked = results.iter().map(|(partition, _)| partition);
        let asked: Vec<_> = asked.filter_map(|partition| self.pending_partitions.take(partition)).collect();
        unauthorized.sort();
        unauthorized.dedup();
        if !unauthorized.is_empty() {
            return AnswerStep::Abortable(ClientError::Refused {
                error: ErrorCode::TopicAuthorizationFailed,
                message: format!("Not authorized to access topics: [{}]", unauthorized.join(", ")),
            });
        }
        if !failed.is_empty() {
            let message =
                format!("Could not add partitions to transaction due to errors: {{{}}}", failed.join(", "));
            return AnswerStep::Abortable(abortable(message));
        }
        self.partitions.extend(asked);
        self.transaction_started = true;
        AnswerStep::Done
    }

    fn offsets_added(
        &mut self,
        handler: &TxnRequestHandler,
        group: ConsumerGroupMetadata,
        offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
    ) {
        self.transaction_started = true;
        let Some(producer) = self.producer else { return };
        self.pending_offsets.extend(offsets);
        let offsets = self.pending_offsets.clone();
        let request = TransactionalRequest::TxnOffsetCommit { producer, group, offsets };
        let call = handler.call;
        self.requests.push(TxnRequestHandler::new(request, RequestPriority::AddPartitionsOrOffsets, call));
    }

    fn add_offsets_refused(&self, group_id: &str, error: ErrorCode) -> AnswerStep {
        match error {
            ErrorCode::CoordinatorNotAvailable | ErrorCode::NotCoordinator => AnswerStep::Relocate,
            ErrorCode::CoordinatorLoadInProgress | ErrorCode::ConcurrentTransactions => {
                AnswerStep::Again(self.settings.retry_backoff)
            }
            ErrorCode::UnknownProducerId | ErrorCode::InvalidProducerIdMapping => {
                AnswerStep::AbortableByBump(ClientError::refused(error))
            }
            ErrorCode::InvalidProducerEpoch | ErrorCode::ProducerFenced => AnswerStep::Fatal(fenced()),
            ErrorCode::TransactionalIdAuthorizationFailed => AnswerStep::Fatal(ClientError::refused(error)),
            ErrorCode::GroupAuthorizationFailed => AnswerStep::Abortable(group_not_authorized(group_id)),
            error => AnswerStep::Fatal(unexpected(&format!(
                "Unexpected error in AddOffsetsToTxnResponse: {}",
                error.message()
            ))),
        }
    }

    fn offsets_committed(&mut self, group_id: &str, results: &[(TopicPartition, ErrorCode)]) -> AnswerStep {
        let mut relocates = false;
        for (partition, error) in results {
            match *error {
                ErrorCode::None => {
                    self.pending_offsets.remove(partition);
                }
                ErrorCode::CoordinatorNotAvailable
                | ErrorCode::NotCoordinator
                | ErrorCode::RequestTimedOut => relocates = true,
                ErrorCode::UnknownTopicOrPartition | ErrorCode::CoordinatorLoadInProgress => {}
                ErrorCode::GroupAuthorizationFailed => {
                    return AnswerStep::Abortable(group_not_authorized(group_id));
                }
                ErrorCode::FencedInstanceId => return AnswerStep::Abortable(ClientError::refused(*error)),
                ErrorCode::UnknownMemberId | ErrorCode::IllegalGeneration => {
                    return AnswerStep::Abortable(GroupError::MetadataMismatch(*error).into());
                }
                ErrorCode::InvalidProducerEpoch | ErrorCode::ProducerFenced => {
                    return AnswerStep::Fatal(fenced());
                }
                ErrorCode::TransactionalIdAuthorizationFailed | ErrorCode::UnsupportedForMessageFormat => {
                    return AnswerStep::Fatal(ClientError::refused(*error));
                }
                error => {
                    return AnswerStep::Fatal(unexpected(&format!(
                        "Unexpected error in TxnOffsetCommitResponse: {}",
                        error.message()
                    )));
                }
            }
        }
        match (self.pending_offsets.is_empty(), relocates) {
            (true, _) => AnswerStep::Done,
            (false, true) => AnswerStep::Relocate,
            (false, false) => AnswerStep::Again(self.settings.retry_backoff),
        }
    }

    fn transaction_ended(&mut self, handler: &TxnRequestHandler, error: ErrorCode) -> AnswerStep {
        match error {
            ErrorCode::None => {
                self.complete_transaction(handler.call);
                AnswerStep::Continued
            }
            ErrorCode::CoordinatorNotAvailable | ErrorCode::NotCoordinator => AnswerStep::Relocate,
            ErrorCode::CoordinatorLoadInProgress | ErrorCode::ConcurrentTransactions => {
                AnswerStep::Again(self.settings.retry_backoff)
            }
            ErrorCode::InvalidProducerEpoch | ErrorCode::ProducerFenced => AnswerStep::Fatal(fenced()),
            ErrorCode::TransactionalIdAuthorizationFailed | ErrorCode::InvalidTxnState => {
                AnswerStep::Fatal(ClientError::refused(error))
            }
            ErrorCode::UnknownProducerId | ErrorCode::InvalidProducerIdMapping => {
                AnswerStep::AbortableByBump(ClientError::refused(error))
            }
            error => AnswerStep::Fatal(unexpected(&format!(
                "Unhandled error in EndTxnResponse: {}",
                error.message()
            ))),
        }
    }
}

/// What follows where there is no answer: another coordinator is looked for, unless that cannot help.
fn without_answer(error: ClientError) -> AnswerStep {
    match error.code() {
        Some(ErrorCode::GroupAuthorizationFailed) => AnswerStep::Abortable(error),
        _ if error.is_retriable() => AnswerStep::Relocate,
        _ => AnswerStep::Fatal(error),
    }
}

fn fenced() -> ClientError {
    ClientError::refused(ErrorCode::ProducerFenced)
}

fn unexpected(message: &str) -> ClientError {
    ClientError::TransactionFailed { message: message.to_owned(), recovery: Recovery::Fatal, cause: None }
}

/// An error as Kafka wraps it into a `KafkaException`, whose text names the exception inside.
fn wrapped(error: ClientError) -> ClientError {
    ClientError::TransactionFailed {
        message: format!("{}: {error}", error.java_exception()),
        recovery: Recovery::Fatal,
        cause: Some(Box::new(error)),
    }
}

fn group_not_authorized(group_id: &str) -> ClientError {
    let message = format!("Not authorized to access group: {group_id}");
    ClientError::Refused { error: ErrorCode::GroupAuthorizationFailed, message }
}

fn abortable(message: String) -> ClientError {
    ClientError::TransactionFailed { message, recovery: Recovery::Abort, cause: None }
}
