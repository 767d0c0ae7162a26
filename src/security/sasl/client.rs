//! The client's side of an exchange.
//!
//! Pure. Kafka: `SaslClient`.

use super::scram::exchange::ScramClient;
use super::{SaslFailure, SaslMechanism, plain};

/// The user that a client proves to be, and by what.
#[derive(Clone, PartialEq, Eq)]
pub struct SaslLogin {
    /// The mechanism.
    pub mechanism: SaslMechanism,
    /// The name of the user.
    pub user: String,
    /// The password.
    pub password: String,
}

/// Without the password.
impl std::fmt::Debug for SaslLogin {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { mechanism, user, .. } = self;
        out.debug_struct("SaslLogin")
            .field("mechanism", mechanism)
            .field("user", user)
            .finish_non_exhaustive()
    }
}

/// The client's side of one exchange.
pub struct SaslClient {
    password: String,
    /// None with PLAIN, which is over with its first message.
    scram: Option<ScramClient>,
    is_complete: bool,
}

/// Without the password.
impl std::fmt::Debug for SaslClient {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { scram, is_complete, .. } = self;
        out.debug_struct("SaslClient")
            .field("scram", scram)
            .field("is_complete", is_complete)
            .finish_non_exhaustive()
    }
}

impl SaslClient {
    /// A client, and its first message.
    pub fn new(login: &SaslLogin) -> (Self, Vec<u8>) {
        let SaslLogin { mechanism, user, password } = login;
        let (scram, first) = match mechanism {
            SaslMechanism::Plain => (None, plain::message(user, password)),
            SaslMechanism::Scram(hash) => {
                let (exchange, first) = ScramClient::new(*hash, user);
                (Some(exchange), first)
            }
        };
        (Self { password: password.clone(), scram, is_complete: false }, first)
    }

    /// Takes the server's next message; what is to be sent, or None if nothing is. May take as long as hashing the
    /// password does.
    ///
    /// # Errors
    /// [`SaslFailure`]; the exchange is over then.
    pub fn evaluate(&mut self, message: &[u8]) -> Result<Option<Vec<u8>>, SaslFailure> {
        let answer = match &mut self.scram {
            Some(exchange) => exchange.evaluate(message, &self.password)?,
            None => None,
        };
        self.is_complete = answer.is_none();
        Ok(answer)
    }

    /// Whether the server has proven itself, where the mechanism has it do so.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }
}
