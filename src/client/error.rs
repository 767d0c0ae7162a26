//! Why a client's call failed, and what its caller can do about it.
//!
//! Pure. Texts are those of Kafka's clients; [`ClientError::java_exception`] is the class of their exception.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::consumer::{ConsumerError, GroupError};
use crate::base::Millis;
use crate::net::peer::{PeerError, SaslRefusal};
use crate::security::jaas::JaasError;
use crate::wire::api_key::ApiKey;
use crate::wire::batch::BatchError;
use crate::wire::error_code::ErrorCode;
use crate::zk::ZkError;

/// Why an exchange with a broker has failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The connection could not be made, or ended before the answer.
    #[error("{0}")]
    Io(Arc<io::Error>),
    /// The answer did not come in time (`request.timeout.ms`).
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The answer is not what the protocol promises; the text names what is wrong.
    #[error("{0}")]
    Malformed(String),
}

/// Why a call failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClientError {
    /// A bootstrap address is no `host:port`. Kafka's text.
    #[error("Invalid url in bootstrap.servers: {0}")]
    BadAddress(String),
    /// No bootstrap server has a name that can be looked up. Kafka's text.
    #[error("No resolvable bootstrap urls given in bootstrap.servers")]
    NoneResolvable,
    /// A setting has a value that it cannot have. Kafka's text.
    #[error("Invalid value {value} for configuration {key}: {reason}")]
    BadSetting {
        /// The setting.
        key: &'static str,
        /// What was given.
        value: String,
        /// What it should be.
        reason: String,
    },
    /// Two settings exclude each other. Kafka's text.
    #[error("{0}")]
    Unsafe(&'static str),
    /// There is no codec of this name. Kafka's text.
    #[error("Unknown compression name: {0}")]
    UnknownCompression(String),
    /// The connection failed or the answer did not come in time.
    #[error("{0}")]
    Connection(ConnectionError),
    /// The client's user and password are not given as they must be. Kafka's text, without a value.
    #[error("{0}")]
    Jaas(#[from] JaasError),
    /// A broker answered with an error, or a side could not authenticate the other.
    #[error("{message}")]
    Refused {
        /// The error.
        error: ErrorCode,
        /// The broker's own text, or Kafka's default text.
        message: String,
    },
    /// A broker answered with an error that such a request does not have. Kafka's text.
    #[error("{message}")]
    Unexpected {
        /// The error.
        error: ErrorCode,
        /// What was asked for, and the error's default text.
        message: String,
    },
    /// The broker has no version of the API that this client knows.
    #[error("The broker does not support {0}")]
    Unsupported(ApiKey),
    /// The broker is too old for what the request asks for. Kafka's text.
    #[error("Attempted to write a non-default {} at version {version}", camel_case(field))]
    UnsupportedField {
        /// The API that was called.
        api: ApiKey,
        /// The field of the request.
        field: &'static str,
        /// The newest version that both sides know.
        version: i16,
    },
    /// No broker has the id that was asked for, or the partition has no leader at the moment.
    #[error("There is no in-sync replica.")]
    NoLeader,
    /// The time for a call is over, retries included.
    #[error("{last}")]
    CallTimedOut {
        /// The API that was called.
        api: ApiKey,
        /// When the call was given up, in milliseconds since the Unix epoch.
        at: Millis,
        /// The error of the last attempt.
        last: Box<ClientError>,
    },
    /// A wait inside the client took too long; the text names what it waited for.
    #[error("{0}")]
    Timeout(String),
    /// The client is in a state in which this cannot be called.
    #[error("{0}")]
    IllegalState(#[from] StateViolation),
    /// A transaction or an idempotent producer has failed. Kafka's text.
    #[error("{message}")]
    TransactionFailed {
        /// What cannot be done.
        message: String,
        /// What the caller can do: abort the transaction, or give up the producer.
        recovery: Recovery,
        /// The error that it failed with, where there was one.
        #[source]
        cause: Option<Box<ClientError>>,
    },
    /// A call of a consumer failed for a reason of its own.
    #[error(transparent)]
    Consumer(#[from] ConsumerError),
    /// Records in an answer cannot be read.
    #[error("{0}")]
    Records(#[from] BatchError),
    /// The consumer cannot take part in its group, or cannot commit.
    #[error("{0}")]
    Group(#[from] GroupError),
    /// The ensemble that the client follows cannot be reached or refuses; the text is ZooKeeper's.
    #[error("{0}")]
    ZooKeeper(ZkError),
    /// A consumer that follows the znodes could not become the owner of its partitions. Kafka's text.
    #[error("{consumer} can't rebalance after {retries} retries")]
    RebalanceFailed {
        /// The consumer's id.
        consumer: String,
        /// How often it tried.
        retries: u32,
    },
    /// The client was closed, or its runtime is shutting down.
    #[error("The client is closed")]
    Closed,
}

/// Why a call was not possible. Kafka's texts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateViolation {
    /// The call is for another kind of client, or for another time.
    #[error("{0}")]
    Call(String),
    /// A transactional producer cannot go from its state to the one that the call needs. Kafka: `KafkaException`.
    #[error("{0}")]
    Transition(String),
}

/// What the caller of a failed call can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Call again a little later: the same call may succeed.
    Retry,
    /// Give up what the call was for (the record, the transaction). Other calls of the client may succeed.
    Abort,
    /// Give up the client: no call of it can succeed with its settings, or another client has taken its
    /// place.
    Fatal,
}

impl ClientError {
    /// The error of an exchange.
    pub(super) fn of_peer(error: PeerError) -> Self {
        Self::Connection(match error {
            PeerError::Io(error) => ConnectionError::Io(Arc::new(error)),
            PeerError::Timeout(limit) => ConnectionError::TimedOut(limit),
            PeerError::Wire(error) => ConnectionError::Malformed(error.to_string()),
            PeerError::Authentication(SaslRefusal { error, message }) => {
                return Self::Refused { error, message };
            }
        })
    }

    /// An answer's error, with the broker's own text if it gave one; Ok if there is none.
    ///
    /// # Errors
    /// [`ClientError::Refused`].
    pub fn check(code: i16, message: Option<&str>) -> Result<(), Self> {
        let error = ErrorCode::from_code(code);
        if error.is_none() {
            return Ok(());
        }
        let message = message.filter(|text| !text.is_empty()).unwrap_or(error.message()).to_owned();
        Err(Self::Refused { error, message })
    }

    /// The error of a topic in metadata, in the words of Kafka's clients.
    ///
    /// # Errors
    /// [`ClientError::Refused`].
    pub fn check_topic(code: i16, topic: &str) -> Result<(), Self> {
        match ErrorCode::from_code(code) {
            ErrorCode::InvalidTopicException => {
                Self::check(code, Some(&format!("Invalid topics: [{topic}]")))
            }
            ErrorCode::TopicAuthorizationFailed => {
                Self::check(code, Some(&format!("Not authorized to access topics: [{topic}]")))
            }
            _ => Self::check(code, None),
        }
    }

    /// The error of a broker's answer; None where another thing went wrong.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { error, .. } | Self::Unexpected { error, .. } => Some(*error),
            Self::CallTimedOut { last, .. } => last.code(),
            Self::Group(GroupError::MetadataMismatch(error)) => Some(*error),
            _ => None,
        }
    }

    /// An error with Kafka's own text.
    pub fn refused(error: ErrorCode) -> Self {
        Self::Refused { error, message: error.message().to_owned() }
    }

    /// What the caller can do.
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::BadAddress(_)
            | Self::NoneResolvable
            | Self::BadSetting { .. }
            | Self::Unsafe(_)
            | Self::UnknownCompression(_)
            | Self::Jaas(_)
            | Self::Unsupported(_)
            | Self::Closed => Recovery::Fatal,
            Self::Connection(ConnectionError::Io(_) | ConnectionError::TimedOut(_)) => Recovery::Retry,
            Self::Connection(ConnectionError::Malformed(_)) | Self::UnsupportedField { .. } => {
                Recovery::Abort
            }
            Self::NoLeader | Self::ZooKeeper(_) | Self::RebalanceFailed { .. } => Recovery::Retry,
            Self::Refused { error, .. } | Self::Unexpected { error, .. } => of_answer(*error),
            Self::CallTimedOut { last, .. } => last.recovery(),
            Self::Group(error) => error.recovery(),
            Self::TransactionFailed { recovery, .. } => *recovery,
            Self::Timeout(_) | Self::Records(_) | Self::IllegalState(_) => Recovery::Abort,
            Self::Consumer(error) => error.recovery(),
        }
    }

    /// Whether a side could not authenticate the other (`AuthenticationException`).
    pub fn is_authentication(&self) -> bool {
        let codes = [
            ErrorCode::SaslAuthenticationFailed,
            ErrorCode::UnsupportedSaslMechanism,
            ErrorCode::IllegalSaslState,
        ];
        self.code().is_some_and(|code| codes.contains(&code))
    }

    /// Whether the same call may succeed a little later.
    pub fn is_retriable(&self) -> bool {
        self.recovery() == Recovery::Retry
    }
}

