//! DescribeClientQuotas, v0. The quotas of the users, client ids, and client ids of users that a filter matches
//! (KIP-546), as their znodes set them.
//!
//! Kafka: `AdminManager.describeClientQuotas`.

use crate::admin::AdminError;
use crate::api::Exchange;
use crate::api::client_quota_entity::{CLIENT_ID, USER, desanitized, sanitized};
use crate::base::jvm_order;
use crate::config::layers::OwnConfigs;
use crate::quota::values::ClientQuotaType;
use crate::security::{AclOperation, AclResource};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::describe_client_quotas::{
    DescribeClientQuotasRequest, DescribeClientQuotasResponse, EntityData, EntryData, ValueData,
};
use crate::zk::znode::config_entity::EntityType;

/// Answers with the entities that the filter matches.
pub async fn handle(
    exchange: &Exchange,
    request: DescribeClientQuotasRequest,
) -> DescribeClientQuotasResponse {
    let refused = |error: ErrorCode, error_message| DescribeClientQuotasResponse {
        error_code: error.code(),
        error_message,
        entries: None,
        ..Default::default()
    };
    if !exchange.is_authorized(AclOperation::DescribeConfigs, AclResource::CLUSTER) {
        return refused(ErrorCode::ClusterAuthorizationFailed, None);
    }
    let described = async {
        let filter = QuotaFilter::of(&request)?;
        describe(exchange, &filter).await
    };
    match described.await {
        Ok(entries) => {
            DescribeClientQuotasResponse { error_message: None, entries: Some(entries), ..Default::default() }
        }
        Err(FilterError::UnsupportedType(name)) => {
            refused(ErrorCode::UnsupportedVersion, Some(format!("Custom entity type '{name}' not supported")))
        }
        Err(FilterError::Admin(error)) => {
            log::error!(target: "kafka.server.KafkaApis", "Error when handling request: {error}");
            refused(error.code(), error.client_message())
        }
    }
}

/// Why a filter is refused.
enum FilterError {
    /// It names a type of entity that has no quotas.
    UnsupportedType(String),
    /// Anything else.
    Admin(AdminError),
}

impl<E: Into<AdminError>> From<E> for FilterError {
    fn from(error: E) -> Self {
        Self::Admin(error.into())
    }
}

/// What a part of an entity must be.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Match {
    /// This name; None is the default.
    Exact(Option<String>),
    /// Any name.
    Specified,
}

/// Which entities are described.
#[derive(Clone, Debug, Default)]
struct QuotaFilter {
    user: Option<Match>,
    client_id: Option<Match>,
    /// Whether an entity has no other parts than those that are matched.
    strict: bool,
}

impl QuotaFilter {
    fn of(request: &DescribeClientQuotasRequest) -> Result<Self, FilterError> {
        let mut matches = Vec::with_capacity(request.components.len());
        for component in &request.components {
            let found = match (component.match_type, &component.r#match) {
                (0, Some(name)) => Match::Exact(Some(name.clone())),
                (0, None) => return Err(AdminError::operation("no name to match").into()),
                (1, _) => Match::Exact(None),
                (2, _) => Match::Specified,
                (other, _) => {
                    return Err(AdminError::operation(format!("Unexpected match type: {other}")).into());
                }
            };
            matches.push((component.entity_type.as_str(), found));
        }
        let mut filter = Self { strict: request.strict, ..Self::default() };
        for (entity_type, found) in matches {
            let (slot, name) = match entity_type {
                USER => (&mut filter.user, "user"),
                CLIENT_ID => (&mut filter.client_id, "client"),
                "" => {
                    let sentence = "Unexpected empty filter component entity type";
                    return Err(AdminError::invalid_request(sentence).into());
                }
                other => return Err(FilterError::UnsupportedType(other.to_owned())),
            };
            if slot.replace(found).is_some() {
                let sentence = format!("Duplicate {name} filter component entity type");
                return Err(AdminError::invalid_request(sentence).into());
            }
        }
        Ok(filter)
    }

    /// Whether a part is none of those that a strict filter matches.
    fn excludes(&self, part: &Option<Match>) -> bool {
        self.strict && part.is_none()
    }

    fn matches(&self, part: &Option<Match>, name: Option<&Option<String>>) -> bool {
        match part {
            Some(Match::Exact(wanted)) => name == Some(wanted),
            Some(Match::Specified) => name.is_some(),
            None => name.is_none() || !self.strict,
        }
    }
}

