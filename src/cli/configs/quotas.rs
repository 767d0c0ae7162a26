//! Quotas of clients and users, and credentials of users, through a broker (Kafka's
//! `ConfigCommand.describeClientQuotaAndUserScramCredentialConfigs` and the second half of `alterConfig`).

use super::changes::GivenChanges;
use super::description::{
    ConfigDescription, ConfigsDescription, ConfigsLayout, EntityDescription, EntityPart,
};
use super::entities::{EntityKind, NamedEntities};
use super::options::ConfigsCommand;
use super::secrets::ScramPassword;
use super::{limited, refusal, unanswered};
use crate::base::jvm_order::{self, hash_code};
use crate::cli::java::{self, scala_set};
use crate::cli::throwable::JavaThrowable;
use crate::client::admin::{
    Admin, AlterClientQuotasOptions, ClientQuotaAlteration, ClientQuotaEntity, ClientQuotaFilter,
    QuotaEntityMatch, ScramCredentialInfo, ScramMechanism, UserScramCredentialAlteration,
};
use crate::client::error::ClientError;
use crate::config::QuotaOverrides;
use crate::config::values::java_double;
use crate::wire::error_code::ErrorCode;

/// The quotas of one entity, in the order of Java's client.
struct DescribedQuotas {
    entity: ClientQuotaEntity,
    quotas: Vec<(String, f64)>,
}

fn is_quota(key: &str) -> bool {
    QuotaOverrides::row(key).is_some()
}

fn is_credential(key: &str) -> bool {
    ScramMechanism::from_name(key).is_some()
}

/// The type of entity in the protocol.
fn entity_type(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Users => ClientQuotaEntity::USER,
        _ => ClientQuotaEntity::CLIENT_ID,
    }
}

async fn fetch(entities: &NamedEntities, admin: &Admin) -> Result<Vec<DescribedQuotas>, JavaThrowable> {
    if entities.names.len() > entities.kinds.len() {
        return Err(refusal("More entity names specified than entity types"));
    }
    let mut filter = ClientQuotaFilter::all().strict();
    for (at, kind) in entities.kinds.iter().enumerate() {
        let wanted = match entities.names.get(at).map(String::as_str) {
            Some("") => QuotaEntityMatch::Default,
            Some(name) => QuotaEntityMatch::Exact(name.to_owned()),
            None => QuotaEntityMatch::Any,
        };
        filter = filter.matching(entity_type(*kind), wanted);
    }
    let found = limited(admin).describe_client_quotas(&filter).await;
    let found = found.map_err(|error| unanswered(&error, admin, "describeClientQuotas"))?;
    // Kafka's broker answers in the order of Scala's maps, and Java's client reads that into maps of its own.
    let described = found.into_iter().map(|(entity, quotas)| {
        let quotas = jvm_order::scala_mutable_map(quotas.into_iter().collect());
        let quotas = jvm_order::java_map_of_size(quotas);
        (entity_hash(&entity), DescribedQuotas { entity, quotas })
    });
    let answered = jvm_order::scala_immutable(described.map(|(hash, it)| (hash, (hash, it))).collect());
    Ok(jvm_order::java_map_of_hashes(answered))
}

/// The hash code of Java's `ClientQuotaEntity`.
fn entity_hash(entity: &ClientQuotaEntity) -> i32 {
    let entries = entity.entries().iter();
    let hashes = entries.map(|(kind, name)| hash_code(kind) ^ name.as_deref().map_or(0, hash_code));
    hashes.fold(31, i32::wrapping_add)
}

/// Describes quotas, and credentials where the command is about users alone. What was found before a failure is kept.
pub(super) async fn describe(
    command: &ConfigsCommand,
    admin: &Admin,
    to: &mut ConfigsDescription,
) -> Result<(), JavaThrowable> {
    let entities = &command.entities;
    to.entities.extend(fetch(entities, admin).await?.into_iter().map(described));
    if !entities.kinds.contains(&EntityKind::Clients) && !entities.names.iter().any(String::is_empty) {
        describe_credentials(entities, admin, to).await?;
    }
    Ok(())
}

