//! DescribeAcls, v0-2. The ACLs that a filter means.
//!
//! v1 types of patterns · v2 flexible. Kafka: `KafkaApis.handleDescribeAcls`, `DescribeAclsResponse.aclsResources`.

use crate::api::Exchange;
use crate::security::{
    AclBinding, AclBindingFilter, AclOperation, AclPermissionType, AclResourceType, PatternType,
    ResourcePatternFilter,
};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::describe_acls::{
    AclDescription, DescribeAclsRequest, DescribeAclsResource, DescribeAclsResponse,
};

/// Answers from the ACLs that this broker knows.
pub async fn handle(exchange: &Exchange, request: DescribeAclsRequest) -> DescribeAclsResponse {
    let Some(authorizer) = exchange.services.authorization.acls() else {
        return DescribeAclsResponse {
            error_code: ErrorCode::SecurityDisabled.code(),
            error_message: Some("No Authorizer is configured on the broker".to_owned()),
            ..Default::default()
        };
    };
    let filter = AclBindingFilter {
        pattern: ResourcePatternFilter {
            resource_type: AclResourceType::from_code(request.resource_type_filter),
            name: request.resource_name_filter,
            pattern_type: PatternType::from_code(request.pattern_type_filter),
        },
        principal: request.principal_filter,
        host: request.host_filter,
        operation: AclOperation::from_code(request.operation),
        permission_type: AclPermissionType::from_code(request.permission_type),
    };
    let acls = authorizer.acls(&filter);
    let by_pattern = acls.chunk_by(|one, next| one.pattern == next.pattern);
    DescribeAclsResponse {
        error_message: Some(String::new()),
        resources: by_pattern.filter_map(resource).collect(),
        ..Default::default()
    }
}

/// The ACLs of one pattern.
fn resource(acls: &[AclBinding]) -> Option<DescribeAclsResource> {
    let AclBinding { pattern, .. } = acls.first()?;
    let description = |AclBinding { entry, .. }: &AclBinding| AclDescription {
        principal: entry.principal.clone(),
        host: entry.host.clone(),
        operation: entry.operation.code(),
        permission_type: entry.permission_type.code(),
    };
    Some(DescribeAclsResource {
        resource_type: pattern.resource_type.code(),
        resource_name: pattern.name.clone(),
        pattern_type: pattern.pattern_type.code(),
        acls: acls.iter().map(description).collect(),
    })
}
