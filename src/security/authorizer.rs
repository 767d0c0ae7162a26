//! The one decision on what a caller may do.
//!
//! Without an authorizer every caller may do everything, as in Kafka without `authorizer.class.name`. An
//! authorizer judges one action at a time. Kafka: `Authorizer`, `Action`, `AuthorizationResult`,
//! `AuthorizableRequestContext`.

use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::Arc;

use super::acl::{AclOperation, AclResource};
use super::acl_authorizer::AclAuthorizer;
use super::principal::KafkaPrincipal;
use crate::base::SecurityProtocol;
use crate::wire::api_key::ApiKey;

/// Judges what callers may do.
pub trait Authorizer: Debug + Send + Sync + 'static {
    /// Whether the caller of a request may do this.
    fn authorize(&self, context: &RequestContext<'_>, action: &AclAction<'_>) -> AuthorizationResult;
}

/// The request on whose behalf something is to be done.
#[doc(alias = "AuthorizableRequestContext")]
#[derive(Clone, Copy, Debug)]
pub struct RequestContext<'a> {
    /// The principal that sent it.
    pub principal: &'a KafkaPrincipal,
    /// The address that it came from.
    pub address: IpAddr,
    /// The listener that it came by.
    pub listener: &'a str,
    /// How that listener is secured.
    pub protocol: SecurityProtocol,
    /// The API asked.
    pub api_key: ApiKey,
}

/// Something to be done to a resource.
#[doc(alias = "Action")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AclAction<'a> {
    /// What is to be done.
    pub operation: AclOperation,
    /// The resource.
    pub resource: AclResource<'a>,
    /// For how many items of the request it is asked.
    pub references: usize,
    /// Which outcomes an authorizer logs.
    pub audit: Audit,
}

/// Which outcomes an authorizer logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audit {
    /// Allowed and denied.
    AllowedAndDenied,
    /// Allowed only: another permission may be sufficient, or the denied item is left out of the answer.
    AllowedOnly,
    /// None: nothing is done, the caller only learns what it could do.
    Nothing,
}

/// The outcome of an authorizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizationResult {
    /// The caller may do it.
    Allowed,
    /// The caller may not.
    Denied,
}

/// A broker's authorizer, if it has one; clones share it.
#[derive(Clone, Debug, Default)]
pub enum Authorization {
    /// There is none: every caller may do everything.
    #[default]
    Absent,
    /// One that decides by ACLs.
    ByAcls(Arc<AclAuthorizer>),
    /// One that decides by something else.
    By(Arc<dyn Authorizer>),
}

impl Authorization {
    /// Uses this authorizer.
    pub fn by(authorizer: Arc<dyn Authorizer>) -> Self {
        Self::By(authorizer)
    }

    /// Whether any action can be denied.
    pub fn is_configured(&self) -> bool {
        !matches!(self, Self::Absent)
    }

    /// The authorizer that has ACLs, which can be described and changed.
    pub fn acls(&self) -> Option<&Arc<AclAuthorizer>> {
        match self {
            Self::ByAcls(authorizer) => Some(authorizer),
            Self::Absent | Self::By(_) => None,
        }
    }

    /// Whether the caller may do this; everything where there is no authorizer.
    pub fn allows(&self, context: &RequestContext<'_>, action: &AclAction<'_>) -> bool {
        let result = match self {
            Self::Absent => return true,
            Self::ByAcls(authorizer) => authorizer.authorize(context, action),
            Self::By(authorizer) => authorizer.authorize(context, action),
        };
        result == AuthorizationResult::Allowed
    }
}