/// An entity, and its configs.
struct Described {
    user: Option<Option<String>>,
    client_id: Option<Option<String>>,
    own: OwnConfigs,
}

async fn describe(exchange: &Exchange, filter: &QuotaFilter) -> Result<Vec<EntryData>, FilterError> {
    let mut found = users(exchange, filter).await?;
    found.extend(client_ids(exchange, filter).await?);
    found.extend(clients_of_users(exchange, filter).await?);
    found.retain(|it| {
        filter.matches(&filter.user, it.user.as_ref())
            && filter.matches(&filter.client_id, it.client_id.as_ref())
    });
    found.into_iter().filter_map(|it| entry(it).transpose()).collect()
}

async fn users(exchange: &Exchange, filter: &QuotaFilter) -> Result<Vec<Described>, AdminError> {
    let names = match (&filter.user, &filter.client_id) {
        (Some(Match::Exact(name)), _) if filter.excludes(&filter.client_id) => {
            vec![sanitized(name.as_deref())]
        }
        (_, Some(Match::Exact(_))) => Vec::new(),
        (user, _) if filter.excludes(user) => Vec::new(),
        _ => exchange.services.configs.names(EntityType::Users).await?,
    };
    let described = |name: &str, own| Described { user: Some(desanitized(name)), client_id: None, own };
    read(exchange, EntityType::Users, names, described).await
}

async fn client_ids(exchange: &Exchange, filter: &QuotaFilter) -> Result<Vec<Described>, AdminError> {
    let names = match (&filter.user, &filter.client_id) {
        (user, Some(Match::Exact(name))) if filter.excludes(user) => vec![sanitized(name.as_deref())],
        (Some(Match::Exact(_)), _) => Vec::new(),
        (_, client_id) if filter.excludes(client_id) => Vec::new(),
        _ => exchange.services.configs.names(EntityType::Clients).await?,
    };
    let described = |name: &str, own| Described { user: None, client_id: Some(desanitized(name)), own };
    read(exchange, EntityType::Clients, names, described).await
}

async fn clients_of_users(exchange: &Exchange, filter: &QuotaFilter) -> Result<Vec<Described>, AdminError> {
    let configs = &exchange.services.configs;
    let names = match (&filter.user, &filter.client_id) {
        (Some(Match::Exact(user)), Some(Match::Exact(client_id))) => {
            let (user, client_id) = (sanitized(user.as_deref()), sanitized(client_id.as_deref()));
            vec![format!("{user}/{}/{client_id}", EntityType::Clients.name())]
        }
        (user, client_id) if filter.excludes(user) || filter.excludes(client_id) => Vec::new(),
        _ => configs.client_names_of_users(&configs.names(EntityType::Users).await?).await?,
    };
    let described = |name: &str, own| {
        let (user, client_id) = name.split_once('/').unwrap_or((name, ""));
        let client_id = client_id.rsplit_once('/').map_or(client_id, |(_, client_id)| client_id);
        Described { user: Some(desanitized(user)), client_id: Some(desanitized(client_id)), own }
    };
    read(exchange, EntityType::Users, names, described).await
}

async fn read(
    exchange: &Exchange,
    kind: EntityType,
    names: Vec<String>,
    described: impl Fn(&str, OwnConfigs) -> Described,
) -> Result<Vec<Described>, AdminError> {
    let found = exchange.services.configs.fetch_each(kind, &names).await;
    let pairs = names.iter().zip(found);
    pairs.map(|(name, own)| Ok(described(name, own?))).collect()
}

/// An entity as it is answered; None if it has no quotas.
fn entry(described: Described) -> Result<Option<EntryData>, FilterError> {
    let Described { user, client_id, own } = described;
    let mut values = Vec::new();
    for (key, text) in jvm_order::properties(own.into_iter().collect()) {
        if ClientQuotaType::of_key(&key).is_none() {
            continue;
        }
        let Ok(value) = text.trim().parse() else {
            let sentence = format!("Unexpected client quota configuration value: {key} -> {text}");
            return Err(AdminError::operation(sentence).into());
        };
        values.push(ValueData { key, value });
    }
    if values.is_empty() {
        return Ok(None);
    }
    let part =
        |entity_type: &str, entity_name| EntityData { entity_type: entity_type.to_owned(), entity_name };
    let user = user.map(|name| part(USER, name));
    let client_id = client_id.map(|name| part(CLIENT_ID, name));
    Ok(Some(EntryData { entity: user.into_iter().chain(client_id).collect(), values }))
}
