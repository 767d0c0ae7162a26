//! CreateAcls, v0-2. ACLs added.
//!
//! v1 types of patterns · v2 flexible. Kafka: `KafkaApis.handleCreateAcls`, `CreateAclsRequest`.

use crate::api::Exchange;
use crate::api::error_response::Refusable;
use crate::api::handling::Handled;
use crate::security::acl_authorizer::AclError;
use crate::security::{
    AccessControlEntry, AclBinding, AclOperation, AclPermissionType, AclResource, AclResourceType,
    PatternType, ResourcePattern,
};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::create_acls::{
    AclCreation, AclCreationResult, CreateAclsRequest, CreateAclsResponse,
};

/// Has the authorizer write them.
pub async fn handle(exchange: &Exchange, request: CreateAclsRequest) -> Handled<CreateAclsResponse> {
    if request.creations.iter().any(has_unknown_element) {
        return Handled::Close;
    }
    let Some(authorizer) = exchange.services.authorization.acls() else {
        let message = "No Authorizer is configured on the broker.";
        return request.error_response(ErrorCode::SecurityDisabled, message).into();
    };
    let bindings: Vec<_> = request.creations.into_iter().map(binding).collect();
    if bindings.iter().any(is_filter) {
        let results = bindings.iter().map(|_| failure(ErrorCode::UnknownServerError, None)).collect();
        return CreateAclsResponse { results, ..Default::default() }.into();
    }
    let mut results: Vec<_> = bindings.iter().map(refusal).collect();
    let admitted = bindings.into_iter().zip(&results).filter(|(_, refusal)| refusal.is_none());
    let admitted: Vec<_> = admitted.map(|(binding, _)| binding).collect();
    let mut created = authorizer.create_acls(&admitted).await.into_iter().map(result);
    for open in results.iter_mut().filter(|it| it.is_none()) {
        *open = created.next();
    }
    CreateAclsResponse { results: results.into_iter().flatten().collect(), ..Default::default() }.into()
}

/// Whether the protocol's number for "unknown" is in it, which no client sends.
fn has_unknown_element(creation: &AclCreation) -> bool {
    let AclCreation { resource_type, resource_pattern_type, operation, permission_type, .. } = creation;
    [resource_type, resource_pattern_type, operation, permission_type].contains(&&0)
}

fn binding(it: AclCreation) -> AclBinding {
    AclBinding {
        pattern: ResourcePattern::of_codes(it.resource_type, it.resource_name, it.resource_pattern_type),
        entry: AccessControlEntry::of_codes(it.principal, it.host, it.operation, it.permission_type),
    }
}

/// Whether an element of it has a meaning in filters only. Kafka fails the whole request then.
fn is_filter(binding: &AclBinding) -> bool {
    let AclBinding { pattern, entry } = binding;
    pattern.resource_type == AclResourceType::Any
        || matches!(pattern.pattern_type, PatternType::Any | PatternType::Match)
        || entry.operation == AclOperation::Any
        || entry.permission_type == AclPermissionType::Any
}

/// Why no ACL can be about its resource.
fn refusal(binding: &AclBinding) -> Option<AclCreationResult> {
    let ResourcePattern { resource_type, name, .. } = &binding.pattern;
    let message = if *resource_type == AclResourceType::Cluster && name != AclResource::CLUSTER.name {
        "The only valid name for the CLUSTER resource is kafka-cluster"
    } else if name.is_empty() {
        "Invalid empty resource name"
    } else {
        return None;
    };
    Some(failure(ErrorCode::InvalidRequest, Some(message.to_owned())))
}

fn result(created: Result<(), AclError>) -> AclCreationResult {
    let Err(error) = created else {
        return AclCreationResult { error_code: 0, error_message: Some(String::new()) };
    };
    let (code, message) = error_of(&error);
    failure(code, message)
}

/// The error of an answer, and its message where that is not to stay in the broker.
pub(super) fn error_of(error: &AclError) -> (ErrorCode, Option<String>) {
    let code = match error {
        AclError::Failed(_) => return (ErrorCode::UnknownServerError, None),
        AclError::Refused | AclError::MalformedPrincipal(_) => ErrorCode::InvalidRequest,
        AclError::PrefixesNotAllowed => ErrorCode::UnsupportedVersion,
    };
    (code, Some(error.to_string()))
}

fn failure(error: ErrorCode, error_message: Option<String>) -> AclCreationResult {
    AclCreationResult { error_code: error.code(), error_message }
}
