//! The connection to the group's coordinator, which carries nothing else.
//!
//! A broker answers the requests of a connection one after the other. JoinGroup is answered once all members have
//! joined, and a fetch once there are records; neither shall hold up the other. It is a connection of the consumer's
//! own client, which knows the brokers and finds the coordinator. Kafka's consumer does the same: the coordinator is a
//! node of its own (`Integer.MAX_VALUE` less the broker's id).

use std::time::Duration;

use super::settings::GroupRebalanceConfig;
use crate::client::cluster::Cluster;
use crate::client::error::ClientError;
use crate::client::metadata::{CoordinatorKind, Target};
use crate::wire::message::Request;
use crate::wire::message::leave_group::{LeaveGroupRequest, MemberIdentity};

/// A consumer's way to its coordinator; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct CoordinatorConnection {
    /// The consumer's own client.
    consumers: Cluster,
    target: Target,
}

impl CoordinatorConnection {
    pub(super) fn new(consumers: Cluster, settings: &GroupRebalanceConfig) -> Self {
        let target = Target::Coordinator(CoordinatorKind::Group, settings.group_id.as_str().into());
        Self { consumers, target }
    }

    /// The consumer's own client.
    pub(super) fn consumers(&self) -> &Cluster {
        &self.consumers
    }

    /// Sends a request to the coordinator, once; looks the coordinator up if it is not known.
    ///
    /// # Errors
    /// The coordinator cannot be found, or the exchange failed.
    pub(super) async fn call<R: Request>(
        &self,
        request: &R,
        limit: Duration,
    ) -> Result<R::Response, ClientError> {
        self.consumers.call_within(&self.target, request, limit).await
    }

    /// Finds the coordinator and connects to it.
    ///
    /// # Errors
    /// The coordinator cannot be found or connected to.
    pub(super) async fn ready(&self) -> Result<(), ClientError> {
        self.consumers.ready(&self.target).await
    }

    /// The coordinator is looked up anew before the next request.
    pub(super) fn forget(&self) {
        self.consumers.forget(&self.target);
    }

    /// A member leaves its group.
    ///
    /// # Errors
    /// As [`CoordinatorConnection::call`]; the member is then removed when its session is over.
    pub(super) async fn leave(&self, group_id: &str, member_id: &str) -> Result<(), ClientError> {
        let limit = self.consumers.options().request_timeout;
        let identity = MemberIdentity { member_id: member_id.to_owned(), group_instance_id: None };
        let request = LeaveGroupRequest {
            group_id: group_id.to_owned(),
            members: vec![identity],
            ..Default::default()
        };
        let answer = match self.call(&request, limit).await {
            Err(error) if lacks_field(&error) => {
                let member_id = member_id.to_owned();
                let request = LeaveGroupRequest { member_id, members: Vec::new(), ..request };
                self.call(&request, limit).await?
            }
            answer => answer?,
        };
        ClientError::check(answer.error_code, None)
    }
}

/// Whether the broker is too old for a field of the request.
pub(super) fn lacks_field(error: &ClientError) -> bool {
    matches!(error, ClientError::UnsupportedField { .. })
}
