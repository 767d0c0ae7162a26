//! The mechanisms of SCRAM as the protocol numbers them.
//!
//! Pure. Kafka: `ScramMechanism`.

use super::ScramHash;

/// How passwords are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i8)]
pub enum ScramMechanism {
    /// A mechanism of a later version than this one.
    Unknown = 0,
    /// `SCRAM-SHA-256`.
    ScramSha256 = 1,
    /// `SCRAM-SHA-512`.
    ScramSha512 = 2,
}

impl ScramMechanism {
    /// The known ones.
    pub const ALL: [Self; 2] = [Self::ScramSha256, Self::ScramSha512];
    /// The fewest iterations that Kafka takes.
    pub const MIN_ITERATIONS: i32 = 4096;

    /// The mechanism that has this number in the protocol.
    pub fn from_code(code: i8) -> Self {
        Self::ALL.into_iter().find(|it| *it as i8 == code).unwrap_or(Self::Unknown)
    }

    /// The mechanism of this name, e.g. `SCRAM-SHA-256`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// Its name in configs and in handshakes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::ScramSha256 => ScramHash::Sha256.mechanism(),
            Self::ScramSha512 => ScramHash::Sha512.mechanism(),
        }
    }

    /// Its hash function; None for an unknown mechanism.
    pub(super) fn hash(self) -> Option<ScramHash> {
        match self {
            Self::Unknown => None,
            Self::ScramSha256 => Some(ScramHash::Sha256),
            Self::ScramSha512 => Some(ScramHash::Sha512),
        }
    }

    /// The password, salted and hashed so many times (RFC 5802's `Hi`); None for an unknown mechanism.
    pub fn salted_password(self, password: &[u8], salt: &[u8], iterations: u32) -> Option<Vec<u8>> {
        Some(self.hash()?.salted_password(password, salt, iterations))
    }
}
