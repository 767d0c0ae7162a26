//! DeleteAcls, v0-2. The ACLs that filters mean, removed.
//!
//! v1 types of patterns · v2 flexible. Kafka: `KafkaApis.handleDeleteAcls`, `DeleteAclsResponse.filterResult`.

use super::create_acls::error_of;
use crate::api::Exchange;
use crate::api::error_response::Refusable;
use crate::security::acl_authorizer::DeletedAcl;
use crate::security::{
    AclBinding, AclBindingFilter, AclOperation, AclPermissionType, AclResourceType, PatternType,
    ResourcePatternFilter,
};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::delete_acls::{
    DeleteAclsFilter, DeleteAclsFilterResult, DeleteAclsMatchingAcl, DeleteAclsRequest, DeleteAclsResponse,
};

/// Has the authorizer delete them.
pub async fn handle(exchange: &Exchange, request: DeleteAclsRequest) -> DeleteAclsResponse {
    let Some(authorizer) = exchange.services.authorization.acls() else {
        let message = "No Authorizer is configured on the broker.";
        return request.error_response(ErrorCode::SecurityDisabled, message);
    };
    let filters: Vec<_> = request.filters.into_iter().map(filter).collect();
    let deleted = authorizer.delete_acls(&filters).await;
    let filter_results = deleted.into_iter().map(|acls| DeleteAclsFilterResult {
        error_code: ErrorCode::None.code(),
        error_message: None,
        matching_acls: acls.into_iter().map(matching).collect(),
    });
    DeleteAclsResponse { filter_results: filter_results.collect(), ..Default::default() }
}

fn filter(filter: DeleteAclsFilter) -> AclBindingFilter {
    AclBindingFilter {
        pattern: ResourcePatternFilter {
            resource_type: AclResourceType::from_code(filter.resource_type_filter),
            name: filter.resource_name_filter,
            pattern_type: PatternType::from_code(filter.pattern_type_filter),
        },
        principal: filter.principal_filter,
        host: filter.host_filter,
        operation: AclOperation::from_code(filter.operation),
        permission_type: AclPermissionType::from_code(filter.permission_type),
    }
}

fn matching(deleted: DeletedAcl) -> DeleteAclsMatchingAcl {
    let DeletedAcl { binding: AclBinding { pattern, entry }, outcome } = deleted;
    let (error, error_message) = outcome.map_or_else(|error| error_of(&error), |()| (ErrorCode::None, None));
    DeleteAclsMatchingAcl {
        error_code: error.code(),
        error_message,
        resource_type: pattern.resource_type.code(),
        resource_name: pattern.name,
        pattern_type: pattern.pattern_type.code(),
        principal: entry.principal,
        host: entry.host,
        operation: entry.operation.code(),
        permission_type: entry.permission_type.code(),
    }
}
