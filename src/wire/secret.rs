//! Bytes of a message that no log line and no test failure shows.
//!
//! Pure.

use std::fmt;
use std::ops::Deref;

use bytes::Bytes;

use super::codec::field::{At, Field};
use super::codec::{Reader, WireError, Writer};

/// Bytes that hold a secret, such as a password; printed as `[hidden]`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretBytes(Bytes);

impl fmt::Debug for SecretBytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[hidden]")
    }
}

impl From<Bytes> for SecretBytes {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<&'static [u8]> for SecretBytes {
    fn from(bytes: &'static [u8]) -> Self {
        Self(Bytes::from_static(bytes))
    }
}

impl Deref for SecretBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Field for SecretBytes {
    fn initial() -> Self {
        Self::default()
    }

    fn min_size(at: At) -> usize {
        <Bytes as Field>::min_size(at)
    }

    fn read(input: &mut Reader, at: At) -> Result<Self, WireError> {
        <Bytes as Field>::read(input, at).map(Self)
    }

    fn write(&self, out: &mut Writer, at: At) -> Result<(), WireError> {
        Field::write(&self.0, out, at)
    }
}

#[cfg(test)]
mod tests {
    use crate::wire::message::sasl_authenticate::SaslAuthenticateRequest;

    #[test]
    fn a_token_is_not_shown() {
        let request = SaslAuthenticateRequest { auth_bytes: b"\0alice\0secret".as_slice().into() };
        assert_eq!(format!("{request:?}"), "SaslAuthenticateRequest { auth_bytes: [hidden] }");
    }
}
