//! The two sides of an exchange, message by message.
//!
//! Pure but for the nonces, which are made at random. Kafka: `ScramSaslServer`, `ScramSaslClient`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::messages::{ClientFinal, ClientFirst, ServerFinal, ServerFirst, sasl_name, user_name};
use super::{
    MAX_ITERATIONS, MIN_ITERATIONS, ScramCredential, ScramHash, are_equal, secure_random_string, xor,
};
use crate::security::sasl::SaslFailure;

/// The header of a client that binds no channel: base64 of `n,,`.
const NO_CHANNEL: &str = "biws";

/// The server's side.
#[derive(Debug)]
pub struct ScramServer {
    hash: ScramHash,
    state: ServerState,
}

#[derive(Debug)]
enum ServerState {
    ClientFirst,
    ClientFinal(AwaitedFinal),
    Over,
}

/// What the server knows while it waits for the proof.
#[derive(Debug)]
struct AwaitedFinal {
    user: String,
    credential: ScramCredential,
    /// Both nonces, one behind the other.
    nonce: String,
    /// The header that the client's first message began with.
    header: String,
    /// The two messages so far, as the proof is about them.
    messages: String,
}

/// A server's step.
#[derive(Debug, PartialEq, Eq)]
pub enum ScramStep {
    /// The exchange goes on.
    Challenge(Vec<u8>),
    /// The client is this user, and the server proves that it knows the password, too.
    Proven {
        /// The user.
        user: String,
        /// The last message.
        answer: Vec<u8>,
    },
}

impl ScramServer {
    /// A server that waits for the client's first message.
    pub fn new(hash: ScramHash) -> Self {
        Self { hash, state: ServerState::ClientFirst }
    }

    /// Takes the client's next message; `credential_of` knows the users.
    ///
    /// # Errors
    /// [`SaslFailure`]; the exchange is over then.
    pub fn evaluate(
        &mut self,
        message: &[u8],
        credential_of: impl FnOnce(&str) -> Option<ScramCredential>,
    ) -> Result<ScramStep, SaslFailure> {
        match std::mem::replace(&mut self.state, ServerState::Over) {
            ServerState::ClientFirst => self.first(message, credential_of),
            ServerState::ClientFinal(awaited) => self.last(message, &awaited),
            ServerState::Over => Err(secret("Unexpected message after the end of the exchange")),
        }
    }

    fn first(
        &mut self,
        message: &[u8],
        credential_of: impl FnOnce(&str) -> Option<ScramCredential>,
    ) -> Result<ScramStep, SaslFailure> {
        let first =
            ClientFirst::parse(message).ok_or_else(|| secret("Invalid SCRAM client first message format"))?;
        let user = user_name(first.sasl_name).ok_or_else(|| secret("Invalid username"))?;
        if first.is_token {
            return Err(secret("Token Authentication failed: Invalid tokenId"));
        }
        // An unknown user fails where a wrong password does, so that a client cannot find out which users there are.
        let credential =
            credential_of(&user).unwrap_or_else(|| ScramCredential::of_unknown_user(self.hash, &user));
        if !first.authorization.is_empty() && first.authorization != user {
            let words =
                "Authentication failed: Client requested an authorization id that is different from username";
            return Err(SaslFailure::Open(words.to_owned()));
        }
        if credential.iterations < MIN_ITERATIONS {
            return Err(secret("The credential's iterations are less than the minimum"));
        }
        let nonce = format!("{}{}", first.nonce, secure_random_string());
        if nonce.len() == first.nonce.len() {
            return Err(secret("Authentication failed: no nonce could be made"));
        }
        let (salt, iterations) = (STANDARD.encode(&credential.salt), credential.iterations);
        let answer = format!("r={nonce},s={salt},i={iterations}");
        let messages = format!("{},{answer}", first.bare);
        let header = match first.authorization {
            "" => "n,,".to_owned(),
            name => format!("n,a={name},"),
        };
        self.state = ServerState::ClientFinal(AwaitedFinal { user, credential, nonce, header, messages });
        Ok(ScramStep::Challenge(answer.into_bytes()))
    }

