//! SASL: how the two sides of a connection prove their identity by a password.
//!
//! An exchange is pure: it takes the bytes that came from the other side and gives those that are to be sent; a
//! connection carries them. Kafka: `javax.security.sasl` with its providers `PlainSaslServer`, `ScramSaslServer`,
//! `ScramSaslClient`.

pub mod client;
mod plain;
pub mod scram;
pub mod server;
pub mod users;

pub use client::SaslClient;
pub use scram::{ScramCredential, ScramHash, ScramMechanism};
pub use server::SaslServer;
pub use users::{CredentialCache, SaslUsers};

/// A way of proving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SaslMechanism {
    /// `PLAIN` (RFC 4616): the password itself is sent.
    Plain,
    /// `SCRAM-SHA-256` and `SCRAM-SHA-512` (RFC 5802): both sides prove that they know a password that is never sent.
    Scram(ScramHash),
}

impl SaslMechanism {
    /// All that there are.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Scram(ScramHash::Sha256), Self::Scram(ScramHash::Sha512)];

    /// Its name in settings and in SaslHandshake.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Scram(hash) => hash.mechanism(),
        }
    }

    /// The mechanism of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name() == name)
    }

    /// The Java class of its login module, as JAAS configurations have it.
    pub fn login_module(self) -> &'static str {
        match self {
            Self::Plain => "org.apache.kafka.common.security.plain.PlainLoginModule",
            Self::Scram(_) => "org.apache.kafka.common.security.scram.ScramLoginModule",
        }
    }
}

/// Why an exchange has failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SaslFailure {
    /// The other side gets these words (Kafka's `SaslAuthenticationException`).
    #[error("{0}")]
    Open(String),
    /// The other side only learns that it has failed: the words could help an attacker (`SaslException`).
    #[error("{0}")]
    Secret(String),
}
