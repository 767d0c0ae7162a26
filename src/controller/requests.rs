//! The requests of brokers and tools to the controller. Each is a step of `decide` and a method here.
//!
//! Requests are answered in the order in which the controller handles them. Every method returns
//! NOT_CONTROLLER if this broker is not the controller, or resigns before it has answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::Controller;
use super::decide::{
    AlterIsr, AlterReassignments, ControlledShutdown, ElectLeaders, ElectionTrigger, FeatureChange,
    Leaderships, ListReassignments, UpdateFeatures, UpdatedFeatures,
};
use super::election::ElectionKind;
use super::event::Event;
use super::reply::{ControllerReply, PerPartition};
use super::step::Step;
use crate::base::features::broker_features;
use crate::base::{Assignment, BrokerId, LeaderAndIsr, TopicPartition};
use crate::wire::error_code::ErrorCode;

impl Controller {
    /// Moves a broker's leaderships away, so that it can stop; returns the partitions it still leads.
    ///
    /// # Errors NOT_CONTROLLER, BROKER_NOT_AVAILABLE, STALE_BROKER_EPOCH; UNKNOWN_SERVER_ERROR for the epoch
    /// of an unknown broker.
    pub async fn controlled_shutdown(
        &self,
        broker: BrokerId,
        broker_epoch: i64,
    ) -> Result<Vec<TopicPartition>, ErrorCode> {
        self.ask(|reply| ControlledShutdown { broker, broker_epoch, reply }).await?
    }

    /// Writes the in-sync replicas that a leader asks for; returns the leadership of each partition
    /// afterwards.
    ///
    /// # Errors
    /// NOT_CONTROLLER, STALE_BROKER_EPOCH.
    pub async fn alter_isr(
        &self,
        broker: BrokerId,
        broker_epoch: i64,
        wanted: BTreeMap<TopicPartition, LeaderAndIsr>,
    ) -> Result<Leaderships, ErrorCode> {
        self.ask(|reply| AlterIsr::new(broker, broker_epoch, wanted, reply)).await?
    }

    /// Begins reassignments of partitions, or cancels the one in progress for None (KIP-455); returns the
    /// outcome of each.
    ///
    /// # Errors
    /// NOT_CONTROLLER.
    pub async fn alter_reassignments(
        &self,
        wanted: BTreeMap<TopicPartition, Option<Vec<BrokerId>>>,
    ) -> Result<PerPartition<()>, ErrorCode> {
        self.ask(|reply| AlterReassignments { wanted, reply }).await
    }

    /// The assignments of the partitions that are being reassigned: those of `partitions`, or all.
    ///
    /// # Errors
    /// NOT_CONTROLLER.
    pub async fn list_reassignments(
        &self,
        partitions: Option<Vec<TopicPartition>>,
    ) -> Result<BTreeMap<TopicPartition, Assignment>, ErrorCode> {
        self.ask(|reply| ListReassignments { partitions, reply }).await
    }

    /// Changes the finalized features, and those of other updates remain where one is refused (KIP-584); returns
    /// the outcome of each.
    ///
    /// # Errors
    /// NOT_CONTROLLER.
    pub async fn update_features(&self, updates: Vec<FeatureChange>) -> Result<UpdatedFeatures, ErrorCode> {
        let supported = broker_features();
        self.ask(|reply| UpdateFeatures::new(supported, updates, reply)).await
    }

    /// Elects leaders; returns the leader of each partition now, or why there is no other.
    ///
    /// # Errors
    /// NOT_CONTROLLER.
    pub async fn elect_leaders(
        &self,
        partitions: Vec<TopicPartition>,
        kind: ElectionKind,
    ) -> Result<PerPartition<BrokerId>, ErrorCode> {
        self.ask(|reply| ElectLeaders {
            partitions: Some(partitions),
            kind,
            trigger: ElectionTrigger::Admin(reply),
        })
        .await
    }

    /// Unclean election was enabled, for a topic or for all. If this broker is the controller, it elects
    /// leaders among replicas that are not in sync.
    pub async fn unclean_enabled(&self, topic: Option<&str>) {
        if self.is_active() && self.requests.send(Event::UncleanEnabled(topic.map(Arc::from))).await.is_err()
        {
            log::debug!(target: "kafka.controller.KafkaController", "The controller has ended");
        }
    }

    /// Sends a request to the controller's loop and waits for the reply.
    async fn ask<T: Send + 'static, S: Step + 'static>(
        &self,
        request: impl FnOnce(ControllerReply<T>) -> S,
    ) -> Result<T, ErrorCode> {
        if !self.is_active() {
            return Err(ErrorCode::NotController);
        }
        let (reply, replied) = oneshot::channel();
        let event = Event::request(request(once(reply)));
        self.requests.send(event).await.map_err(|_| ErrorCode::NotController)?;
        replied.await.map_err(|_| ErrorCode::NotController)
    }
}

/// A reply that goes to a channel; a caller that has stopped waiting is ignored.
fn once<T: Send + 'static>(channel: oneshot::Sender<T>) -> ControllerReply<T> {
    let channel = Mutex::new(Some(channel));
    ControllerReply::new(move |value| {
        if let Some(channel) = channel.lock().take() {
            drop(channel.send(value));
        }
    })
}
