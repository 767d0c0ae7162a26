//! How a client's connections are secured: `security.protocol`, `sasl.mechanism`, and the user and password of
//! `sasl.jaas.config` or of the file that Java's option `java.security.auth.login.config` names.
//!
//! Reads that file and the variable `KAFKA_OPTS`, once for a client. Never shows a password. Kafka: `ChannelBuilders`,
//! `JaasContext.loadClientContext`.

use std::sync::Arc;

use crate::base::SecurityProtocol;
use crate::security::jaas::{JaasError, JaasFile, login_of};
use crate::security::sasl::SaslMechanism;
use crate::security::sasl::client::SaslLogin;

/// How a client's connections are secured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClientSecurity {
    /// Not at all (`PLAINTEXT`).
    #[default]
    Plaintext,
    /// The client authenticates as this user (`SASL_PLAINTEXT`). What it sends is not encrypted.
    Sasl(SaslLogin),
    /// As [`ClientSecurity::Sasl`]; the user is that of the context `KafkaClient` in the file that the variable
    /// `KAFKA_OPTS` names by `-Djava.security.auth.login.config=`.
    SaslOfJavaOptions(SaslMechanism),
}

impl ClientSecurity {
    /// The security protocol of the listeners that the client connects to.
    pub(super) fn protocol(&self) -> SecurityProtocol {
        match self {
            Self::Plaintext => SecurityProtocol::Plaintext,
            Self::Sasl(_) | Self::SaslOfJavaOptions(_) => SecurityProtocol::SaslPlaintext,
        }
    }

    /// The user that the client authenticates as; None where it does not.
    ///
    /// # Errors
    /// [`JaasError`]: the file cannot be read, or has no user for clients.
    pub(super) fn login(&self) -> Result<Option<Arc<SaslLogin>>, JaasError> {
        match self {
            Self::Plaintext => Ok(None),
            Self::Sasl(login) => Ok(Some(Arc::new(login.clone()))),
            Self::SaslOfJavaOptions(mechanism) => {
                let file = JaasFile::of_java_options(&std::env::var("KAFKA_OPTS").unwrap_or_default())?;
                Ok(Some(Arc::new(login_of(*mechanism, file.client_modules()?)?)))
            }
        }
    }
}