fn described(found: DescribedQuotas) -> EntityDescription {
    let levels = [
        (EntityKind::Users, ClientQuotaEntity::USER, "user-principal"),
        (EntityKind::Clients, ClientQuotaEntity::CLIENT_ID, "client-id"),
    ];
    let levels = levels.into_iter().filter_map(|(kind, key, shown)| {
        found.entity.entries().get(key).map(|name| match name {
            Some(name) => (EntityPart::new(kind, name), format!("{shown} '{name}'")),
            None => (EntityPart::new(kind, ""), format!("the default {shown}")),
        })
    });
    let (entity, shown): (_, Vec<_>) = levels.unzip();
    let quotas = found.quotas.into_iter();
    EntityDescription {
        entity,
        error: None,
        configs: quotas.map(|(key, value)| ConfigDescription::plain(key, java_double(value))).collect(),
        heading: format!("Quota configs for {} are ", shown.join(", ")),
        layout: ConfigsLayout::Joined(", "),
    }
}

async fn describe_credentials(
    entities: &NamedEntities,
    admin: &Admin,
    to: &mut ConfigsDescription,
) -> Result<(), JavaThrowable> {
    let users = Some(&*entities.names).filter(|names| !names.is_empty());
    let described = match limited(admin).describe_user_scram_credentials(users).await {
        Ok(described) => described,
        // Before 2.7 brokers had no such API, and quotas are all that they can describe.
        Err(error @ ClientError::Unsupported(_)) => {
            eprintln!("SCRAM credentials are not described: {error}.");
            return Ok(());
        }
        Err(error) => return Err(unanswered(&error, admin, "describeUserScramCredentials")),
    };
    for (user, credentials) in described {
        match credentials {
            Ok(infos) => to.entities.push(EntityDescription {
                error: None,
                entity: vec![EntityPart::new(EntityKind::Users, &user)],
                configs: infos.iter().map(described_credential).collect(),
                heading: format!("SCRAM credential configs for user-principal '{user}' are "),
                layout: ConfigsLayout::Joined(", "),
            }),
            // A user without credentials is not described.
            Err(error) if error.code() == Some(ErrorCode::ResourceNotFound) => {}
            Err(error) => to.entities.push(EntityDescription {
                entity: vec![EntityPart::new(EntityKind::Users, &user)],
                configs: Vec::new(),
                error: Some(error.to_string()),
                heading: format!(
                    "Error retrieving SCRAM credential configs for user-principal '{user}': ExecutionException: {}",
                    java::JavaException(&error)
                ),
                layout: ConfigsLayout::Lines,
            }),
        }
    }
    Ok(())
}

fn described_credential(info: &ScramCredentialInfo) -> ConfigDescription {
    ConfigDescription::plain(info.mechanism.name(), format!("iterations={}", info.iterations))
}

/// What a command changes of clients and users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum QuotaChange {
    Quotas,
    Credentials,
}

/// Sets and removes quotas or credentials.
pub(super) async fn alter(
    command: &ConfigsCommand,
    admin: &Admin,
    changes: &GivenChanges,
) -> Result<(), JavaThrowable> {
    let entities = &command.entities;
    match judge(entities, changes)? {
        QuotaChange::Quotas => alter_quotas(entities, admin, changes).await,
        QuotaChange::Credentials => {
            alter_credentials(entities.name().unwrap_or_default(), admin, changes).await
        }
    }
}

