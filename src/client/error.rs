//! Why a client's call came to nothing, in the words and by the names of Kafka's Java clients.
//!
//! Pure.

use crate::net::peer::PeerError;
use crate::wire::api_key::ApiKey;
use crate::wire::error_code::ErrorCode;

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
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
    /// Settings that go ill together. Kafka's text.
    #[error("{0}")]
    Unsafe(&'static str),
    /// There is no codec of this name. Kafka's text.
    #[error("Unknown compression name: {0}")]
    UnknownCompression(String),
    /// The connection failed or the answer did not come.
    #[error("{0}")]
    Peer(#[from] PeerError),
    /// A broker answered with an error.
    #[error("{message}")]
    Refused {
        /// The error.
        error: ErrorCode,
        /// What the broker says of it, or Kafka's default text.
        message: String,
    },
    /// The broker has no version of the API that is known here.
    #[error("The broker does not support {0}")]
    Unsupported(ApiKey),
    /// No broker has this id, or the partition has no leader just now.
    #[error("There is no in-sync replica.")]
    NoLeader,
    /// The time allowed has passed; says what was waited for.
    #[error("{0}")]
    Timeout(String),
    /// Records that came cannot be read.
    #[error("{0}")]
    Records(#[from] crate::wire::batch::BatchError),
}

impl ClientError {
    /// An answer's error, with the broker's own words where it gave any; Ok where there is none.
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

    /// The class of the Java exception that tells of it.
    pub fn class(&self) -> String {
        match self {
            Self::BadAddress(_) | Self::NoneResolvable | Self::Records(_) => {
                "org.apache.kafka.common.KafkaException".to_owned()
            }
            Self::BadSetting { .. } | Self::Unsafe(_) => {
                "org.apache.kafka.common.config.ConfigException".to_owned()
            }
            Self::UnknownCompression(_) => "java.lang.IllegalArgumentException".to_owned(),
            Self::Refused { error, .. } => error.exception(),
            Self::Unsupported(_) => ErrorCode::UnsupportedVersion.exception(),
            Self::Peer(_) | Self::NoLeader | Self::Timeout(_) => ErrorCode::RequestTimedOut.exception(),
        }
    }

    /// The error of a topic that metadata tells of, in the words of Kafka's clients.
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

    /// Whether the same call may succeed a little later.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Peer(PeerError::Io(_) | PeerError::Timeout(_)) | Self::NoLeader => true,
            Self::Refused { error, .. } => error.is_retriable(),
            _ => false,
        }
    }
}
