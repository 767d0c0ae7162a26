//! The authorize step of the handlers: what a request's caller may do, item by item.
//!
//! The answer for a denied item is the handler's. Kafka: `KafkaApis.authorize`, `filterByAuthorized`,
//! `authorizedOperations`.

use std::collections::{HashMap, HashSet};

use super::Exchange;
use crate::security::{AclAction, AclOperation, AclResource, Audit, RequestContext};

/// The topics of a request that its caller may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AuthorizedTopics {
    /// Every topic: nothing can be denied.
    Every,
    /// The topics of these names.
    Named(HashSet<String>),
}

impl AuthorizedTopics {
    /// Whether any topic may be missing.
    pub fn is_partial(&self) -> bool {
        matches!(self, Self::Named(_))
    }

    /// Whether the topic is among them.
    pub fn contains(&self, topic: &str) -> bool {
        match self {
            Self::Every => true,
            Self::Named(names) => names.contains(topic),
        }
    }
}

impl Exchange {
    /// Whether the caller may do this to the resource.
    pub(super) fn is_authorized(&self, operation: AclOperation, resource: AclResource<'_>) -> bool {
        self.allows(operation, resource, Audit::AllowedAndDenied)
    }

    /// Whether the caller may do this to the cluster, where another permission is sufficient as well.
    pub(super) fn is_authorized_on_cluster(&self, operation: AclOperation) -> bool {
        self.allows(operation, AclResource::CLUSTER, Audit::AllowedOnly)
    }

    /// Which of these topics the caller may do this to; the authorizer is asked once for each.
    pub(super) fn authorized_topics<'a>(
        &self,
        operation: AclOperation,
        names: impl IntoIterator<Item = &'a str>,
    ) -> AuthorizedTopics {
        self.topics_allowed(operation, names, Audit::AllowedAndDenied)
    }

    /// As [`Exchange::authorized_topics`], where a denied topic is left out of the answer without an error.
    pub(super) fn visible_topics<'a>(
        &self,
        operation: AclOperation,
        names: impl IntoIterator<Item = &'a str>,
    ) -> AuthorizedTopics {
        self.topics_allowed(operation, names, Audit::AllowedOnly)
    }

    /// Everything that the caller may do to the resource, one bit an operation (KIP-430).
    pub(super) fn authorized_operations(&self, resource: AclResource<'_>) -> i32 {
        let supported = resource.resource_type.supported_operations().iter();
        let authorized = supported.filter(|operation| self.allows(**operation, resource, Audit::Nothing));
        authorized.fold(0, |bits, operation| bits | 1 << operation.code())
    }

    fn topics_allowed<'a>(
        &self,
        operation: AclOperation,
        names: impl IntoIterator<Item = &'a str>,
        audit: Audit,
    ) -> AuthorizedTopics {
        if !self.services.authorization.is_configured() {
            return AuthorizedTopics::Every;
        }
        let mut references: HashMap<&str, usize> = HashMap::new();
        for name in names {
            *references.entry(name).or_default() += 1;
        }
        let allowed = references.into_iter().filter(|(name, references)| {
            let (resource, references) = (AclResource::topic(name), *references);
            self.may(&AclAction { operation, resource, references, audit })
        });
        AuthorizedTopics::Named(allowed.map(|(name, _)| name.to_owned()).collect())
    }

    fn allows(&self, operation: AclOperation, resource: AclResource<'_>, audit: Audit) -> bool {
        self.may(&AclAction { operation, resource, references: 1, audit })
    }

    fn may(&self, action: &AclAction<'_>) -> bool {
        let context = RequestContext {
            principal: &self.caller.principal,
            address: self.caller.address,
            listener: &self.caller.listener,
            protocol: self.caller.protocol,
            api_key: self.header.api_key,
        };
        self.services.authorization.allows(&context, action)
    }
}
