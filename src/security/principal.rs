//! The name that identifies a caller.
//!
//! Pure. A principal is the outcome of a connection's handshake. A plaintext connection has none; its caller
//! is [`KafkaPrincipal::anonymous`]. Kafka: `KafkaPrincipal`.

use std::fmt;
use std::str::FromStr;

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

    /// All users, where an ACL names it: `User:*`.
    pub fn is_wildcard(&self) -> bool {
        self.principal_type == Self::USER && self.name == "*"
    }

    /// The caller on a connection without authentication: `User:ANONYMOUS`.
    pub fn anonymous() -> Self {
        Self::user("ANONYMOUS")
    }
}

/// A text that is no principal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a string in format principalType:principalName but got {0}")]
pub struct MalformedPrincipal(String);

impl FromStr for KafkaPrincipal {
    type Err = MalformedPrincipal;

    /// A principal as ACLs and settings write it: the type stands before the first colon.
    fn from_str(text: &str) -> Result<Self, MalformedPrincipal> {
        let (principal_type, name) =
            text.split_once(':').ok_or_else(|| MalformedPrincipal(text.to_owned()))?;
        Ok(Self { principal_type: principal_type.to_owned(), name: name.to_owned() })
    }
}

impl fmt::Display for KafkaPrincipal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.principal_type, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_is_a_type_and_a_name() {
        let principal: KafkaPrincipal = "User:CN=a:b,O=c".parse().unwrap();
        assert_eq!((&*principal.principal_type, &*principal.name), ("User", "CN=a:b,O=c"));
        assert_eq!(principal.to_string(), "User:CN=a:b,O=c");
        assert!(KafkaPrincipal::user("*").is_wildcard() && !principal.is_wildcard());
        let error = "Bob".parse::<KafkaPrincipal>().unwrap_err();
        assert_eq!(error.to_string(), "expected a string in format principalType:principalName but got Bob");
    }
}
