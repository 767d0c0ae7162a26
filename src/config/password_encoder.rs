//! Passwords among the dynamic configs, encrypted for ZooKeeper with `password.encoder.secret` as Kafka does it.
//!
//! The parameters of the encryption stand beside each password, so that changed settings still read old ones. Of
//! Java's ciphers there are those of [`ciphers`]. Kafka: `PasswordEncoder`.

mod ciphers;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ciphers::{Cipher, TAG_BITS};
use pbkdf2::pbkdf2_hmac;

use super::broker::{self, BrokerConfig};
use super::layers::{Layer, OwnConfigs};
use super::rows::{ConfigError, ConfigType, UpdateMode};
use super::values::Password;

const SALT_BYTES: usize = 256;
/// More rounds than this are taken for damage: they would take a minute.
const MOST_ITERATIONS: u32 = 50_000_000;

/// A password that cannot be encrypted or decrypted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// `password.encoder.keyfactory.algorithm`, or that of an encrypted password, does not exist.
    #[error("{0} SecretKeyFactory not available")]
    KeyFactory(String),
    /// Another cipher than those that are built.
    #[error("Cannot find any provider supporting {0}")]
    Cipher(String),
    /// A key length that AES does not have.
    #[error("Invalid AES key length: {0} bytes")]
    KeyLength(usize),
    /// A key length that DES or triple DES does not have.
    #[error("Wrong key size")]
    DesKeyLength,
    /// The system gives no random numbers.
    #[error("There are no random numbers: {0}")]
    Random(getrandom::Error),
    /// An encrypted password lacks a parameter, or has one that cannot be read.
    #[error("{0} is missing or unreadable")]
    Parameter(&'static str),
    /// Another secret, or damage.
    #[error("Password could not be decoded")]
    Undecodable,
    /// Another secret, or damage, which by chance looked like a password.
    #[error("Password could not be decoded, sanity check of length failed")]
    Length,
}

/// Encrypts and decrypts passwords with one secret.
#[derive(Clone, Debug)]
pub struct PasswordEncoder {
    secret: Password,
    key_factory: Option<String>,
    cipher: String,
    key_bits: i32,
    iterations: i32,
}

impl PasswordEncoder {
    /// The encoder with `password.encoder.secret`; None where that is not set.
    pub fn of(config: &BrokerConfig) -> Option<Self> {
        Self::with(config.password_encoder_secret.as_ref()?, config)
    }

    /// The encoder with `password.encoder.old.secret`; None where that is not set.
    pub fn old(config: &BrokerConfig) -> Option<Self> {
        Self::with(config.password_encoder_old_secret.as_ref()?, config)
    }

    fn with(secret: &Password, config: &BrokerConfig) -> Option<Self> {
        Some(Self {
            secret: secret.clone(),
            key_factory: config.password_encoder_keyfactory_algorithm.clone(),
            cipher: config.password_encoder_cipher_algorithm.clone(),
            key_bits: config.password_encoder_key_length,
            iterations: config.password_encoder_iterations,
        })
    }

    /// A password as ZooKeeper has it. Takes a few milliseconds.
    ///
    /// # Errors
    /// [`PasswordError`] of settings that ask for what Java or this broker does not have.
    pub fn encode(&self, password: &str) -> Result<String, PasswordError> {
        let cipher = self.cipher()?;
        let (mut salt, mut iv) = ([0; SALT_BYTES], vec![0; cipher.iv_bytes()]);
        getrandom::fill(&mut salt).and_then(|()| getrandom::fill(&mut iv)).map_err(PasswordError::Random)?;
        self.encode_with(password, &salt, &iv)
    }

    fn cipher(&self) -> Result<Cipher, PasswordError> {
        Cipher::named(&self.cipher).ok_or_else(|| PasswordError::Cipher(self.cipher.clone()))
    }

