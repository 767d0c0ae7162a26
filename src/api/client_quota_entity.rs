//! The entities of client quotas, between the parts by which requests name them and their znodes.
//!
//! Pure. Kafka: `AdminManager.entityToSanitizedUserClientId`, `ClientQuotaEntity`.

use crate::admin::AdminError;
use crate::base::sanitizer::{desanitize, sanitize};
use crate::zk::znode::config_entity::{DEFAULT_NAME, EntityType};

/// The type of a part that names a user.
pub(super) const USER: &str = "user";
/// The type of a part that names a client id.
pub(super) const CLIENT_ID: &str = "client-id";

/// The parts of an entity: the type and the name of each; None is the default.
pub(super) type EntityParts = Vec<(String, Option<String>)>;

/// An entity, by the sanitized names of its znode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct EntityZnode {
    /// The user.
    pub user: Option<String>,
    /// The client id.
    pub client_id: Option<String>,
}

impl EntityZnode {
    /// The entity that these parts name.
    ///
    /// # Errors
    /// INVALID_REQUEST where they name none.
    pub fn of_parts(parts: &EntityParts) -> Result<Self, AdminError> {
        let mut znode = Self::default();
        for (entity_type, name) in parts {
            let part = match entity_type.as_str() {
                USER => &mut znode.user,
                CLIENT_ID => &mut znode.client_id,
                _ => {
                    let sentence = format!("Unhandled client quota entity type: {entity_type}");
                    return Err(AdminError::invalid_request(sentence));
                }
            };
            *part = Some(sanitized(name.as_deref()));
            if name.as_deref() == Some("") {
                return Err(AdminError::invalid_request(format!("Empty {entity_type} not supported")));
            }
        }
        if parts.is_empty() {
            return Err(AdminError::invalid_request("Invalid empty client quota entity"));
        }
        Ok(znode)
    }

    /// The kind of its znode.
    pub fn kind(&self) -> EntityType {
        if self.user.is_some() { EntityType::Users } else { EntityType::Clients }
    }

    /// The path of its znode below that of its kind.
    pub fn name(&self) -> String {
        match (&self.user, &self.client_id) {
            (Some(user), Some(client_id)) => format!("{user}/{}/{client_id}", EntityType::Clients.name()),
            (Some(name), None) | (None, Some(name)) => name.clone(),
            (None, None) => String::new(),
        }
    }
}

/// The name of a part's znode.
pub(super) fn sanitized(name: Option<&str>) -> String {
    name.map_or(DEFAULT_NAME.to_owned(), |name| sanitize(name).into_owned())
}

/// The name that a znode's name stands for; None for the default. A name that was never sanitized stands for itself.
pub(super) fn desanitized(znode: &str) -> Option<String> {
    (znode != DEFAULT_NAME).then(|| desanitize(znode).unwrap_or_else(|| znode.to_owned()))
}