    fn last(&self, message: &[u8], awaited: &AwaitedFinal) -> Result<ScramStep, SaslFailure> {
        let last =
            ClientFinal::parse(message).ok_or_else(|| secret("Invalid SCRAM client final message format"))?;
        if last.nonce != awaited.nonce {
            return Err(secret("Invalid client nonce in the final message"));
        }
        if last.channel != awaited.header.as_bytes() {
            return Err(secret("Invalid channel binding in the final message"));
        }
        let about = format!("{},{}", awaited.messages, last.without_proof);
        let ScramCredential { stored_key, server_key, .. } = &awaited.credential;
        let client_key = xor(&self.hash.hmac(stored_key, about.as_bytes()), &last.proof);
        let is_whole = last.proof.len() == self.hash.size();
        if !is_whole || !are_equal(&self.hash.digest(&client_key), stored_key) {
            return Err(secret("Invalid client credentials"));
        }
        let signature = STANDARD.encode(self.hash.hmac(server_key, about.as_bytes()));
        Ok(ScramStep::Proven { user: awaited.user.clone(), answer: format!("v={signature}").into_bytes() })
    }
}

/// The client's side.
#[derive(Debug)]
pub struct ScramClient {
    hash: ScramHash,
    state: ClientState,
}

#[derive(Debug)]
enum ClientState {
    ServerFirst { nonce: String, bare: String },
    ServerFinal { signature: Vec<u8> },
    Over,
}

impl ScramClient {
    /// A client that proves to be `user`, and its first message.
    pub fn new(hash: ScramHash, user: &str) -> (Self, Vec<u8>) {
        Self::with_nonce(hash, user, secure_random_string())
    }

    pub(super) fn with_nonce(hash: ScramHash, user: &str, nonce: String) -> (Self, Vec<u8>) {
        let bare = format!("n={},r={nonce}", sasl_name(user));
        let message = format!("n,,{bare}").into_bytes();
        (Self { hash, state: ClientState::ServerFirst { nonce, bare } }, message)
    }

    /// Takes the server's next message; what is to be sent, or None once the server has proven itself.
    ///
    /// # Errors
    /// [`SaslFailure`]; the exchange is over then.
    pub fn evaluate(&mut self, message: &[u8], password: &str) -> Result<Option<Vec<u8>>, SaslFailure> {
        match std::mem::replace(&mut self.state, ClientState::Over) {
            ClientState::ServerFirst { nonce, bare } => {
                self.prove(message, password, &nonce, &bare).map(Some)
            }
            ClientState::ServerFinal { signature } => match ServerFinal::parse(message) {
                Some(ServerFinal::Signature(remote)) if are_equal(&remote, &signature) => Ok(None),
                Some(ServerFinal::Error(error)) => Err(SaslFailure::Open(format!(
                    "Sasl authentication using {} failed with error: {error}",
                    self.hash.mechanism()
                ))),
                _ => Err(secret("Invalid server signature in server final message")),
            },
            ClientState::Over => Err(secret("Unexpected message after the end of the exchange")),
        }
    }

    fn prove(
        &mut self,
        message: &[u8],
        password: &str,
        own: &str,
        bare: &str,
    ) -> Result<Vec<u8>, SaslFailure> {
        let ServerFirst { nonce, salt, iterations } =
            ServerFirst::parse(message).ok_or_else(|| secret("Invalid SCRAM server first message format"))?;
        if own.is_empty() || !nonce.starts_with(own) {
            return Err(secret("Invalid server nonce: does not start with client nonce"));
        }
        let name = self.hash.mechanism();
        if iterations < MIN_ITERATIONS {
            return Err(secret(&format!(
                "Requested iterations {iterations} is less than the minimum {MIN_ITERATIONS} for {name}"
            )));
        }
        if iterations > MAX_ITERATIONS {
            return Err(secret(&format!(
                "Requested iterations {iterations} is more than the maximum {MAX_ITERATIONS} for {name}"
            )));
        }
        let salted = self.hash.salted_password(password.as_bytes(), &salt, iterations);
        let client_key = self.hash.hmac(&salted, b"Client Key");
        let without_proof = format!("c={NO_CHANNEL},r={nonce}");
        let about = format!("{bare},{},{without_proof}", String::from_utf8_lossy(message));
        let stored_key = self.hash.digest(&client_key);
        let proof = xor(&client_key, &self.hash.hmac(&stored_key, about.as_bytes()));
        let server_key = self.hash.hmac(&salted, b"Server Key");
        self.state = ClientState::ServerFinal { signature: self.hash.hmac(&server_key, about.as_bytes()) };
        Ok(format!("{without_proof},p={}", STANDARD.encode(proof)).into_bytes())
    }
}

fn secret(words: &str) -> SaslFailure {
    SaslFailure::Secret(words.to_owned())
}