    fn encode_with(&self, password: &str, salt: &[u8], iv: &[u8]) -> Result<String, PasswordError> {
        let cipher = self.cipher()?;
        let factory = KeyFactory::named(self.key_factory.as_deref().unwrap_or(KeyFactory::DEFAULT))?;
        let iterations = u32::try_from(self.iterations).unwrap_or(1);
        let bytes = key_bytes(cipher, u32::try_from(self.key_bits).unwrap_or(0))?;
        let key = factory.derive(self.secret.secret(), salt, iterations, bytes);
        let encrypted = cipher.encrypt(&key, iv, password.as_bytes()).ok_or(PasswordError::Undecodable)?;
        let tag = match cipher {
            Cipher::AesGcm => format!("authenticationTagLength:{TAG_BITS},"),
            _ => String::new(),
        };
        // In the order in which Kafka's map has them.
        Ok(format!(
            "encryptedPassword:{},keyLength:{},cipherAlgorithm:{},initializationVector:{},keyFactoryAlgorithm:{},\
             passwordLength:{},{tag}salt:{},iterations:{}",
            STANDARD.encode(encrypted),
            self.key_bits,
            cipher.name(),
            STANDARD.encode(iv),
            factory.name(),
            java_length(password),
            STANDARD.encode(salt),
            self.iterations
        ))
    }

    /// The password that ZooKeeper has in this form. Takes a few milliseconds.
    ///
    /// # Errors
    /// [`PasswordError`] of another secret, of damage, and of another cipher.
    pub fn decode(&self, encoded: &str) -> Result<String, PasswordError> {
        let pairs = encoded.split(',').filter_map(|pair| pair.trim().rsplit_once(':'));
        let parameters: HashMap<_, _> = pairs.map(|(key, value)| (key.trim(), value.trim())).collect();
        let text = |key| parameters.get(key).copied().ok_or(PasswordError::Parameter(key));
        let bytes = |key| STANDARD.decode(text(key)?).map_err(|_| PasswordError::Parameter(key));
        let number = |key| text(key)?.parse::<u32>().map_err(|_| PasswordError::Parameter(key));
        let name = text("cipherAlgorithm")?;
        let cipher = Cipher::named(name).ok_or_else(|| PasswordError::Cipher(name.to_owned()))?;
        if cipher == Cipher::AesGcm && number("authenticationTagLength")? != TAG_BITS {
            return Err(PasswordError::Parameter("authenticationTagLength"));
        }
        let factory = KeyFactory::named(text("keyFactoryAlgorithm")?)?;
        let key_bytes = key_bytes(cipher, number("keyLength")?)?;
        let iterations = number("iterations")?;
        if !(1..=MOST_ITERATIONS).contains(&iterations) {
            return Err(PasswordError::Parameter("iterations"));
        }
        let key = factory.derive(self.secret.secret(), &bytes("salt")?, iterations, key_bytes);
        let decrypted = cipher.decrypt(&key, &bytes("initializationVector")?, &bytes("encryptedPassword")?);
        let decrypted = decrypted.ok_or(PasswordError::Undecodable)?;
        let password = String::from_utf8(decrypted).map_err(|_| PasswordError::Undecodable)?;
        if usize::try_from(number("passwordLength")?) != Ok(java_length(&password)) {
            return Err(PasswordError::Length);
        }
        Ok(password)
    }
}

/// The bytes of a key of so many bits. One that the cipher does not have is refused before it is derived.
fn key_bytes(cipher: Cipher, bits: u32) -> Result<usize, PasswordError> {
    let bytes = usize::try_from(bits / 8).unwrap_or(usize::MAX);
    match cipher {
        _ if cipher.takes_key(bytes) => Ok(bytes),
        Cipher::DesCbc | Cipher::DesEdeCbc => Err(PasswordError::DesKeyLength),
        _ => Err(PasswordError::KeyLength(bytes)),
    }
}

/// The length of a text in Java.
fn java_length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A `SecretKeyFactory` of Java's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyFactory {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl KeyFactory {
    const ALL: [Self; 5] = [Self::Sha1, Self::Sha224, Self::Sha256, Self::Sha384, Self::Sha512];
    const DEFAULT: &'static str = "PBKDF2WithHmacSHA512";

    fn named(name: &str) -> Result<Self, PasswordError> {
        let found = Self::ALL.into_iter().find(|it| it.name().eq_ignore_ascii_case(name));
        found.ok_or_else(|| PasswordError::KeyFactory(name.to_owned()))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "PBKDF2WithHmacSHA1",
            Self::Sha224 => "PBKDF2WithHmacSHA224",
            Self::Sha256 => "PBKDF2WithHmacSHA256",
            Self::Sha384 => "PBKDF2WithHmacSHA384",
            Self::Sha512 => Self::DEFAULT,
        }
    }

    fn derive(self, secret: &str, salt: &[u8], iterations: u32, bytes: usize) -> Vec<u8> {
        let (mut key, secret) = (vec![0; bytes], secret.as_bytes());
        match self {
            Self::Sha1 => pbkdf2_hmac::<sha1::Sha1>(secret, salt, iterations, &mut key),
            Self::Sha224 => pbkdf2_hmac::<sha2::Sha224>(secret, salt, iterations, &mut key),
            Self::Sha256 => pbkdf2_hmac::<sha2::Sha256>(secret, salt, iterations, &mut key),
            Self::Sha384 => pbkdf2_hmac::<sha2::Sha384>(secret, salt, iterations, &mut key),
            Self::Sha512 => pbkdf2_hmac::<sha2::Sha512>(secret, salt, iterations, &mut key),
        }
        key
    }
}

