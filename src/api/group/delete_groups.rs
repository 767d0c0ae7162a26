//! DeleteGroups, v0-2. Groups without members are deleted, and their offsets with them.
//!
//! v2 flexible. Kafka: `KafkaApis.handleDeleteGroupsRequest`.

use std::collections::HashSet;

use super::unavailable;
use crate::api::Exchange;
use crate::coordinator::group::request::GroupId;
use crate::security::{AclOperation, AclResource};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::delete_groups::{DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse};

/// Deletes each group by itself; one that is named twice is deleted once.
pub async fn handle(exchange: &Exchange, request: DeleteGroupsRequest) -> DeleteGroupsResponse {
    let mut seen = HashSet::new();
    let names: Vec<_> = request.groups_names.iter().filter(|name| seen.insert(name.as_str())).collect();
    let may_delete = |name: &&String| exchange.is_authorized(AclOperation::Delete, AclResource::group(name));
    let (allowed, denied): (Vec<_>, Vec<_>) = names.into_iter().partition(may_delete);
    let mut results = Vec::with_capacity(allowed.len() + denied.len());
    let result = |name: &str, error: ErrorCode| DeletableGroupResult {
        group_id: name.to_owned(),
        error_code: error.code(),
    };
    for name in allowed {
        let deleted = exchange.services.groups.delete(GroupId { group: name.as_str().into() }).await;
        results.push(result(name, deleted.unwrap_or_else(unavailable)));
    }
    results.extend(denied.into_iter().map(|name| result(name, ErrorCode::GroupAuthorizationFailed)));
    DeleteGroupsResponse { results, ..Default::default() }
}
