//! Why a client's call failed, and what its caller can do about it.
//!
//! Pure. Texts are those of Kafka's clients. The classes of Java's exceptions are added when a tool prints an
//! error (`cli::java`).

use std::sync::Arc;

use crate::base::Millis;
use crate::net::peer::PeerError;
use crate::wire::api_key::ApiKey;
use crate::wire::batch::BatchError;
use crate::wire::error_code::ErrorCode;

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
    Connection(Arc<PeerError>),
    /// A broker answered with an error.
    #[error("{message}")]
    Refused {
        /// The error.
        error: ErrorCode,
        /// The broker's own text, or Kafka's default text.
        message: String,
    },
    /// The broker has no version of the API that this client knows.
    #[error("The broker does not support {0}")]
    Unsupported(ApiKey),
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
    /// Records in an answer cannot be read.
    #[error("{0}")]
    Records(#[from] BatchError),
    /// The client was closed, or its runtime is shutting down.
    #[error("The client is closed")]
    Closed,
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

impl From<PeerError> for ClientError {
    fn from(error: PeerError) -> Self {
        Self::Connection(Arc::new(error))
    }
}

impl ClientError {
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

    /// What the caller can do.
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::BadAddress(_)
            | Self::NoneResolvable
            | Self::BadSetting { .. }
            | Self::Unsafe(_)
            | Self::UnknownCompression(_)
            | Self::Unsupported(_)
            | Self::Closed => Recovery::Fatal,
            Self::Connection(error) => match **error {
                PeerError::Io(_) | PeerError::Timeout(_) => Recovery::Retry,
                PeerError::Wire(_) => Recovery::Abort,
            },
            Self::NoLeader => Recovery::Retry,
            Self::Refused { error, .. } => of_answer(*error),
            Self::CallTimedOut { last, .. } => last.recovery(),
            Self::Timeout(_) | Self::Records(_) => Recovery::Abort,
        }
    }

    /// Whether the same call may succeed a little later.
    pub fn is_retriable(&self) -> bool {
        self.recovery() == Recovery::Retry
    }
}

/// What the caller can do about an answer's error. Fatal are the errors after which Kafka's producer refuses
/// every further call, and those of a client that is not allowed or not able to use the cluster at all.
fn of_answer(error: ErrorCode) -> Recovery {
    match error {
        ErrorCode::ProducerFenced
        | ErrorCode::InvalidProducerEpoch
        | ErrorCode::FencedInstanceId
        | ErrorCode::ClusterAuthorizationFailed
        | ErrorCode::TransactionalIdAuthorizationFailed
        | ErrorCode::SaslAuthenticationFailed
        | ErrorCode::UnsupportedSaslMechanism
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
        assert_eq!(
            ClientError::from(PeerError::Timeout(std::time::Duration::ZERO)).recovery(),
            Recovery::Retry
        );
        assert_eq!(ClientError::NoneResolvable.recovery(), Recovery::Fatal);
        let late =
            ClientError::CallTimedOut { api: ApiKey::Metadata, at: 0, last: Box::new(ClientError::NoLeader) };
        assert_eq!((late.recovery(), late.to_string()), (Recovery::Retry, ClientError::NoLeader.to_string()));
    }
}
