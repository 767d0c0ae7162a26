//! What `--zookeeper` writes of passwords: credentials of users instead of their passwords, and passwords of brokers
//! encrypted.
//!
//! Kafka: `ConfigCommand.preProcessScramCredentials`, `preProcessBrokerConfigs`, `createPasswordEncoder`.

use super::refusal;
use crate::cli::java::scala_set;
use crate::cli::throwable::JavaThrowable;
use crate::client::admin::{ScramCredential, ScramMechanism};
use crate::config::BrokerConfig;
use crate::config::layers::{self, Layer, OwnConfigs};
use crate::config::password_encoder::{PasswordEncoder, PasswordError, is_password_config};

/// Iterations where none are given.
const ITERATIONS: i32 = 4096;
/// Bytes of a new salt.
const SALT_BYTES: usize = 26;
/// How passwords are encrypted is set by keys that begin so, which are not stored.
const ENCODER: &str = "password.encoder.";

/// A password as a config gives it, and how often it is to be hashed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct ScramPassword<'a> {
    pub iterations: i32,
    pub password: &'a str,
}

impl<'a> ScramPassword<'a> {
    /// From `iterations=N,password=TEXT`, where the iterations may be left out. `mechanism` is its name as the text of
    /// a refusal of too few iterations has it.
    pub fn read(
        text: &'a str,
        mechanism: ScramMechanism,
        shown: &str,
        negative: bool,
    ) -> Result<Self, JavaThrowable> {
        let name = java_name(mechanism);
        let invalid = || refusal(format!("Invalid credential property {name}={text}"));
        let (iterations, password) = match text.strip_prefix("iterations=") {
            None => (None, text.strip_prefix("password=").ok_or_else(invalid)?),
            Some(rest) => {
                let (number, password) = rest.split_once(",password=").ok_or_else(invalid)?;
                (Some(number), password)
            }
        };
        let iterations = match iterations {
            None => ITERATIONS,
            Some("-1") if negative => ITERATIONS,
            Some(number) => {
                let digits = number.strip_prefix('-').filter(|_| negative).unwrap_or(number);
                if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
                    return Err(invalid());
                }
                number.parse().map_err(|_| refusal(format!("For input string: \"{number}\"")))?
            }
        };
        let least = ScramMechanism::MIN_ITERATIONS;
        if iterations < least {
            return Err(refusal(format!(
                "Iterations {iterations} is less than the minimum {least} required for {shown}"
            )));
        }
        Ok(Self { iterations, password })
    }
}

/// The name of Kafka's constant.
fn java_name(mechanism: ScramMechanism) -> String {
    mechanism.name().replace('-', "_")
}

/// Puts credentials in the position of the passwords of a user.
pub(super) fn salt_passwords(add: &mut [(String, String)]) -> Result<(), JavaThrowable> {
    for mechanism in ScramMechanism::ALL {
        let Some((_, value)) = add.iter_mut().find(|(key, _)| key == mechanism.name()) else { continue };
        let given = ScramPassword::read(value, mechanism, &java_name(mechanism), false)?;
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt)
            .map_err(|error| JavaThrowable::new("java.security.ProviderException", error.to_string()))?;
        let iterations = given.iterations.unsigned_abs();
        let credential = ScramCredential::generate(mechanism, given.password.as_bytes(), &salt, iterations);
        *value = credential.map(|it| it.to_string()).unwrap_or_default();
    }
    Ok(())
}

