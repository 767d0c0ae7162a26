//! DescribeAcls

use crate::wire::message::table::message;

message! {
    DescribeAcls, versions 0-2, flexible 2+;

    request DescribeAclsRequest -> DescribeAclsResponse {
        resource_type_filter: i8 [0+],
        resource_name_filter: Option<String> [0+, nullable 0+],
        pattern_type_filter: i8 [1+] = 3,
        principal_filter: Option<String> [0+, nullable 0+],
        host_filter: Option<String> [0+, nullable 0+],
        operation: i8 [0+],
        permission_type: i8 [0+],
    }

    response DescribeAclsResponse {
        throttle_time_ms: i32 [0+],
        error_code: i16 [0+],
        error_message: Option<String> [0+, nullable 0+],
        resources: Vec<DescribeAclsResource> [0+],
    }

    struct DescribeAclsResource {
        resource_type: i8 [0+],
        resource_name: String [0+],
        pattern_type: i8 [1+] = 3,
        acls: Vec<AclDescription> [0+],
    }

    struct AclDescription {
        principal: String [0+],
        host: String [0+],
        operation: i8 [0+],
        permission_type: i8 [0+],
    }
}
