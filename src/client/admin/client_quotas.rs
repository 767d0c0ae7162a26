//! Quotas of users and client ids: described and changed.
//!
//! Kafka: `ClientQuotaEntity`, `ClientQuotaFilter`, `ClientQuotaAlteration`, `DescribeClientQuotasResult`,
//! `AlterClientQuotasResult` (KIP-546).

use std::collections::BTreeMap;
use std::fmt;

use super::Admin;
use super::item_api::ItemApi;
use super::item_results::{AnsweredItems, ItemResults};
use crate::client::error::ClientError;
use crate::client::metadata::Target;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::alter_client_quotas::{
    AlterClientQuotasEntityData, AlterClientQuotasEntryData, AlterClientQuotasRequest,
    AlterClientQuotasResponse, OpData,
};
use crate::wire::message::describe_client_quotas::{
    ComponentData, DescribeClientQuotasRequest, DescribeClientQuotasResponse,
};

/// Whose quotas: a user, a client id, or both together; each by name, or the default of its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientQuotaEntity {
    /// The name, or None for the default, by type of entity.
    entries: BTreeMap<String, Option<String>>,
}

impl ClientQuotaEntity {
    /// The type of users.
    pub const USER: &str = "user";
    /// The type of client ids.
    pub const CLIENT_ID: &str = "client-id";

    /// A user.
    pub fn user(name: impl Into<String>) -> Self {
        Self::default().and(Self::USER, Some(name.into()))
    }

    /// A client id.
    pub fn client_id(name: impl Into<String>) -> Self {
        Self::default().and(Self::CLIENT_ID, Some(name.into()))
    }

    /// All users without quotas of their own.
    pub fn default_user() -> Self {
        Self::default().and(Self::USER, None)
    }

    /// All client ids without quotas of their own.
    pub fn default_client_id() -> Self {
        Self::default().and(Self::CLIENT_ID, None)
    }

    /// The same entity, narrowed down by a further type: its name, or None for the default.
    pub fn and(mut self, entity_type: impl Into<String>, name: Option<String>) -> Self {
        self.entries.insert(entity_type.into(), name);
        self
    }

    /// The name by type of entity; None for the default.
    pub fn entries(&self) -> &BTreeMap<String, Option<String>> {
        &self.entries
    }
}

impl fmt::Display for ClientQuotaEntity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ClientQuotaEntity(entries={:?})", self.entries)
    }
}

/// What a filter wants of a type of entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuotaEntityMatch {
    /// This name.
    Exact(String),
    /// The default.
    Default,
    /// Any name, and the default.
    Any,
}

/// Which entities are described.
#[derive(Clone, Debug, Default)]
#[doc(alias = "ClientQuotaFilterComponent")]
pub struct ClientQuotaFilter {
    components: BTreeMap<String, QuotaEntityMatch>,
    strict: bool,
}

impl ClientQuotaFilter {
    /// All entities.
    pub fn all() -> Self {
        Self::default()
    }

    /// Those that match in this type of entity, too.
    pub fn matching(mut self, entity_type: impl Into<String>, wanted: QuotaEntityMatch) -> Self {
        self.components.insert(entity_type.into(), wanted);
        self
    }

    /// Those without a type that the filter does not name.
    pub fn strict(self) -> Self {
        Self { strict: true, ..self }
    }
}

/// Changes to the quotas of an entity.
#[derive(Clone, Debug, Default)]
pub struct ClientQuotaAlteration {
    /// The value, or None to remove it, by key.
    ops: BTreeMap<String, Option<f64>>,
}

impl ClientQuotaAlteration {
    /// No change.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a quota, e.g. `producer_byte_rate`.
    pub fn set(mut self, key: impl Into<String>, value: f64) -> Self {
        self.ops.insert(key.into(), Some(value));
        self
    }

    /// Removes a quota.
    pub fn remove(mut self, key: impl Into<String>) -> Self {
        self.ops.insert(key.into(), None);
        self
    }
}

/// How quotas are changed.
#[derive(Clone, Copy, Debug, Default)]
pub struct AlterClientQuotasOptions {
    validate_only: bool,
}

