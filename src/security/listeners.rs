//! How each listener of a broker authenticates its callers, and as which users the broker authenticates at the other
//! brokers' listeners, by the broker's settings.
//!
//! A setting of one listener counts before that of the broker, and one of a mechanism of a listener before that. What
//! is not built is refused here in words. Kafka: `ChannelBuilders`, `SaslChannelBuilder`.

use std::sync::Arc;
use std::time::Duration;

use super::broker_logins::BrokerLogins;
use super::jaas::{JaasFile, login_of};
use super::sasl::client::SaslLogin;
use super::sasl::{CredentialCache, SaslMechanism, SaslUsers};
use crate::base::{Endpoint, SecurityProtocol};
use crate::config::ConfigError;
use crate::config::layers::LayeredSettings;
use crate::config::listener::normalised;

/// A listener's endpoint, and how its callers are authenticated.
#[derive(Clone, Debug)]
pub struct SecuredEndpoint {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// None where callers stay anonymous.
    pub sasl: Option<Arc<SaslListener>>,
}

/// What a listener with SASL knows.
#[doc(alias = "SaslChannelBuilder")]
#[derive(Clone, Debug)]
pub struct SaslListener {
    /// The mechanisms that its callers may choose from.
    mechanisms: Vec<EnabledMechanism>,
    /// For how long the answer to a failed authentication is held back (`connection.failed.authentication.delay.ms`).
    pub failure_delay: Duration,
}

/// A mechanism of a listener.
#[derive(Clone, Debug)]
pub struct EnabledMechanism {
    /// The mechanism.
    pub mechanism: SaslMechanism,
    /// The users that may come in by it.
    pub users: SaslUsers,
    /// For how long an authentication holds (`connections.max.reauth.ms`); None for as long as the connection.
    pub session_lifetime: Option<Duration>,
}

impl SaslListener {
    /// The names of its mechanisms.
    pub fn names(&self) -> Vec<String> {
        self.mechanisms.iter().map(|it| it.mechanism.name().to_owned()).collect()
    }

    /// Its mechanism of this name.
    pub fn mechanism(&self, name: &str) -> Option<&EnabledMechanism> {
        self.mechanisms.iter().find(|it| it.mechanism.name() == name)
    }
}

/// What listeners are secured by, beside the settings.
#[doc(alias = "ChannelBuilders")]
#[derive(Debug)]
pub struct ListenerSecurity {
    /// The file of logins.
    pub jaas: JaasFile,
    /// The credentials of SCRAM.
    pub credentials: Arc<CredentialCache>,
}

impl ListenerSecurity {
    /// By the file of logins that the variable `KAFKA_OPTS` names, without any credential yet.
    ///
    /// # Errors
    /// [`ConfigError`]: the file cannot be read, or has a login for ZooKeeper.
    pub fn of_environment() -> Result<Self, ConfigError> {
        let jaas = JaasFile::of_java_options(&std::env::var("KAFKA_OPTS").unwrap_or_default())?;
        if jaas.has_zookeeper_login() {
            let sentence = "SASL to ZooKeeper is not built yet: this broker would not be authenticated there as the context \
                            Client of java.security.auth.login.config asks.";
            return Err(ConfigError::Combination(sentence.to_owned()));
        }
        Ok(Self { jaas, credentials: Arc::default() })
    }

    /// The listeners of these settings.
    ///
    /// # Errors
    /// [`ConfigError`]: settings that cannot be read or contradict each other, or ask for what is not built.
    pub fn secured(&self, settings: &LayeredSettings) -> Result<Vec<SecuredEndpoint>, ConfigError> {
        let endpoints = settings.broker.listeners()?.into_iter();
        endpoints.map(|endpoint| self.secured_one(endpoint, settings)).collect()
    }

    fn secured_one(
        &self,
        endpoint: Endpoint,
        settings: &LayeredSettings,
    ) -> Result<SecuredEndpoint, ConfigError> {
        let sasl = match endpoint.protocol {
            SecurityProtocol::Plaintext => None,
            SecurityProtocol::SaslPlaintext => Some(Arc::new(self.sasl(&endpoint.listener, settings)?)),
            protocol @ (SecurityProtocol::Ssl | SecurityProtocol::SaslSsl) => {
                return Err(ConfigError::Unavailable(format!(
                    "Listener {} wants {protocol}; TLS is not built yet",
                    endpoint.listener
                )));
            }
        };
        Ok(SecuredEndpoint { endpoint, sasl })
    }

