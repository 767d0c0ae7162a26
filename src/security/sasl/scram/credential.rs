//! What a broker keeps of a user's password: enough to check it, too little to be the user.
//!
//! Pure. It lies in the znode `/config/users/USER` under the mechanism's name. Kafka: `ScramCredential`,
//! `ScramCredentialUtils`.

use std::fmt;
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{MIN_ITERATIONS, ScramHash, ScramMechanism, secure_random_string};

/// Bytes of a salt that is made here.
const SALT_BYTES: usize = 26;

/// The credential of a user.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramCredential {
    /// What the password was salted with.
    pub(super) salt: Vec<u8>,
    /// The hash of the client's key.
    pub(super) stored_key: Vec<u8>,
    /// The server's key.
    pub(super) server_key: Vec<u8>,
    /// How often the password was hashed.
    pub(super) iterations: u32,
}

impl ScramCredential {
    /// The credential of a password that was salted and hashed so often.
    fn of_salted_password(hash: ScramHash, salt: Vec<u8>, salted: &[u8], iterations: u32) -> Self {
        let stored_key = hash.digest(&hash.hmac(salted, b"Client Key"));
        Self { salt, stored_key, server_key: hash.hmac(salted, b"Server Key"), iterations }
    }

    /// The credential of a password, with a salt made at random.
    pub fn of_password(hash: ScramHash, password: &str, iterations: u32) -> Self {
        let salt = secure_random_string().into_bytes();
        let salted = hash.salted_password(password.as_bytes(), &salt, iterations);
        Self::of_salted_password(hash, salt, &salted, iterations)
    }

    /// The credential of a password, salted with `salt`; None for an unknown mechanism. Takes milliseconds.
    #[doc(alias = "generateCredential")]
    pub fn generate(
        mechanism: ScramMechanism,
        password: &[u8],
        salt: &[u8],
        iterations: u32,
    ) -> Option<Self> {
        let hash = mechanism.hash()?;
        let salted = hash.salted_password(password, salt, iterations);
        Some(Self::of_salted_password(hash, salt.to_vec(), &salted, iterations))
    }

    /// A credential that no password has, always the same for a name as long as the process lives.
    pub(super) fn of_unknown_user(hash: ScramHash, user: &str) -> Self {
        static SECRET: OnceLock<String> = OnceLock::new();
        let secret = SECRET.get_or_init(secure_random_string).as_bytes();
        let mut salt = hash.hmac(secret, user.as_bytes());
        salt.truncate(SALT_BYTES);
        let stored_key = hash.hmac(secret, &salt);
        let server_key = hash.hmac(secret, &stored_key);
        Self { salt, stored_key, server_key, iterations: MIN_ITERATIONS }
    }

    /// The credential of a password that was salted and hashed so often; None for an unknown mechanism.
    pub fn of_salted(mechanism: ScramMechanism, salt: &[u8], salted: &[u8], iterations: u32) -> Option<Self> {
        Some(Self::of_salted_password(mechanism.hash()?, salt.to_vec(), salted, iterations))
    }

    /// How often the password was hashed.
    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    /// The credential that a znode holds; None where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (mut salt, mut stored_key, mut server_key, mut iterations) = (None, None, None, None);
        for token in text.split(',') {
            let (name, value) = token.split_once('=')?;
            match name {
                "salt" => salt = Some(STANDARD.decode(value).ok()?),
                "stored_key" => stored_key = Some(STANDARD.decode(value).ok()?),
                "server_key" => server_key = Some(STANDARD.decode(value).ok()?),
                "iterations" => iterations = Some(value.parse().ok()?),
                _ => return None,
            }
        }
        Some(Self { salt: salt?, stored_key: stored_key?, server_key: server_key?, iterations: iterations? })
    }
}

/// As a znode holds it.
impl fmt::Display for ScramCredential {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { salt, stored_key, server_key, iterations } = self;
        let [salt, stored, server] = [salt, stored_key, server_key].map(|bytes| STANDARD.encode(bytes));
        write!(out, "salt={salt},stored_key={stored},server_key={server},iterations={iterations}")
    }
}

/// Without the secrets.
impl fmt::Debug for ScramCredential {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ScramCredential").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}