/// Decides what is changed, and refuses keys that the entity cannot have.
fn judge(entities: &NamedEntities, changes: &GivenChanges) -> Result<QuotaChange, JavaThrowable> {
    let added: Vec<_> = changes.add.iter().map(|(key, _)| key.as_str()).collect();
    let deleted: Vec<_> = changes.delete.iter().map(String::as_str).collect();
    let only = |keys: &[&str], wanted: fn(&str) -> bool| -> Vec<String> {
        keys.iter().filter(|key| wanted(key)).map(|key| (*key).to_owned()).collect()
    };
    let neither: fn(&str) -> bool = |key| !is_quota(key) && !is_credential(key);
    let refuse = |added: &[String], deleted: &[String], what: &str, kind: &str| {
        let sentence = |verb: &str, names: String| {
            Err(refusal(format!(
                "Only {what} configs can be {verb} for '{kind}' using --bootstrap-server. Unexpected config names: {names}"
            )))
        };
        if !added.is_empty() {
            return sentence("added", scala_set(added));
        }
        if !deleted.is_empty() {
            return sentence("deleted", format!("ArrayBuffer({})", deleted.join(", ")));
        }
        Ok(())
    };
    let with = |mut names: Vec<String>, more: Vec<String>| {
        names.extend(more);
        names
    };
    let has_quotas = added.iter().chain(&deleted).any(|key| is_quota(key));
    if entities.kind() == EntityKind::Clients || entities.kinds.len() == 2 {
        let added = with(only(&added, neither), only(&added, is_credential));
        let deleted = with(only(&deleted, neither), only(&deleted, is_credential));
        refuse(&added, &deleted, "quota", "clients")?;
    } else {
        refuse(&only(&added, neither), &only(&deleted, neither), "quota and SCRAM credential", "users")?;
        if added.iter().chain(&deleted).any(|key| is_credential(key)) {
            if entities.names.iter().any(String::is_empty) {
                return Err(refusal(
                    "The use of --entity-default or --user-defaults is not allowed with User SCRAM Credentials using \
                     --bootstrap-server.",
                ));
            }
            if has_quotas {
                return Err(refusal(
                    "Cannot alter both quota and SCRAM credential configs simultaneously for 'users' using \
                     --bootstrap-server.",
                ));
            }
        }
    }
    Ok(if has_quotas { QuotaChange::Quotas } else { QuotaChange::Credentials })
}

async fn alter_quotas(
    entities: &NamedEntities,
    admin: &Admin,
    changes: &GivenChanges,
) -> Result<(), JavaThrowable> {
    let own = fetch(entities, admin).await?.into_iter().next().map(|it| it.quotas).unwrap_or_default();
    changes.check_deleted(|key| own.iter().any(|(known, _)| known == key))?;
    let mut alteration = ClientQuotaAlteration::new();
    for (key, value) in &changes.add {
        let number = value
            .trim()
            .parse()
            .map_err(|_| refusal(format!("Cannot parse quota configuration value for {key}: {value}")))?;
        alteration = alteration.set(key, number);
    }
    alteration = changes.delete.iter().fold(alteration, |alteration, key| alteration.remove(key));
    let levels = entities.kinds.iter().zip(&entities.names);
    let entity = levels.fold(ClientQuotaEntity::default(), |entity, (kind, name)| {
        entity.and(entity_type(*kind), Some(name.clone()).filter(|name| !name.is_empty()))
    });
    let altered =
        admin.alter_client_quotas([(entity, alteration)], AlterClientQuotasOptions::default()).await;
    altered.only().map_err(|error| failed(&error, "alterClientQuotas"))
}

async fn alter_credentials(user: &str, admin: &Admin, changes: &GivenChanges) -> Result<(), JavaThrowable> {
    let mut alterations = Vec::new();
    for mechanism in changes.delete.iter().filter_map(|key| ScramMechanism::from_name(key)) {
        alterations.push(UserScramCredentialAlteration::delete(user, mechanism));
    }
    for (key, value) in &changes.add {
        let Some(mechanism) = ScramMechanism::from_name(key) else { continue };
        let ScramPassword { iterations, password } =
            ScramPassword::read(value, mechanism, mechanism.name(), true)?;
        let info = ScramCredentialInfo { mechanism, iterations };
        alterations.push(UserScramCredentialAlteration::upsert(user, info, password.to_owned()));
    }
    let altered = admin.alter_user_scram_credentials(alterations).await.only();
    altered.map_err(|error| failed(&error, "alterUserScramCredentials"))
}

fn failed(error: &ClientError, call: &str) -> JavaThrowable {
    JavaThrowable::of_call(error, call)
}
