//! What a client quota is set for: a user, a client id, a client id of a user, and the default at each position.
//!
//! Pure. Kafka: `KafkaQuotaEntity`, `ClientQuotaEntity`.

use std::fmt;

use crate::base::sanitizer::desanitize;

/// The name of the entity that stands for all of a kind without quotas of their own.
const DEFAULT: &str = "<default>";

/// A user or a client id, or all of them that have no quotas of their own.
#[doc(alias = "UserEntity")]
#[doc(alias = "ClientIdEntity")]
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConfigEntityName {
    /// `<default>`.
    Default,
    /// A user's sanitized name, or a client id as it is.
    Named(String),
}

impl ConfigEntityName {
    /// A user, from the name of its znode.
    fn user(znode: &str) -> Self {
        if znode == DEFAULT { Self::Default } else { Self::Named(znode.to_owned()) }
    }

    /// A client id, from the name of its znode.
    fn client_id(znode: &str) -> Option<Self> {
        if znode == DEFAULT { Some(Self::Default) } else { desanitize(znode).map(Self::Named) }
    }
}

/// What a quota is set for. A user, a client id, or both.
#[doc(alias = "KafkaQuotaEntity")]
#[doc(alias = "ClientQuotaEntity")]
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QuotaEntity {
    /// The user, by its sanitized name.
    pub user: Option<ConfigEntityName>,
    /// The client id, as clients send it.
    pub client_id: Option<ConfigEntityName>,
}

/// A znode's name that names no entity of quotas.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuotaEntityError {
    /// Neither `USER` nor `USER/clients/CLIENT_ID`.
    #[error("Invalid quota entity path: {0}")]
    Path(String),
    /// A client id that is not URL-encoded as it has to be.
    #[error("the client id {0} is not URL-encoded")]
    Encoding(String),
}

impl QuotaEntity {
    /// The entity of `/config/clients/NAME`.
    ///
    /// # Errors
    /// [`QuotaEntityError::Encoding`].
    pub fn of_clients(name: &str) -> Result<Self, QuotaEntityError> {
        Ok(Self { user: None, client_id: Some(client_id(name)?) })
    }

    /// The entity of `/config/users/NAME`, where `name` is `USER` or `USER/clients/CLIENT_ID`.
    ///
    /// # Errors
    /// [`QuotaEntityError`].
    pub fn of_users(name: &str) -> Result<Self, QuotaEntityError> {
        let parts: Vec<_> = name.split('/').collect();
        match parts.as_slice() {
            [user] => Ok(Self { user: Some(ConfigEntityName::user(user)), client_id: None }),
            [user, _, client] => {
                Ok(Self { user: Some(ConfigEntityName::user(user)), client_id: Some(client_id(client)?) })
            }
            _ => Err(QuotaEntityError::Path(name.to_owned())),
        }
    }
}

fn client_id(znode: &str) -> Result<ConfigEntityName, QuotaEntityError> {
    ConfigEntityName::client_id(znode).ok_or_else(|| QuotaEntityError::Encoding(znode.to_owned()))
}

/// Prints as Kafka logs it, e.g. `user alice default client-id`.
impl fmt::Display for QuotaEntity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |kind: &str, name: &ConfigEntityName| match name {
            ConfigEntityName::Default => format!("default {kind}"),
            ConfigEntityName::Named(name) => format!("{kind} {name}"),
        };
        let user = self.user.as_ref().map(|name| named("user", name));
        let client_id = self.client_id.as_ref().map(|name| named("client-id", name));
        let parts: Vec<_> = user.into_iter().chain(client_id).collect();
        out.write_str(&parts.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_are_read_from_the_names_of_znodes() {
        let printed = |entity: Result<QuotaEntity, QuotaEntityError>| entity.map(|it| it.to_string());
        assert_eq!(printed(QuotaEntity::of_clients("a%20b")), Ok("client-id a b".to_owned()));
        assert_eq!(printed(QuotaEntity::of_clients("<default>")), Ok("default client-id".to_owned()));
        assert_eq!(printed(QuotaEntity::of_users("CN%3Dx")), Ok("user CN%3Dx".to_owned()));
        let both = QuotaEntity::of_users("<default>/clients/c%2F1");
        assert_eq!(printed(both), Ok("default user client-id c/1".to_owned()));
        let default_client = QuotaEntity::of_users("u/clients/<default>");
        assert_eq!(printed(default_client), Ok("user u default client-id".to_owned()));
        assert_eq!(QuotaEntity::of_users("u/clients"), Err(QuotaEntityError::Path("u/clients".to_owned())));
        assert_eq!(QuotaEntity::of_clients("%x"), Err(QuotaEntityError::Encoding("%x".to_owned())));
    }
}
