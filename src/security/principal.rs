//! The name that identifies a caller.
//!
//! Pure. A principal is the outcome of a connection's handshake. A plaintext connection has none; its caller
//! is [`KafkaPrincipal::anonymous`]. Kafka: `KafkaPrincipal`.

use std::fmt;

/// The sender of a request: a type of principal and a name. Prints as ACLs and quotas write it, e.g.
/// `User:alice`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KafkaPrincipal {
    /// The kind of principal; Kafka's own builder makes `User` only.
    pub principal_type: String,
    /// The name.
    pub name: String,
}

impl KafkaPrincipal {
    /// The kind of principal that Kafka's own builder makes.
    const USER: &str = "User";

    /// The user of this name.
    pub fn user(name: impl Into<String>) -> Self {
        Self { principal_type: Self::USER.to_owned(), name: name.into() }
    }

    /// The caller on a connection without authentication: `User:ANONYMOUS`.
    pub fn anonymous() -> Self {
        Self::user("ANONYMOUS")
    }
}

impl fmt::Display for KafkaPrincipal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.principal_type, self.name)
    }
}
