//! SCRAM: both sides prove to know a password that is never sent (RFC 5802, RFC 7677).
//!
//! Pure. Kafka: `ScramMechanism`, `ScramFormatter`.

mod credential;
pub(super) mod exchange;
mod mechanism;
mod messages;

use pbkdf2::hmac::{Hmac, KeyInit, Mac};
use pbkdf2::pbkdf2_hmac;
use sha2::{Digest, Sha256, Sha512};

pub use credential::ScramCredential;
pub use mechanism::ScramMechanism;

/// How often a password is hashed at least.
pub const MIN_ITERATIONS: u32 = 4096;

/// How often a client hashes its password at most: a server that asks for more wants to keep it busy.
const MAX_ITERATIONS: u32 = 1_000_000;

/// The hash function of a mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScramHash {
    /// Of `SCRAM-SHA-256`.
    Sha256,
    /// Of `SCRAM-SHA-512`.
    Sha512,
}

impl ScramHash {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sha256, Self::Sha512];

    /// The name of the mechanism.
    pub fn mechanism(self) -> &'static str {
        match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha512 => "SCRAM-SHA-512",
        }
    }

    /// Bytes of a hash.
    pub fn size(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }

    fn hmac(self, key: &[u8], bytes: &[u8]) -> Vec<u8> {
        // A key may have any length, so that there is always a MAC.
        match self {
            Self::Sha256 => Hmac::<Sha256>::new_from_slice(key)
                .map(|mac| mac.chain_update(bytes).finalize().into_bytes().to_vec())
                .unwrap_or_default(),
            Self::Sha512 => Hmac::<Sha512>::new_from_slice(key)
                .map(|mac| mac.chain_update(bytes).finalize().into_bytes().to_vec())
                .unwrap_or_default(),
        }
    }

    /// The password, salted and hashed so many times (RFC 5802's `Hi`): milliseconds for thousands of iterations.
    fn salted_password(self, password: &[u8], salt: &[u8], iterations: u32) -> Vec<u8> {
        let mut hash = vec![0; self.size()];
        match self {
            Self::Sha256 => pbkdf2_hmac::<Sha256>(password, salt, iterations, &mut hash),
            Self::Sha512 => pbkdf2_hmac::<Sha512>(password, salt, iterations, &mut hash),
        }
        hash
    }
}

fn xor(first: &[u8], second: &[u8]) -> Vec<u8> {
    first.iter().zip(second).map(|(one, other)| one ^ other).collect()
}

/// Whether two secrets are equal, in a time that does not depend on where they differ.
pub(super) fn are_equal(first: &[u8], second: &[u8]) -> bool {
    let different = first.iter().zip(second).fold(0, |different, (one, other)| different | (one ^ other));
    std::hint::black_box(different) == 0 && first.len() == second.len()
}

/// Text that cannot be guessed: 130 bits of chance, as letters and digits.
fn secure_random_string() -> String {
    let mut bytes = [0; 26];
    // Without chance there are no secrets: an exchange without it fails by its proof.
    if getrandom::fill(&mut bytes).is_err() {
        return String::new();
    }
    bytes.iter().map(|byte| char::from(b"0123456789abcdefghijklmnopqrstuv"[usize::from(byte & 31)])).collect()
}

#[cfg(test)]
mod tests;
