//! Which quota a client has: of the entities that it belongs to, the first one with a quota counts.
//!
//! Pure. The order of precedence, below `/config`:
//!
//! ```text
//! users/U/clients/C   users/U/clients/<default>   users/U
//! users/<default>/clients/C   users/<default>/clients/<default>   users/<default>
//! clients/C   clients/<default>
//! ```
//!
//! Kafka: `DefaultQuotaCallback` of `ClientQuotaManager`.

use std::collections::HashMap;

use super::entity::{ConfigEntityName, QuotaEntity};

/// A client as quotas know it.
#[derive(Clone, Copy, Debug)]
pub struct QuotaClient<'a> {
    /// The sanitized name of its user.
    pub user: &'a str,
    /// Its client id; empty where it has none.
    pub client_id: &'a str,
}

/// The clients that use up a quota together: those of a user, of a client id, or of both. A part that does not count
/// is empty. These are the tags of the quota's metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QuotaTags<'a> {
    /// The sanitized name of the user.
    pub user: &'a str,
    /// The client id.
    pub client_id: &'a str,
}

/// A quota that a client has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClientQuota<'a> {
    /// The bound, in the unit of the quota's type; any number.
    pub limit: f64,
    /// The clients that use it up together.
    pub tags: QuotaTags<'a>,
}

/// The quotas of client ids, of all users or of one.
#[derive(Clone, Debug, Default)]
struct ClientIdQuotas {
    named: HashMap<String, f64>,
    default: Option<f64>,
}

impl ClientIdQuotas {
    fn set(&mut self, client_id: ConfigEntityName, limit: Option<f64>) {
        match (client_id, limit) {
            (ConfigEntityName::Default, limit) => self.default = limit,
            (ConfigEntityName::Named(name), Some(limit)) => {
                self.named.insert(name, limit);
            }
            (ConfigEntityName::Named(name), None) => {
                self.named.remove(&name);
            }
        }
    }

    fn get(&self, client_id: &str) -> Option<f64> {
        self.named.get(client_id).copied().or(self.default)
    }
}

/// The quotas of a user, or of all users without quotas of their own.
#[derive(Clone, Debug, Default)]
struct UserQuotas {
    own: Option<f64>,
    clients: ClientIdQuotas,
}

impl UserQuotas {
    fn set(&mut self, client_id: Option<ConfigEntityName>, limit: Option<f64>) {
        match client_id {
            Some(client_id) => self.clients.set(client_id, limit),
            None => self.own = limit,
        }
    }

    fn is_empty(&self) -> bool {
        self.own.is_none() && self.clients.named.is_empty() && self.clients.default.is_none()
    }
}

/// The kinds of entities that have had configs since the start of the broker; they never become fewer.
#[doc(alias = "QuotaTypes")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct QuotaTypesEnabled {
    client_ids: bool,
    users: bool,
    clients_of_users: bool,
}

/// The quotas of one type, by entity.
#[doc(alias = "ClientQuotaCallback")]
#[derive(Clone, Debug, Default)]
pub struct DefaultQuotaCallback {
    users: HashMap<String, UserQuotas>,
    default_user: UserQuotas,
    clients: ClientIdQuotas,
    /// The quota of client ids without any other (`quota.producer.default`, `quota.consumer.default`).
    static_default: Option<f64>,
    enabled: QuotaTypesEnabled,
}

impl DefaultQuotaCallback {
    /// No quotas, but this one for client ids without any other.
    pub fn new(static_default: Option<f64>) -> Self {
        let enabled = QuotaTypesEnabled { client_ids: static_default.is_some(), ..Default::default() };
        Self { static_default, enabled, ..Default::default() }
    }

    /// Whether a quota was set for any entity since the start, even if it is removed again.
    pub fn is_enabled(&self) -> bool {
        self.enabled != QuotaTypesEnabled::default()
    }

    /// Sets the quota of an entity; None removes it.
    pub fn update(&mut self, entity: QuotaEntity, limit: Option<f64>) {
        match (&entity.user, &entity.client_id) {
            (Some(_), Some(_)) => self.enabled.clients_of_users = true,
            (Some(_), None) => self.enabled.users = true,
            (None, _) => self.enabled.client_ids = true,
        }
        match entity.user {
            Some(ConfigEntityName::Default) => self.default_user.set(entity.client_id, limit),
            Some(ConfigEntityName::Named(user)) => {
                let quotas = self.users.entry(user.clone()).or_default();
                quotas.set(entity.client_id, limit);
                if quotas.is_empty() {
                    self.users.remove(&user);
                }
            }
            None => {
                if let Some(client_id) = entity.client_id {
                    self.clients.set(client_id, limit);
                }
            }
        }
    }

    /// The clients with which a client shares its quota. While only one kind of entity has quotas, all clients are
    /// distinguished by that kind.
    pub fn tags<'a>(&self, client: QuotaClient<'a>) -> QuotaTags<'a> {
        let QuotaClient { user, client_id } = client;
        let (by_client_id, by_user) = (QuotaTags { user: "", client_id }, QuotaTags { user, client_id: "" });
        let by_both = QuotaTags { user, client_id };
        match self.enabled {
            QuotaTypesEnabled { users: false, clients_of_users: false, .. } => by_client_id,
            QuotaTypesEnabled { client_ids: false, users: true, clients_of_users: false } => by_user,
            QuotaTypesEnabled { client_ids: false, users: false, clients_of_users: true } => by_both,
            _ => {
                for quotas in self.users.get(user).into_iter().chain([&self.default_user]) {
                    if quotas.clients.get(client_id).is_some() {
                        return by_both;
                    }
                    if quotas.own.is_some() {
                        return by_user;
                    }
                }
                by_client_id
            }
        }
    }

    /// The quota of clients that share one; None where they have none.
    pub fn limit(&self, tags: QuotaTags<'_>) -> Option<f64> {
        let QuotaTags { user, client_id } = tags;
        let own = self.users.get(user);
        match (user.is_empty(), client_id.is_empty()) {
            (false, false) => own
                .and_then(|quotas| quotas.clients.get(client_id))
                .or_else(|| self.default_user.clients.get(client_id)),
            (false, true) => own.and_then(|quotas| quotas.own).or(self.default_user.own),
            (true, false) => self.clients.get(client_id).or(self.static_default),
            (true, true) => None,
        }
    }

    /// The quota of a client; None where it has none.
    pub fn quota<'a>(&self, client: QuotaClient<'a>) -> Option<ClientQuota<'a>> {
        let tags = self.tags(client);
        self.limit(tags).map(|limit| ClientQuota { limit, tags })
    }
}

#[cfg(test)]
mod tests;