impl AlterClientQuotasOptions {
    /// Checks the changes without making them.
    pub fn validate_only(self) -> Self {
        Self { validate_only: true }
    }
}

impl Admin {
    /// The quotas of the entities that match the filter: by entity, the values by key.
    ///
    /// # Errors
    /// The filter is none, the caller may not describe the cluster's configs, no broker answers.
    pub async fn describe_client_quotas(
        &self,
        filter: &ClientQuotaFilter,
    ) -> Result<BTreeMap<ClientQuotaEntity, BTreeMap<String, f64>>, ClientError> {
        let component = |(entity_type, wanted): (&String, &QuotaEntityMatch)| {
            let (match_type, r#match) = match wanted {
                QuotaEntityMatch::Exact(name) => (0, Some(name.clone())),
                QuotaEntityMatch::Default => (1, None),
                QuotaEntityMatch::Any => (2, None),
            };
            ComponentData { entity_type: entity_type.clone(), match_type, r#match }
        };
        let request = |_| DescribeClientQuotasRequest {
            components: filter.components.iter().map(component).collect(),
            strict: filter.strict,
        };
        let check = |answer: &DescribeClientQuotasResponse| {
            ClientError::check(answer.error_code, answer.error_message.as_deref())
        };
        let answer = self.call(&Target::Any, request, check).await?;
        let found = answer.entries.into_iter().flatten().map(|entry| {
            let entries = entry.entity.into_iter().map(|it| (it.entity_type, it.entity_name)).collect();
            let values = entry.values.into_iter().map(|it| (it.key, it.value)).collect();
            (ClientQuotaEntity { entries }, values)
        });
        Ok(found.collect())
    }

    /// Changes quotas of entities.
    ///
    /// Errors of an entity: its types are none, a key or a value is none, the caller may not alter the cluster's
    /// configs.
    pub async fn alter_client_quotas(
        &self,
        alterations: impl IntoIterator<Item = (ClientQuotaEntity, ClientQuotaAlteration)>,
        options: AlterClientQuotasOptions,
    ) -> ItemResults<ClientQuotaEntity, ()> {
        let alterations: BTreeMap<_, _> = alterations.into_iter().collect();
        let entities: Vec<_> = alterations.keys().cloned().collect();
        self.call_each(&AlterClientQuotasApi { alterations, options }, entities).await
    }
}

struct AlterClientQuotasApi {
    alterations: BTreeMap<ClientQuotaEntity, ClientQuotaAlteration>,
    options: AlterClientQuotasOptions,
}

impl ItemApi for AlterClientQuotasApi {
    type Item = ClientQuotaEntity;
    type Outcome = ();
    type Request = AlterClientQuotasRequest;

    const PASSING: &'static [ErrorCode] = &[];

    fn target(&self, _: &ClientQuotaEntity) -> Target {
        Target::Any
    }

    fn request(&self, entities: &[ClientQuotaEntity], _: i32) -> AlterClientQuotasRequest {
        let entry = |entity: &ClientQuotaEntity| {
            let named = entity.entries.iter().map(|(entity_type, name)| AlterClientQuotasEntityData {
                entity_type: entity_type.clone(),
                entity_name: name.clone(),
            });
            let ops = self.alterations.get(entity).map(|it| &it.ops).into_iter().flatten();
            let ops = ops.map(|(key, value)| OpData {
                key: key.clone(),
                value: value.unwrap_or_default(),
                remove: value.is_none(),
            });
            AlterClientQuotasEntryData { entity: named.collect(), ops: ops.collect() }
        };
        AlterClientQuotasRequest {
            entries: entities.iter().map(entry).collect(),
            validate_only: self.options.validate_only,
        }
    }

    fn read(
        &self,
        _: &[ClientQuotaEntity],
        answer: AlterClientQuotasResponse,
        found: &mut AnsweredItems<ClientQuotaEntity, ()>,
    ) -> Result<(), ClientError> {
        for it in answer.entries {
            let entries = it.entity.into_iter().map(|it| (it.entity_type, it.entity_name)).collect();
            found.insert_checked(
                &ClientQuotaEntity { entries },
                it.error_code,
                it.error_message.as_deref(),
                (),
            );
        }
        Ok(())
    }
}