/// Whether ZooKeeper has the value of this key encrypted (`DynamicBrokerConfig.isPasswordConfig`).
pub fn is_password_config(name: &str) -> bool {
    let secret = |kind, mode| kind == ConfigType::Password && mode != UpdateMode::ReadOnly;
    broker::ROWS.iter().any(|row| secret(row.kind, row.update_mode) && name.ends_with(row.key))
}

/// Configs as ZooKeeper has them: passwords encrypted (`DynamicBrokerConfig.toPersistentProps`).
///
/// # Errors
/// [`ConfigError::Combination`] where there is no secret, or where the configs are those of all brokers;
/// [`ConfigError::Unavailable`] where the settings ask for what cannot be had.
pub fn to_persistent(
    own: &OwnConfigs,
    layer: Layer,
    encoder: Option<&PasswordEncoder>,
) -> Result<OwnConfigs, ConfigError> {
    let stored = |(name, value): (&String, &String)| {
        if !is_password_config(name) {
            return Ok((name.clone(), value.clone()));
        }
        let refused = |sentence: &str| ConfigError::Combination(sentence.to_owned());
        if layer == Layer::AllBrokers {
            return Err(refused("Password config can be defined only at broker level"));
        }
        let encoder = encoder.ok_or_else(|| refused("Password encoder secret not configured"))?;
        let encoded = encoder.encode(value).map_err(|error| ConfigError::Unavailable(error.to_string()))?;
        Ok((name.clone(), encoded))
    };
    own.iter().map(stored).collect()
}

/// Configs of ZooKeeper with passwords decrypted (`DynamicBrokerConfig.fromPersistentProps`); the sentences name
/// those that cannot be, which are left out.
pub fn from_persistent(mut own: OwnConfigs, encoder: Option<&PasswordEncoder>) -> (OwnConfigs, Vec<String>) {
    let mut ignored = Vec::new();
    own.retain(|name, value| {
        if !is_password_config(name) {
            return true;
        }
        let decoded = match encoder {
            Some(encoder) => encoder.decode(value).map_err(|error| error.to_string()),
            None => Err("Password encoder secret not configured".to_owned()),
        };
        match decoded {
            Ok(password) => *value = password,
            Err(reason) => {
                let sentence =
                    format!("Dynamic password config {name} could not be decoded, ignoring.: {reason}");
                ignored.push(sentence);
                return false;
            }
        }
        true
    });
    (own, ignored)
}

/// Configs of ZooKeeper whose passwords were encrypted with the old secret, encrypted with the present one; None
/// where there is no old secret or no password. A password that the old secret does not fit stays as it is
/// (`DynamicBrokerConfig.maybeReEncodePasswords`).
///
/// # Errors
/// [`ConfigError`] where there is no present secret, or where the settings ask for what cannot be had.
pub fn re_encoded(own: &OwnConfigs, config: &BrokerConfig) -> Result<Option<OwnConfigs>, ConfigError> {
    let Some(old) = PasswordEncoder::old(config).filter(|_| own.keys().any(|name| is_password_config(name)))
    else {
        return Ok(None);
    };
    let new = PasswordEncoder::of(config);
    let mut stored = own.clone();
    for (name, value) in stored.iter_mut().filter(|(name, _)| is_password_config(name)) {
        let Ok(password) = old.decode(value) else { continue };
        let of_one = OwnConfigs::from([(name.clone(), password)]);
        *value = to_persistent(&of_one, Layer::Broker, new.as_ref())?.remove(name).unwrap_or_default();
    }
    Ok(Some(stored))
}
