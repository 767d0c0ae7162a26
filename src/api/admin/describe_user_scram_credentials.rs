//! DescribeUserScramCredentials, v0. Which SCRAM credentials users have, without their secrets (KIP-554).
//!
//! Kafka: `AdminManager.describeUserScramCredentials`.

use std::collections::{BTreeMap, HashMap};

use crate::admin::configs;
use crate::api::Exchange;
use crate::base::sanitizer::sanitize;
use crate::config::layers::OwnConfigs;
use crate::security::{AclOperation, AclResource, ScramCredential, ScramMechanism};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::describe_user_scram_credentials::{
    CredentialInfo, DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse,
    DescribeUserScramCredentialsResult,
};
use crate::zk::znode::config_entity::EntityType;

/// Answers for each user that is named, or for all that have a credential.
pub async fn handle(
    exchange: &Exchange,
    request: DescribeUserScramCredentialsRequest,
) -> DescribeUserScramCredentialsResponse {
    if !exchange.is_authorized(AclOperation::Describe, AclResource::CLUSTER) {
        let error_code = ErrorCode::ClusterAuthorizationFailed.code();
        return DescribeUserScramCredentialsResponse {
            error_code,
            error_message: None,
            ..Default::default()
        };
    }
    let named: Vec<String> = request.users.into_iter().flatten().map(|user| user.name).collect();
    match named.is_empty() {
        true => describe_all(exchange).await,
        false => DescribeUserScramCredentialsResponse {
            results: describe_named(exchange, named).await,
            ..Default::default()
        },
    }
}

/// The users stand in the order of their names, which are those of their znodes, as in Kafka.
async fn describe_all(exchange: &Exchange) -> DescribeUserScramCredentialsResponse {
    let configs = &exchange.services.configs;
    let found = async {
        let names = configs.names(EntityType::Users).await?;
        let own = configs.fetch_each(EntityType::Users, &names).await;
        names.into_iter().zip(own).map(|(name, own)| Ok((name, own?))).collect()
    };
    let found: Result<BTreeMap<String, OwnConfigs>, crate::zk::ZkError> = found.await;
    match found {
        Ok(users) => {
            let results =
                users.into_iter().filter_map(|(user, own)| Some(result(&user, infos(&own)?))).collect();
            DescribeUserScramCredentialsResponse { results, ..Default::default() }
        }
        Err(error) => DescribeUserScramCredentialsResponse {
            error_code: ErrorCode::UnknownServerError.code(),
            error_message: Some(error.to_string()),
            ..Default::default()
        },
    }
}

/// A user that is named twice is answered once, with an error.
async fn describe_named(exchange: &Exchange, named: Vec<String>) -> Vec<DescribeUserScramCredentialsResult> {
    let mut times = HashMap::<&str, usize>::new();
    named.iter().for_each(|user| *times.entry(user).or_default() += 1);
    let mut results = Vec::with_capacity(times.len());
    for user in &named {
        let Some(times) = times.remove(user.as_str()) else { continue };
        results.push(if user.is_empty() {
            failed(user, ErrorCode::ResourceNotFound, "Username must not be empty".to_owned())
        } else if times > 1 {
            let words = format!(
                "Cannot describe SCRAM credentials for the same user twice in a single request: {user}"
            );
            failed(user, ErrorCode::DuplicateResource, words)
        } else {
            match configs::fetch(&exchange.services.zk, EntityType::Users, &sanitize(user)).await {
                Err(error) => failed(user, error.code(), error.to_string()),
                Ok(own) => match infos(&own) {
                    Some(infos) => result(user, infos),
                    None => {
                        let words =
                            format!("Attempt to describe a user credential that does not exist: {user}");
                        failed(user, ErrorCode::ResourceNotFound, words)
                    }
                },
            }
        });
    }
    results
}

/// The credentials among the configs of a user; None where there is none, an error where one cannot be read.
fn infos(own: &OwnConfigs) -> Option<Result<Vec<CredentialInfo>, ErrorCode>> {
    let mut infos = Vec::new();
    for mechanism in ScramMechanism::ALL {
        let Some(text) = own.get(mechanism.name()) else { continue };
        let Some(credential) = ScramCredential::parse(text) else {
            return Some(Err(ErrorCode::UnknownServerError));
        };
        infos.push(CredentialInfo {
            mechanism: mechanism as i8,
            iterations: i32::try_from(credential.iterations()).unwrap_or(i32::MAX),
        });
    }
    (!infos.is_empty()).then_some(Ok(infos))
}

fn result(user: &str, infos: Result<Vec<CredentialInfo>, ErrorCode>) -> DescribeUserScramCredentialsResult {
    match infos {
        Ok(credential_infos) => DescribeUserScramCredentialsResult {
            user: user.to_owned(),
            credential_infos,
            ..Default::default()
        },
        Err(error) => failed(user, error, "The credential cannot be read".to_owned()),
    }
}

fn failed(user: &str, error: ErrorCode, words: String) -> DescribeUserScramCredentialsResult {
    DescribeUserScramCredentialsResult {
        user: user.to_owned(),
        error_code: error.code(),
        error_message: Some(words),
        ..Default::default()
    }
}
