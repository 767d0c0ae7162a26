//! AlterUserScramCredentials, v0. Sets and removes SCRAM credentials (KIP-554); every broker is notified as of any
//! changed config. The changes of a user are made together or not at all.
//!
//! Kafka: `AdminManager.alterUserScramCredentials`.

use std::collections::{BTreeMap, BTreeSet};

use crate::admin::configs;
use crate::api::Exchange;
use crate::base::sanitizer::sanitize;
use crate::config::layers::OwnConfigs;
use crate::security::{AclOperation, AclResource, ScramCredential, ScramMechanism};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::alter_user_scram_credentials::{
    AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse, AlterUserScramCredentialsResult,
    ScramCredentialDeletion, ScramCredentialUpsertion,
};
use crate::zk::znode::config_entity::EntityType;

const MAX_ITERATIONS: i32 = 16_384;

/// The changes of one user.
#[derive(Debug, Default)]
struct CredentialChanges {
    deletions: Vec<ScramCredentialDeletion>,
    upsertions: Vec<ScramCredentialUpsertion>,
}

/// Why the changes of a user are not made.
type CredentialRefusal = (ErrorCode, Option<String>);

/// Makes the changes of each user by itself.
pub async fn handle(
    exchange: &Exchange,
    request: AlterUserScramCredentialsRequest,
) -> AlterUserScramCredentialsResponse {
    let mut users = BTreeMap::<String, CredentialChanges>::new();
    for deletion in request.deletions {
        users.entry(deletion.name.clone()).or_default().deletions.push(deletion);
    }
    for upsertion in request.upsertions {
        users.entry(upsertion.name.clone()).or_default().upsertions.push(upsertion);
    }
    let all = if !exchange.services.controller.is_active() {
        Some(ErrorCode::NotController)
    } else if !exchange.is_authorized(AclOperation::Alter, AclResource::CLUSTER) {
        Some(ErrorCode::ClusterAuthorizationFailed)
    } else {
        None
    };
    let mut results = Vec::with_capacity(users.len());
    for (user, changes) in users {
        let outcome = match all {
            Some(error) => Err((error, None)),
            None => alter(exchange, &user, &changes).await,
        };
        // Of a success the text is empty, as in Kafka.
        let (error, error_message) = outcome.err().unwrap_or((ErrorCode::None, Some(String::new())));
        results.push(AlterUserScramCredentialsResult { user, error_code: error.code(), error_message });
    }
    AlterUserScramCredentialsResponse { results, ..Default::default() }
}

async fn alter(
    exchange: &Exchange,
    user: &str,
    changes: &CredentialChanges,
) -> Result<(), CredentialRefusal> {
    changes.check(user)?;
    let (zk, name) = (&exchange.services.zk, sanitize(user));
    let failed = |error: crate::admin::AdminError| {
        log::info!(target: "kafka.server.AdminManager", "Error encountered while altering user SCRAM credentials: {error}");
        (error.code(), error.client_message())
    };
    let mut own = configs::fetch(zk, EntityType::Users, &name).await.map_err(failed)?;
    changes.apply(&mut own)?;
    configs::change(zk, EntityType::Users, &name, &own).await.map_err(failed)
}

fn refused(error: ErrorCode, words: &str) -> CredentialRefusal {
    (error, Some(words.to_owned()))
}

impl CredentialChanges {
    /// Refuses changes that no user can have.
    fn check(&self, user: &str) -> Result<(), CredentialRefusal> {
        if user.is_empty() {
            return Err(refused(ErrorCode::UnacceptableCredential, "Username must not be empty"));
        }
        let upserted = self.upsertions.iter().map(|it| it.mechanism);
        let mechanisms: Vec<_> = self.deletions.iter().map(|it| it.mechanism).chain(upserted).collect();
        if mechanisms.iter().any(|code| ScramMechanism::from_code(*code) == ScramMechanism::Unknown) {
            return Err(refused(ErrorCode::UnsupportedSaslMechanism, "Unknown SCRAM mechanism"));
        }
        let unacceptable = |words| Err(refused(ErrorCode::UnacceptableCredential, words));
        for upsertion in &self.upsertions {
            match upsertion.iterations {
                ..ScramMechanism::MIN_ITERATIONS => return unacceptable("Too few iterations"),
                iterations if iterations > MAX_ITERATIONS => return unacceptable("Too many iterations"),
                _ => {}
            }
        }
        let different: BTreeSet<_> = mechanisms.iter().collect();
        if different.len() < mechanisms.len() {
            let words = "A user credential cannot be altered twice in the same request";
            return Err(refused(ErrorCode::DuplicateResource, words));
        }
        Ok(())
    }

