//! The handler of changed quotas of clients and users, and of the credentials of users.
//!
//! An entity whose configs cannot be read as quotas is logged and keeps the quotas that it has. A user whose credential
//! cannot be read does not come in. Kafka:
//! `QuotaConfigHandler`, `ClientIdConfigHandler`, `UserConfigHandler`.

use std::sync::Arc;

use super::TARGET;
use crate::admin::configs::ConfigReader;
use crate::base::sanitizer::desanitize;
use crate::config::layers::OwnConfigs;
use crate::quota::ClientQuotas;
use crate::quota::entity::{QuotaEntity, QuotaEntityError};
use crate::quota::values::{QuotaValueError, quota_values};
use crate::security::sasl::CredentialCache;
use crate::zk::ZkError;
use crate::zk::znode::config_entity::{DEFAULT_NAME, EntityType};

/// Applies the quotas of clients and users, and the credentials of users.
#[doc(alias = "QuotaConfigHandler")]
#[doc(alias = "ClientIdConfigHandler")]
#[doc(alias = "UserConfigHandler")]
pub struct ClientQuotaConfigHandler {
    pub configs: Arc<ConfigReader>,
    pub quotas: Arc<ClientQuotas>,
    pub credentials: Arc<CredentialCache>,
}

/// Configs that are no quotas.
#[derive(Debug, thiserror::Error)]
enum QuotaConfigError {
    #[error(transparent)]
    Entity(#[from] QuotaEntityError),
    #[error(transparent)]
    Value(#[from] QuotaValueError),
}

impl ClientQuotaConfigHandler {
    /// Reads and applies the quotas of an entity; `kind` is that of its parent, `name` the path below that.
    ///
    /// # Errors
    /// Failures of ZooKeeper.
    pub async fn process(&self, kind: EntityType, name: &str) -> Result<(), ZkError> {
        let own = self.configs.fetch(kind, name).await?;
        self.apply(kind, name, &own);
        Ok(())
    }

    /// Reads and applies the quotas of all entities.
    ///
    /// # Errors
    /// Failures of ZooKeeper.
    pub async fn process_all(&self) -> Result<(), ZkError> {
        let users = self.configs.names(EntityType::Users).await?;
        let of_users = self.configs.client_names_of_users(&users).await?;
        let clients = self.configs.names(EntityType::Clients).await?;
        for (kind, names) in
            [(EntityType::Users, users), (EntityType::Users, of_users), (EntityType::Clients, clients)]
        {
            let found = self.configs.fetch_each(kind, &names).await;
            for (name, own) in names.iter().zip(found) {
                self.apply(kind, name, &own?);
            }
        }
        Ok(())
    }

    fn apply(&self, kind: EntityType, name: &str, own: &OwnConfigs) {
        if kind == EntityType::Users {
            self.apply_credentials(name, own);
        }
        let quotas = || -> Result<_, QuotaConfigError> {
            let entity = match kind {
                EntityType::Clients => QuotaEntity::of_clients(name)?,
                _ => QuotaEntity::of_users(name)?,
            };
            Ok((entity, quota_values(own)?))
        };
        match quotas() {
            Ok((entity, values)) => {
                self.quotas.update(&entity, &values);
                log::info!(target: TARGET, "The quotas of {entity} are {values:?}");
            }
            Err(error) => {
                log::error!(target: TARGET, "The quotas of {}/{name} stay as they are: {error}", kind.name());
            }
        }
    }

    /// The credentials lie with the user itself, not with its clients.
    fn apply_credentials(&self, name: &str, own: &OwnConfigs) {
        let Some(user) = desanitize(name).filter(|_| !name.contains('/') && name != DEFAULT_NAME) else {
            return;
        };
        let unreadable = self.credentials.update(&user, own);
        if !unreadable.is_empty() {
            let mechanisms = unreadable.join(", ");
            log::error!(target: TARGET, "The user {user} has no credential for {mechanisms}: what lies in ZooKeeper cannot be read");
        }
    }
}