/// A field's name as Kafka spells it.
fn camel_case(field: &str) -> String {
    let mut words = field.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        let initial = letters.next().map(|letter| letter.to_ascii_uppercase());
        name + &initial.into_iter().chain(letters).collect::<String>()
    })
}

/// What the caller can do about an answer's error. Fatal are the errors after which Kafka's producer refuses
/// every further call, and those of a client that is not allowed or not able to use the cluster at all.
fn of_answer(error: ErrorCode) -> Recovery {
    match error {
        ErrorCode::ProducerFenced
        | ErrorCode::FencedInstanceId
        | ErrorCode::ClusterAuthorizationFailed
        | ErrorCode::TransactionalIdAuthorizationFailed
        | ErrorCode::SaslAuthenticationFailed
        | ErrorCode::UnsupportedSaslMechanism
        | ErrorCode::IllegalSaslState
        | ErrorCode::UnsupportedVersion => Recovery::Fatal,
        error if error.is_retriable() => Recovery::Retry,
        _ => Recovery::Abort,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_what_its_caller_can_do() {
        let refused = |error: ErrorCode| ClientError::check(error.code(), None).unwrap_err().recovery();
        assert_eq!(refused(ErrorCode::NotLeaderOrFollower), Recovery::Retry);
        assert_eq!(refused(ErrorCode::MessageTooLarge), Recovery::Abort);
        assert_eq!(refused(ErrorCode::ProducerFenced), Recovery::Fatal);
        assert_eq!(ClientError::of_peer(PeerError::Timeout(Duration::ZERO)).recovery(), Recovery::Retry);
        assert_eq!(ClientError::NoneResolvable.recovery(), Recovery::Fatal);
        let field = "allow_auto_topic_creation";
        let old = ClientError::UnsupportedField { api: ApiKey::Metadata, field, version: 2 };
        assert_eq!(old.to_string(), "Attempted to write a non-default allowAutoTopicCreation at version 2");
        let late =
            ClientError::CallTimedOut { api: ApiKey::Metadata, at: 0, last: Box::new(ClientError::NoLeader) };
        assert_eq!((late.recovery(), late.to_string()), (Recovery::Retry, ClientError::NoLeader.to_string()));
    }
}