/// Checks the configs of a broker that does not run, and encrypts the passwords among them.
pub(super) fn prepare_broker(add: &mut Vec<(String, String)>, layer: Layer) -> Result<(), JavaThrowable> {
    let encoder: Vec<_> = add.extract_if(.., |(key, _)| key.starts_with(ENCODER)).collect();
    let own: OwnConfigs = add.iter().cloned().collect();
    layers::check_own(layer, &own)?;
    let passwords: Vec<_> =
        add.iter().map(|(key, _)| key.as_str()).filter(|key| is_password_config(key)).collect();
    if passwords.is_empty() {
        return Ok(());
    }
    if !encoder.iter().any(|(key, _)| key == "password.encoder.secret") {
        return Err(refusal(format!(
            "requirement failed: password.encoder.secret must be specified to update {}. Other password encoder configs \
             like cipher algorithm and iterations may also be specified to override the default encoding parameters. \
             Password encoder configs will not be persisted in ZooKeeper.",
            scala_set(&passwords)
        )));
    }
    let encoder = read_encoder(&encoder)?;
    for (_, value) in add.iter_mut().filter(|(key, _)| is_password_config(key)) {
        *value = encoder.encode(value).map_err(|error| {
            let class = match error {
                PasswordError::KeyLength(_) | PasswordError::DesKeyLength => {
                    "java.security.InvalidKeyException"
                }
                _ => "java.security.NoSuchAlgorithmException",
            };
            JavaThrowable::new(class, error.to_string())
        })?;
    }
    Ok(())
}

/// The encoder with these settings; Kafka's tool does not read the algorithm of the key.
fn read_encoder(settings: &[(String, String)]) -> Result<PasswordEncoder, JavaThrowable> {
    let mut config = BrokerConfig::default();
    for (key, value) in settings {
        let number = ["password.encoder.key.length", "password.encoder.iterations"].contains(&key.as_str());
        if number && value.parse::<i32>().is_err() {
            return Err(refusal(format!("For input string: \"{value}\"")));
        }
        if key != "password.encoder.keyfactory.algorithm" {
            config.set(key, value)?;
        }
    }
    PasswordEncoder::of(&config).ok_or_else(|| refusal("Password encoder secret not specified"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(i32, &str), String> {
        let mechanism = ScramMechanism::ScramSha256;
        match ScramPassword::read(text, mechanism, mechanism.name(), true) {
            Ok(read) => Ok((read.iterations, read.password)),
            Err(thrown) => Err(thrown.message().to_owned()),
        }
    }

    #[test]
    fn a_password_stands_behind_its_iterations() {
        assert_eq!(read("password=a,b=c"), Ok((4096, "a,b=c")));
        assert_eq!(read("iterations=8192,password=x"), Ok((8192, "x")));
        assert_eq!(read("iterations=-1,password=x"), Ok((4096, "x")));
        let few = "Iterations 100 is less than the minimum 4096 required for SCRAM-SHA-256";
        assert_eq!(read("iterations=100,password=x"), Err(few.to_owned()));
        for wrong in ["", "x", "iterations=1", "iterations=a,password=x"] {
            assert_eq!(read(wrong), Err(format!("Invalid credential property SCRAM_SHA_256={wrong}")));
        }
        assert_eq!(read("iterations=,password=x"), Err("For input string: \"\"".to_owned()));
    }

    #[test]
    fn passwords_of_a_broker_are_encrypted_and_the_secret_is_not_stored() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let key = "listener.name.internal.ssl.key.password";
        let mut add = vec![pair(key, "key-password"), pair("password.encoder.secret", "secret")];
        prepare_broker(&mut add, Layer::Broker).unwrap();
        let [(name, value)] = &add[..] else { panic!("{add:?}") };
        assert!(name == key && value.starts_with("encryptedPassword:"), "{value}");
        let mut config = BrokerConfig::default();
        config.set("password.encoder.secret", "secret").unwrap();
        assert_eq!(PasswordEncoder::of(&config).unwrap().decode(value).unwrap(), "key-password");
        let failure = prepare_broker(&mut vec![pair(key, "p")], Layer::Broker).unwrap_err();
        let sentence = failure.message();
        let expected = format!("password.encoder.secret must be specified to update Set({key}).");
        assert!(sentence.contains(&expected), "{sentence}");
    }
}
