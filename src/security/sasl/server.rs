//! The broker's side of an exchange.
//!
//! Pure. Kafka: `SaslServer`.

use super::scram::exchange::{ScramServer, ScramStep};
use super::{SaslFailure, SaslMechanism, SaslUsers, ScramHash, plain};

/// The broker's side of one exchange.
#[derive(Debug)]
pub enum SaslServer {
    /// Of PLAIN.
    Plain,
    /// Of SCRAM.
    Scram {
        /// By this hash function.
        hash: ScramHash,
        /// How far it is.
        exchange: ScramServer,
    },
}

/// A step of an exchange.
#[derive(Debug, PartialEq, Eq)]
pub enum SaslStep {
    /// The client is to answer this.
    Challenge(Vec<u8>),
    /// The client is this user; the exchange is complete with these last bytes.
    Complete {
        /// The name of the user.
        user: String,
        /// What the client gets.
        answer: Vec<u8>,
    },
}

impl SaslServer {
    /// A server that waits for the client's first message.
    pub fn new(mechanism: SaslMechanism) -> Self {
        match mechanism {
            SaslMechanism::Plain => Self::Plain,
            SaslMechanism::Scram(hash) => Self::Scram { hash, exchange: ScramServer::new(hash) },
        }
    }

    /// Takes the client's next message.
    ///
    /// # Errors
    /// [`SaslFailure`]; the exchange is over then.
    pub fn evaluate(&mut self, message: &[u8], users: &SaslUsers) -> Result<SaslStep, SaslFailure> {
        match self {
            Self::Plain => {
                let user = plain::authenticate(message, |user| users.password(user))?;
                Ok(SaslStep::Complete { user, answer: Vec::new() })
            }
            Self::Scram { hash, exchange } => {
                let hash = *hash;
                Ok(match exchange.evaluate(message, |user| users.credential(hash, user))? {
                    ScramStep::Challenge(challenge) => SaslStep::Challenge(challenge),
                    ScramStep::Proven { user, answer } => SaslStep::Complete { user, answer },
                })
            }
        }
    }
}