    /// Makes the changes among the configs of the user.
    fn apply(&self, own: &mut OwnConfigs) -> Result<(), CredentialRefusal> {
        for deletion in &self.deletions {
            if own.remove(ScramMechanism::from_code(deletion.mechanism).name()).is_none() {
                let words = "Attempt to delete a user credential that does not exist";
                return Err(refused(ErrorCode::ResourceNotFound, words));
            }
        }
        for ScramCredentialUpsertion { mechanism, iterations, salt, salted_password, .. } in &self.upsertions
        {
            let mechanism = ScramMechanism::from_code(*mechanism);
            let iterations = u32::try_from(*iterations).unwrap_or_default();
            let made = ScramCredential::of_salted(mechanism, salt, salted_password, iterations);
            own.extend(made.map(|credential| (mechanism.name().to_owned(), credential.to_string())));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upsertion(mechanism: i8, iterations: i32) -> ScramCredentialUpsertion {
        let (salt, salted_password) = (b"salt".as_slice().into(), b"salted".as_slice().into());
        ScramCredentialUpsertion { name: "u".to_owned(), mechanism, iterations, salt, salted_password }
    }

    fn deletion(mechanism: i8) -> ScramCredentialDeletion {
        ScramCredentialDeletion { name: "u".to_owned(), mechanism }
    }

    fn words(user: &str, deletions: &[i8], upsertions: &[(i8, i32)]) -> Option<String> {
        let upsertions = upsertions.iter().map(|(mechanism, iterations)| upsertion(*mechanism, *iterations));
        let deletions = deletions.iter().map(|mechanism| deletion(*mechanism));
        let changes = CredentialChanges { deletions: deletions.collect(), upsertions: upsertions.collect() };
        changes.check(user).err().and_then(|(_, words)| words)
    }

    #[test]
    fn changes_that_no_user_can_have_are_refused_in_kafkas_words() {
        assert_eq!(words("u", &[1], &[(2, 4096)]), None);
        assert_eq!(words("u", &[], &[(1, 16_384)]), None);
        for (user, deletions, upsertions, refusal) in [
            ("", &[1][..], &[][..], "Username must not be empty"),
            ("u", &[0], &[], "Unknown SCRAM mechanism"),
            ("u", &[], &[(3, 1)], "Unknown SCRAM mechanism"),
            ("u", &[], &[(1, 4095)], "Too few iterations"),
            ("u", &[], &[(2, 16_385)], "Too many iterations"),
            ("u", &[1], &[(1, 4096)], "A user credential cannot be altered twice in the same request"),
        ] {
            assert_eq!(words(user, deletions, upsertions).as_deref(), Some(refusal));
        }
    }

    #[test]
    fn credentials_stand_beside_the_quotas_of_the_user() {
        let mut own = OwnConfigs::from([("producer_byte_rate".to_owned(), "1".to_owned())]);
        let set = CredentialChanges { deletions: vec![], upsertions: vec![upsertion(1, 4096)] };
        set.apply(&mut own).unwrap();
        assert_eq!(ScramCredential::parse(&own["SCRAM-SHA-256"]).unwrap().iterations(), 4096);
        let remove = CredentialChanges { deletions: vec![deletion(1)], upsertions: vec![] };
        remove.apply(&mut own).unwrap();
        assert_eq!(own.len(), 1);
        assert_eq!(remove.apply(&mut own).unwrap_err().0, ErrorCode::ResourceNotFound);
    }
}
