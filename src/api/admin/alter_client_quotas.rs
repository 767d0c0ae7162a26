//! AlterClientQuotas, v0. Sets and removes quotas of users, client ids, and client ids of users (KIP-546); every broker
//! is notified as of any changed config. Each entity is changed whole or not at all.
//!
//! Kafka: `AdminManager.alterClientQuotas`.

use std::collections::BTreeMap;
use std::collections::hash_map::{Entry, HashMap};

use crate::admin::{AdminError, configs};
use crate::api::Exchange;
use crate::api::client_quota_entity::{EntityParts, EntityZnode};
use crate::base::jvm_order;
use crate::config::layers::OwnConfigs;
use crate::config::values::java_double;
use crate::quota::values::ClientQuotaType;
use crate::security::{AclOperation, AclResource};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::alter_client_quotas::{
    AlterClientQuotasEntityData, AlterClientQuotasRequest, AlterClientQuotasResponse, EntryDataResponse,
    OpData,
};
use crate::zk::znode::config_entity::DEFAULT_NAME;

/// How far a whole number may be off.
const EPSILON: f64 = 1e-6;
/// The keys of a user's SCRAM credentials, which stand beside its quotas.
const SCRAM_KEYS: [&str; 2] = ["SCRAM-SHA-256", "SCRAM-SHA-512"];

/// Changes the quotas of each entity by itself.
pub async fn handle(exchange: &Exchange, request: AlterClientQuotasRequest) -> AlterClientQuotasResponse {
    let may = exchange.is_authorized(AclOperation::AlterConfigs, AclResource::CLUSTER);
    let mut entries: Vec<EntryDataResponse> = Vec::with_capacity(request.entries.len());
    let mut answered: HashMap<EntityParts, usize> = HashMap::new();
    for entry in request.entries {
        let parts = parts(entry.entity);
        if !may {
            entries.push(answer(parts, ErrorCode::ClusterAuthorizationFailed, None));
            continue;
        }
        let outcome = alter(exchange, &parts, &entry.ops, request.validate_only).await;
        let (error, message) = match outcome {
            Ok(()) => (ErrorCode::None, None),
            Err(error) => {
                log::info!(target: "kafka.server.AdminManager", "Error encountered while updating client quotas: {error}");
                (error.code(), error.client_message())
            }
        };
        // An entity that is named twice is changed twice and answered once.
        match answered.entry(parts.clone()) {
            Entry::Occupied(at) => entries[*at.get()] = answer(parts, error, message),
            Entry::Vacant(at) => {
                at.insert(entries.len());
                entries.push(answer(parts, error, message));
            }
        }
    }
    AlterClientQuotasResponse { entries, ..Default::default() }
}

/// The parts of an entity in the order of Kafka's answers; of two of a type the last counts.
fn parts(entity: Vec<AlterClientQuotasEntityData>) -> EntityParts {
    let slots = entity.len();
    let mut parts: EntityParts = Vec::with_capacity(slots);
    let mut known: HashMap<String, usize> = HashMap::with_capacity(slots);
    for AlterClientQuotasEntityData { entity_type, entity_name } in entity {
        match known.entry(entity_type) {
            Entry::Occupied(at) => parts[*at.get()].1 = entity_name,
            Entry::Vacant(at) => {
                parts.push((at.key().clone(), entity_name));
                at.insert(parts.len() - 1);
            }
        }
    }
    jvm_order::java_map_of_capacity(slots, parts)
}

fn answer(parts: EntityParts, error: ErrorCode, error_message: Option<String>) -> EntryDataResponse {
    let data = |(entity_type, entity_name)| AlterClientQuotasEntityData { entity_type, entity_name };
    EntryDataResponse {
        error_code: error.code(),
        error_message,
        entity: parts.into_iter().map(data).collect(),
    }
}

async fn alter(
    exchange: &Exchange,
    parts: &EntityParts,
    changes: &[OpData],
    validate_only: bool,
) -> Result<(), AdminError> {
    let znode = EntityZnode::of_parts(parts)?;
    let (kind, name) = (znode.kind(), znode.name());
    let zk = &exchange.services.zk;
    let mut own = configs::fetch(zk, kind, &name).await?;
    for change in changes {
        apply(&mut own, change, &znode)?;
    }
    if validate_only {
        return Ok(());
    }
    validate(&own, &znode)?;
    configs::change(zk, kind, &name, &own).await
}

fn apply(own: &mut OwnConfigs, change: &OpData, znode: &EntityZnode) -> Result<(), AdminError> {
    let OpData { key, value, remove } = change;
    if *remove {
        own.remove(key);
        return Ok(());
    }
    let text = match ClientQuotaType::of_key(key) {
        Some(quota_type) if quota_type.is_whole() => whole(key, *value)?,
        Some(_) => java_double(*value),
        None if znode.user.is_some() && SCRAM_KEYS.contains(&key.as_str()) => {
            return Err(AdminError::operation("Unexpected config type STRING"));
        }
        None => return Err(AdminError::invalid_request(format!("Invalid configuration key {key}"))),
    };
    own.insert(key.clone(), text);
    Ok(())
}

fn whole(key: &str, value: f64) -> Result<String, AdminError> {
    let whole = (value + EPSILON) as i64;
    if (whole as f64 - value).abs() > EPSILON {
        return Err(AdminError::invalid_request(format!("Configuration {key} must be a Long value")));
    }
    Ok(whole.to_string())
}

/// Refuses what is no quota among an entity's configs; a user may have SCRAM credentials too.
fn validate(own: &BTreeMap<String, String>, znode: &EntityZnode) -> Result<(), AdminError> {
    let may_have_credentials =
        znode.client_id.is_none() && znode.user.as_deref().is_some_and(|user| user != DEFAULT_NAME);
    for (key, value) in own {
        match ClientQuotaType::of_key(key) {
            Some(quota_type) => {
                quota_type.parse(value).map_err(|error| AdminError::operation(error.to_string()))?;
            }
            None if may_have_credentials && SCRAM_KEYS.contains(&key.as_str()) => {}
            None => {
                let sentence = format!("requirement failed: Unknown Dynamic Configuration: Set({key}).");
                return Err(AdminError::operation(sentence));
            }
        }
    }
    Ok(())
}
