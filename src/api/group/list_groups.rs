//! ListGroups, v0-4. The groups that this broker coordinates.
//!
//! v3 flexible · v4 states (KIP-518). Kafka: `KafkaApis.handleListGroupsRequest`.

use crate::api::Exchange;
use crate::coordinator::group::metadata::GroupState;
use crate::coordinator::groups::ListedGroups;
use crate::security::{AclOperation, AclResource};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::list_groups::{ListGroupsRequest, ListGroupsResponse, ListedGroup};

/// Lists the groups that the caller may see; all of them where it may see the cluster.
pub async fn handle(exchange: &Exchange, request: ListGroupsRequest) -> ListGroupsResponse {
    let named = |name: &String| GroupState::ALL.into_iter().find(|state| state.name() == name);
    let states: Vec<_> = request.states_filter.iter().filter_map(named).collect();
    let is_nothing_asked = !request.states_filter.is_empty() && states.is_empty();
    let ListedGroups { groups: listed, is_loading } = exchange.services.groups.list(&states).await;
    let sees_all = exchange.is_authorized(AclOperation::Describe, AclResource::CLUSTER);
    let is_seen =
        |group: &str| sees_all || exchange.is_authorized(AclOperation::Describe, AclResource::group(group));
    let groups = listed.into_iter().filter(|_| !is_nothing_asked).filter(|it| is_seen(&it.group)).map(|it| {
        ListedGroup {
            group_id: it.group.to_string(),
            protocol_type: it.protocol_type.to_string(),
            group_state: it.state.name().to_owned(),
        }
    });
    let error = if is_loading { ErrorCode::CoordinatorLoadInProgress } else { ErrorCode::None };
    ListGroupsResponse { error_code: error.code(), groups: groups.collect(), ..Default::default() }
}
