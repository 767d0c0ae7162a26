//! The users that a broker authenticates as at the listeners of the other brokers.
//!
//! Pure. Kafka: the clients of `ReplicaFetcherBlockingSend`, `ControllerChannelManager` and the like, each with a
//! channel builder of the server's JAAS context.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::sasl::client::SaslLogin;

/// A broker's users at the listeners between brokers; none at listeners without SASL.
#[derive(Clone, Debug, Default)]
pub struct BrokerLogins(BTreeMap<String, Arc<SaslLogin>>);

impl BrokerLogins {
    /// The user at the listener of this name; None where no authentication is asked for.
    pub fn at(&self, listener: &str) -> Option<Arc<SaslLogin>> {
        self.0.get(listener).cloned()
    }
}

impl FromIterator<(String, SaslLogin)> for BrokerLogins {
    fn from_iter<I: IntoIterator<Item = (String, SaslLogin)>>(logins: I) -> Self {
        Self(logins.into_iter().map(|(listener, login)| (listener, Arc::new(login))).collect())
    }
}
