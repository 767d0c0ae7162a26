//! Delegation tokens: created, renewed, expired and described.
//!
//! Kafka: `DelegationToken`, `TokenInformation`, `CreateDelegationTokenOptions`, `RenewDelegationTokenOptions`,
//! `ExpireDelegationTokenOptions`, `DescribeDelegationTokenOptions` (KIP-48).

use std::time::Duration;

use bytes::Bytes;

use super::Admin;
use crate::base::Millis;
use crate::client::error::ClientError;
use crate::client::metadata::Target;
use crate::security::KafkaPrincipal;
use crate::wire::message::create_delegation_token::{
    CreatableRenewers, CreateDelegationTokenRequest, CreateDelegationTokenResponse,
};
use crate::wire::message::describe_delegation_token::{
    DescribeDelegationTokenOwner, DescribeDelegationTokenRequest, DescribeDelegationTokenResponse,
    DescribedDelegationToken,
};
use crate::wire::message::expire_delegation_token::{
    ExpireDelegationTokenRequest, ExpireDelegationTokenResponse,
};
use crate::wire::message::renew_delegation_token::{
    RenewDelegationTokenRequest, RenewDelegationTokenResponse,
};

/// The period that leaves a time to the broker, and that expires a token at once.
const NO_PERIOD: i64 = -1;

/// How a token is created.
#[derive(Clone, Debug, Default)]
pub struct CreateDelegationTokenOptions {
    renewers: Vec<KafkaPrincipal>,
    max_lifetime: Option<Duration>,
}

impl CreateDelegationTokenOptions {
    /// One more principal that may renew the token, beside its owner.
    pub fn renewer(mut self, principal: KafkaPrincipal) -> Self {
        self.renewers.push(principal);
        self
    }

    /// How long the token can be renewed at most (`delegation.token.max.lifetime.ms` where it is not set).
    pub fn max_lifetime(self, max_lifetime: Duration) -> Self {
        Self { max_lifetime: Some(max_lifetime), ..self }
    }
}

/// A token: with its id as the user name and its HMAC as the password, a client stands for its owner.
#[derive(Clone, PartialEq, Eq)]
#[doc(alias = "TokenInformation")]
pub struct DelegationToken {
    /// The principal that it stands for.
    pub owner: KafkaPrincipal,
    /// The principals that may renew it beside the owner.
    pub renewers: Vec<KafkaPrincipal>,
    /// When it was issued, in milliseconds since the Unix epoch.
    pub issue_timestamp: Millis,
    /// When it expires if it is not renewed, in milliseconds since the Unix epoch.
    pub expiry_timestamp: Millis,
    /// Until when it can be renewed, in milliseconds since the Unix epoch.
    pub max_timestamp: Millis,
    /// Its id.
    pub token_id: String,
    /// What proves it: a secret.
    pub hmac: Bytes,
}

impl std::fmt::Debug for DelegationToken {
    /// Leaves the secret out.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("DelegationToken")
            .field("owner", &self.owner)
            .field("token_id", &self.token_id)
            .field("expiry_timestamp", &self.expiry_timestamp)
            .finish_non_exhaustive()
    }
}

impl Admin {
    /// Creates a token for the caller, which must have authenticated itself by other means than a token.
    ///
    /// # Errors
    /// The connection is not authenticated, the cluster has no `delegation.token.master.key`, no broker answers.
    pub async fn create_delegation_token(
        &self,
        options: CreateDelegationTokenOptions,
    ) -> Result<DelegationToken, ClientError> {
        let renewer = |it: &KafkaPrincipal| CreatableRenewers {
            principal_type: it.principal_type.clone(),
            principal_name: it.name.clone(),
        };
        let request = |_| CreateDelegationTokenRequest {
            renewers: options.renewers.iter().map(renewer).collect(),
            max_lifetime_ms: options.max_lifetime.map_or(NO_PERIOD, millis),
        };
        let check = |answer: &CreateDelegationTokenResponse| ClientError::check(answer.error_code, None);
        let answer = self.call(&Target::Any, request, check).await?;
        Ok(DelegationToken {
            owner: KafkaPrincipal { principal_type: answer.principal_type, name: answer.principal_name },
            renewers: options.renewers,
            issue_timestamp: answer.issue_timestamp_ms,
            expiry_timestamp: answer.expiry_timestamp_ms,
            max_timestamp: answer.max_timestamp_ms,
            token_id: answer.token_id,
            hmac: answer.hmac,
        })
    }

    /// Renews the token with this HMAC for a period, by default `delegation.token.expiry.time.ms`. It returns when
    /// the token expires, in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// There is no such token, it has expired, the caller may not renew it, no broker answers.
    pub async fn renew_delegation_token(
        &self,
        hmac: &[u8],
        period: Option<Duration>,
    ) -> Result<Millis, ClientError> {
        let request = |_| RenewDelegationTokenRequest {
            hmac: Bytes::copy_from_slice(hmac),
            renew_period_ms: period.map_or(NO_PERIOD, millis),
        };
        let check = |answer: &RenewDelegationTokenResponse| ClientError::check(answer.error_code, None);
        Ok(self.call(&Target::Any, request, check).await?.expiry_timestamp_ms)
    }

    /// Has the token with this HMAC expire after a period, or at once for None. It returns when, in milliseconds
    /// since the Unix epoch.
    ///
    /// # Errors
    /// There is no such token, it has expired, the caller may not renew it, no broker answers.
    pub async fn expire_delegation_token(
        &self,
        hmac: &[u8],
        period: Option<Duration>,
    ) -> Result<Millis, ClientError> {
        let request = |_| ExpireDelegationTokenRequest {
            hmac: Bytes::copy_from_slice(hmac),
            expiry_time_period_ms: period.map_or(NO_PERIOD, millis),
        };
        let check = |answer: &ExpireDelegationTokenResponse| ClientError::check(answer.error_code, None);
        Ok(self.call(&Target::Any, request, check).await?.expiry_timestamp_ms)
    }

    /// The tokens of these owners, or of all for None, as far as the caller may see them.
    ///
    /// # Errors
    /// The connection is not authenticated, tokens are not in use, no broker answers.
    pub async fn describe_delegation_token(
        &self,
        owners: Option<&[KafkaPrincipal]>,
    ) -> Result<Vec<DelegationToken>, ClientError> {
        let owner = |it: &KafkaPrincipal| DescribeDelegationTokenOwner {
            principal_type: it.principal_type.clone(),
            principal_name: it.name.clone(),
        };
        let request =
            |_| DescribeDelegationTokenRequest { owners: owners.map(|it| it.iter().map(owner).collect()) };
        let check = |answer: &DescribeDelegationTokenResponse| ClientError::check(answer.error_code, None);
        let answer = self.call(&Target::Any, request, check).await?;
        Ok(answer.tokens.into_iter().map(described).collect())
    }
}

fn millis(period: Duration) -> i64 {
    i64::try_from(period.as_millis()).unwrap_or(i64::MAX)
}

fn described(token: DescribedDelegationToken) -> DelegationToken {
    let renewers = token.renewers.into_iter();
    DelegationToken {
        owner: KafkaPrincipal { principal_type: token.principal_type, name: token.principal_name },
        renewers: renewers
            .map(|it| KafkaPrincipal { principal_type: it.principal_type, name: it.principal_name })
            .collect(),
        issue_timestamp: token.issue_timestamp,
        expiry_timestamp: token.expiry_timestamp,
        max_timestamp: token.max_timestamp,
        token_id: token.token_id,
        hmac: token.hmac,
    }
}