    /// The users that this broker authenticates as, at the listener between brokers and at that of the control plane:
    /// those of the login modules of its own listeners of these names.
    ///
    /// # Errors
    /// [`ConfigError`]: no user is given, or its mechanism is not one of the listener's.
    pub fn logins(&self, settings: &LayeredSettings) -> Result<BrokerLogins, ConfigError> {
        let broker = &settings.broker;
        let between = broker.inter_broker_listener()?;
        let control_plane = broker.control_plane_listener_name.as_deref().map(normalised);
        let of_brokers =
            |it: &Endpoint| it.listener == between || Some(&it.listener) == control_plane.as_ref();
        let endpoints = broker.listeners()?.into_iter().filter(of_brokers);
        let with_sasl = endpoints.filter(|it| it.protocol == SecurityProtocol::SaslPlaintext);
        with_sasl
            .map(|Endpoint { listener, .. }| Ok((listener.clone(), self.login(&listener, settings)?)))
            .collect()
    }

    fn login(&self, listener: &str, settings: &LayeredSettings) -> Result<SaslLogin, ConfigError> {
        let name = &settings.broker.sasl_mechanism_inter_broker_protocol;
        let enabled = mechanisms(listener, settings);
        let mechanism = SaslMechanism::of_name(name).filter(|_| enabled.contains(name)).ok_or_else(|| {
            ConfigError::Requirement(
                "sasl.mechanism.inter.broker.protocol must be included in sasl.enabled.mechanisms when SASL is used for \
                 inter-broker communication"
                    .to_owned(),
            )
        })?;
        let setting = own(listener, Some(mechanism), "sasl.jaas.config", settings);
        Ok(login_of(mechanism, &self.jaas.server_modules(listener, setting)?)?)
    }

    fn sasl(&self, listener: &str, settings: &LayeredSettings) -> Result<SaslListener, ConfigError> {
        let enabled = mechanisms(listener, settings);
        if enabled.is_empty() {
            return Err(ConfigError::Illegal("No SASL mechanisms are enabled".to_owned()));
        }
        let mut mechanisms: Vec<EnabledMechanism> = Vec::with_capacity(enabled.len());
        for name in enabled {
            let Some(mechanism) = SaslMechanism::of_name(&name) else {
                return Err(ConfigError::Unavailable(format!(
                    "Listener {listener} enables the SASL mechanism {name}; of the mechanisms, PLAIN, SCRAM-SHA-256 and \
                     SCRAM-SHA-512 are built"
                )));
            };
            if mechanisms.iter().all(|it| it.mechanism != mechanism) {
                mechanisms.push(self.enabled(listener, mechanism, settings)?);
            }
        }
        let delay = settings.broker.connection_failed_authentication_delay_ms;
        Ok(SaslListener { mechanisms, failure_delay: Duration::from_millis(delay.try_into().unwrap_or(0)) })
    }

    fn enabled(
        &self,
        listener: &str,
        mechanism: SaslMechanism,
        settings: &LayeredSettings,
    ) -> Result<EnabledMechanism, ConfigError> {
        let setting = own(listener, Some(mechanism), "sasl.jaas.config", settings);
        let modules = self.jaas.server_modules(listener, setting)?;
        let users = SaslUsers { modules, credentials: self.credentials.clone() };
        let key = "connections.max.reauth.ms";
        let lifetime =
            own(listener, Some(mechanism), key, settings).or_else(|| own(listener, None, key, settings));
        let lifetime_ms = match lifetime {
            None => settings.broker.connections_max_reauth_ms,
            Some(text) => text.trim().parse().map_err(|_| ConfigError::Invalid {
                key: key.to_owned(),
                value: text.to_owned(),
                reason: "Not a number of type LONG".to_owned(),
            })?,
        };
        let session_lifetime =
            u64::try_from(lifetime_ms).ok().filter(|ms| *ms > 0).map(Duration::from_millis);
        Ok(EnabledMechanism { mechanism, users, session_lifetime })
    }
}

/// The names of the mechanisms that a listener enables.
fn mechanisms(listener: &str, settings: &LayeredSettings) -> Vec<String> {
    match own(listener, None, "sasl.enabled.mechanisms", settings) {
        None => settings.broker.sasl_enabled_mechanisms.clone(),
        Some(own) => {
            own.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
        }
    }
}

/// What `listener.name.LISTENER.KEY` is set to, or `listener.name.LISTENER.MECHANISM.KEY`.
fn own<'a>(
    listener: &str,
    mechanism: Option<SaslMechanism>,
    key: &str,
    settings: &'a LayeredSettings,
) -> Option<&'a str> {
    let listener = listener.to_lowercase();
    match mechanism {
        None => settings.pairs.get(&format!("listener.name.{listener}.{key}")),
        Some(mechanism) => {
            let mechanism = mechanism.name().to_lowercase();
            settings.pairs.get(&format!("listener.name.{listener}.{mechanism}.{key}"))
        }
    }
}

#[cfg(test)]
mod tests;
