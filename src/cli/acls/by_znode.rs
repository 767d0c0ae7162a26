//! ACLs through ZooKeeper, by an authorizer of the tool's own.
//!
//! Kafka: `AclCommand.AuthorizerService`.

use std::time::Duration;

use super::AclsOptions;
use crate::cli::throwable::JavaThrowable;
use crate::cli::zookeeper_session;
use crate::config::authorizer::CLASSES;
use crate::config::{BrokerConfig, Properties, unbuilt};
use crate::security::acl_authorizer::{
    self, AclAuthorizerSettings, AclError, AclStoreError, AuthorizerClass,
};
use crate::security::{AclAuthorizer, AclBinding, AclBindingFilter};

/// The ACLs in ZooKeeper.
pub(super) struct ZnodeAcls {
    authorizer: AclAuthorizer,
}

impl ZnodeAcls {
    /// Opens a session of the authorizer, creates the paths of ACLs that are missing, and reads all ACLs.
    pub async fn connect(options: &AclsOptions) -> Result<Self, JavaThrowable> {
        let properties = properties(&options.authorizer_properties)?;
        if let Some(file) = &options.zk_tls_config_file {
            zookeeper_session::check_tls_file(file)?;
        }
        let name = options.authorizer.as_deref().unwrap_or(CLASSES[0]);
        let class = AuthorizerClass::from_name(name)
            .ok_or_else(|| JavaThrowable::new("java.lang.ClassNotFoundException", name))?;
        unbuilt::check_broker(&properties)?;
        let config = BrokerConfig::parse(&properties)?;
        let settings = AclAuthorizerSettings::read(class, &properties, &config)?;
        let ensemble = &settings.zookeeper;
        let limit = Duration::from_millis(ensemble.connection_timeout_ms.max(0).unsigned_abs().into());
        let zk = acl_authorizer::connect(ensemble).await;
        let zk = zk.map_err(|error| zookeeper_session::unreachable(&ensemble.connect, limit, error))?;
        Ok(Self { authorizer: AclAuthorizer::open(zk, settings).await? })
    }

    /// Adds ACLs; prints those that could not be.
    pub async fn add(&self, bindings: &[AclBinding], options: &AclsOptions) {
        let created = self.authorizer.create_acls(bindings).await;
        for error in created.into_iter().filter_map(Result::err) {
            complain(options, "adding", &error.into());
        }
    }

    /// Removes ACLs; prints those that could not be.
    pub async fn remove(&self, filters: &[AclBindingFilter], options: &AclsOptions) {
        let deleted = self.authorizer.delete_acls(filters).await;
        for error in deleted.into_iter().flatten().filter_map(|it| it.outcome.err()) {
            complain(options, "removing", &error.into());
        }
    }

    /// The ACLs that the filters mean, those of each filter together.
    pub fn find(&self, filters: &[AclBindingFilter]) -> Vec<AclBinding> {
        filters.iter().flat_map(|filter| self.authorizer.acls(filter)).collect()
    }

    /// Ends the session.
    pub async fn close(&self) {
        self.authorizer.close().await;
    }
}

fn complain(options: &AclsOptions, doing: &str, thrown: &JavaThrowable) {
    options.note(&format!("Error while {doing} ACLs: {}", thrown.message()));
    options.note(&format!("{thrown}\n"));
}

/// The pairs; all need a value.
fn properties(arguments: &[String]) -> Result<Properties, JavaThrowable> {
    let pair = |argument: &String| match argument.split_once('=') {
        Some((key, value)) if !value.is_empty() => Ok((key.to_owned(), value.to_owned())),
        with_key => {
            let key = with_key.map_or(argument.as_str(), |(key, _)| key);
            let message = format!("Missing value for key {key}");
            Err(JavaThrowable::new("java.lang.IllegalArgumentException", message))
        }
    };
    arguments.iter().map(pair).collect()
}

impl From<AclStoreError> for JavaThrowable {
    fn from(error: AclStoreError) -> Self {
        match error {
            AclStoreError::ZooKeeper(error) => error.into(),
            AclStoreError::Broken { .. } => {
                Self::new("com.fasterxml.jackson.databind.JsonMappingException", error.to_string())
            }
            AclStoreError::Malformed(message) => Self::new("java.lang.IllegalArgumentException", message),
            AclStoreError::Contended(_) => Self::new("java.lang.IllegalStateException", error.to_string()),
        }
    }
}

impl From<AclError> for JavaThrowable {
    fn from(error: AclError) -> Self {
        let class = match &error {
            AclError::Refused => "InvalidRequestException",
            AclError::PrefixesNotAllowed => "UnsupportedVersionException",
            AclError::MalformedPrincipal(_) | AclError::Failed(_) => "ApiException",
        };
        Self::new(format!("org.apache.kafka.common.errors.{class}"), error.to_string())
    }
}
