//! What a broker knows of its users: the credentials of SCRAM, as ZooKeeper has them, and the passwords of PLAIN.
//!
//! Never reads ZooKeeper itself. Kafka: `CredentialProvider`, `CredentialCache`, `PlainServerCallbackHandler`.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;

use super::{SaslMechanism, ScramCredential, ScramHash};
use crate::security::jaas::LoginModule;

/// The credentials of all users, as the configs of users have them.
#[doc(alias = "CredentialProvider")]
#[derive(Default)]
pub struct CredentialCache {
    of_users: RwLock<HashMap<String, BTreeMap<ScramHash, ScramCredential>>>,
}

/// Without the secrets.
impl fmt::Debug for CredentialCache {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("CredentialCache").field(&self.of_users.read().len()).finish()
    }
}

impl CredentialCache {
    /// Takes the configs of a user. A mechanism without a credential there has none any more, nor has one whose
    /// credential cannot be read; those mechanisms are returned.
    pub fn update(&self, user: &str, configs: &BTreeMap<String, String>) -> Vec<&'static str> {
        let (mut known, mut unreadable) = (BTreeMap::new(), Vec::new());
        for hash in ScramHash::ALL {
            match configs.get(hash.mechanism()).map(|text| ScramCredential::parse(text)) {
                Some(Some(credential)) => drop(known.insert(hash, credential)),
                Some(None) => unreadable.push(hash.mechanism()),
                None => {}
            }
        }
        let mut of_users = self.of_users.write();
        match known.is_empty() {
            true => drop(of_users.remove(user)),
            false => drop(of_users.insert(user.to_owned(), known)),
        }
        unreadable
    }

    fn credential(&self, hash: ScramHash, user: &str) -> Option<ScramCredential> {
        self.of_users.read().get(user)?.get(&hash).cloned()
    }
}

/// The users of one mechanism of one listener.
#[doc(alias = "PlainServerCallbackHandler")]
#[derive(Clone, Debug)]
pub struct SaslUsers {
    /// The login modules of the mechanism.
    pub modules: Vec<LoginModule>,
    /// The credentials of SCRAM.
    pub credentials: Arc<CredentialCache>,
}

impl SaslUsers {
    /// The password of a user of PLAIN: the option `user_NAME` of its login module.
    pub fn password(&self, user: &str) -> Option<&str> {
        let option = format!("user_{user}");
        let of_plain = self.modules.iter().filter(|it| it.class == SaslMechanism::Plain.login_module());
        of_plain.into_iter().find_map(|module| module.option(&option))
    }

    /// The credential of a user of SCRAM.
    pub fn credential(&self, hash: ScramHash, user: &str) -> Option<ScramCredential> {
        self.credentials.credential(hash, user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_lasts_as_long_as_the_configs_of_its_user_have_it() {
        let made = ScramCredential::of_password(ScramHash::Sha256, "secret", 4096);
        let cache = CredentialCache::default();
        let configs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let one = configs(&[("SCRAM-SHA-256", &made.to_string()), ("producer_byte_rate", "1")]);
        assert!(cache.update("alice", &one).is_empty());
        assert_eq!(cache.credential(ScramHash::Sha256, "alice"), Some(made.clone()));
        assert_eq!(cache.credential(ScramHash::Sha512, "alice"), None);
        assert_eq!(cache.credential(ScramHash::Sha256, "bob"), None);
        assert!(!format!("{cache:?}").contains("alice"));
        let both = configs(&[("SCRAM-SHA-256", "broken"), ("SCRAM-SHA-512", &made.to_string())]);
        assert_eq!(cache.update("alice", &both), ["SCRAM-SHA-256"]);
        assert_eq!(cache.credential(ScramHash::Sha256, "alice"), None, "what cannot be read lets nobody in");
        assert!(cache.credential(ScramHash::Sha512, "alice").is_some());
        cache.update("alice", &configs(&[]));
        assert_eq!(cache.credential(ScramHash::Sha512, "alice"), None);
    }
}
