//! A step: the part of an event's handling that needs at most one read and one write; and its context. Pure.
//!
//! [`super::machine`] runs steps, [`super::decide`] has them all. Kafka runs the handling of an event to its
//! end in one go (`KafkaController.process`), with ZooKeeper read and written in between.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::base::{Broker, BrokerId, TopicPartition};

use super::controller_state::ControllerState;
use super::facts::{Facts, Question};
use super::outbox::{ControlRequest, Outbox};
use super::reply::{ApiError, ControllerReply, ReplyDelivery};
use super::state::ClusterState;
use super::writes::{Outcome, Write};

/// The values of the broker's config that decisions depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControllerSettings {
    /// This broker's id.
    pub broker: BrokerId,
    /// `delete.topic.enable`.
    pub delete_topics: bool,
    /// Whether leaders change their in-sync replicas by AlterIsr (inter-broker protocol 2.7-IV2 on).
    pub alter_isr: bool,
    /// Whether finalized features are enabled (inter-broker protocol 2.7-IV0 on).
    pub features: bool,
    /// `leader.imbalance.per.broker.percentage`.
    pub imbalance_percentage: u32,
}

/// A znode whose changes the driver is to report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Watched {
    /// A registration.
    Broker(BrokerId),
    /// A topic's znode.
    Topic(Arc<str>),
    /// A partition's state.
    State(TopicPartition),
}

/// The severity of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The normal course.
    Info,
    /// Something was refused or postponed.
    Warn,
    /// A decision could not be carried out.
    Error,
}

/// What the driver does once a step is complete, in this order.
#[derive(Debug)]
pub enum Effect {
    /// Send a request, after all those sent to that broker before.
    Send(ControlRequest),
    /// Open a channel to a broker.
    Connect(Broker),
    /// Go on at the endpoints that a broker has now.
    Moved(Broker),
    /// Close the channel to a broker, and drop what was not sent.
    Disconnect(BrokerId),
    /// Report changes of a znode.
    Watch(Watched),
    /// Stop reporting changes of a znode.
    Unwatch(Watched),
    /// Deliver the reply to a request.
    Reply(ReplyDelivery),
    /// Handle this step after the events that wait already.
    Later(Box<dyn Step>),
    /// Write a line to the log.
    Log(Severity, String),
}

/// A part of an event's handling that needs at most one read and one write.
pub trait Step: fmt::Debug + Send + Sync {
    /// What it needs to be read first.
    fn ask(&self, context: &StepContext) -> Vec<Question> {
        let _ = context;
        Vec::new()
    }

    /// The state in which the controller handles it, where it is a request.
    fn controller_state(&self) -> ControllerState {
        ControllerState::Idle
    }

    /// Decides on what was read, and returns what is to be written.
    fn decide(&mut self, context: &mut StepContext, facts: Facts) -> Vec<Write>;

    /// Applies the outcomes, one for each write in its order. Called even if nothing was written.
    fn apply(&mut self, context: &mut StepContext, outcomes: &[Outcome]) {
        let _ = (context, outcomes);
    }
}

/// What a step reads and changes: the cluster's state, the requests to be sent, the effects and steps that
/// follow.
#[derive(Debug)]
pub struct StepContext {
    /// The cluster as the controller knows it.
    pub state: ClusterState,
    /// The values of the broker's config that decisions depend on.
    pub settings: ControllerSettings,
    /// What brokers get with the next [`StepContext::send_requests`].
    pub outbox: Outbox,
    /// How the elections of the event at hand ended: the new leader, or why there is none.
    pub elections: BTreeMap<TopicPartition, Result<BrokerId, ApiError>>,
    /// Partitions whose reassignment the event at hand could not begin, carry on or finish.
    pub failed_reassignments: BTreeSet<TopicPartition>,
    /// How many replicas that were out of sync the event at hand has elected.
    pub unclean_elections: usize,
    effects: Vec<Effect>,
    /// The steps enqueued by the present step, the first one to run first.
    steps: Vec<Box<dyn Step>>,
}

impl StepContext {
    /// The context of a controller with `state`.
    pub(super) fn new(settings: ControllerSettings, state: ClusterState) -> Self {
        Self {
            state,
            settings,
            outbox: Outbox::default(),
            elections: BTreeMap::new(),
            failed_reassignments: BTreeSet::new(),
            unclean_elections: 0,
            effects: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// Enqueues a step, to run after this one and those enqueued before it, and before anything else.
    pub fn enqueue(&mut self, step: impl Step + 'static) {
        self.enqueue_boxed(Box::new(step));
    }

    /// As [`StepContext::enqueue`].
    pub(super) fn enqueue_boxed(&mut self, step: Box<dyn Step>) {
        self.steps.push(step);
    }

    /// Enqueues the requests that the outbox holds, to be sent.
    pub fn send_requests(&mut self) {
        let requests = self.outbox.seal(&self.state);
        self.effects.extend(requests.into_iter().map(Effect::Send));
    }

    /// Enqueues the reply to a request.
    pub fn reply<T: Send + Sync + 'static>(&mut self, reply: &ControllerReply<T>, value: T) {
        self.effects.push(Effect::Reply(ReplyDelivery::of(reply.clone(), value)));
    }

    /// Enqueues an effect for the driver.
    pub fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Enqueues a line for the log.
    pub fn log(&mut self, severity: Severity, text: impl Into<String>) {
        self.effects.push(Effect::Log(severity, text.into()));
    }

    /// Clears what belonged to the event before.
    pub(super) fn begin_event(&mut self) {
        self.elections.clear();
        self.failed_reassignments.clear();
        self.unclean_elections = 0;
    }

    /// The effects since the last call.
    pub(super) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// The steps enqueued since the last call.
    pub(super) fn take_steps(&mut self) -> Vec<Box<dyn Step>> {
        std::mem::take(&mut self.steps)
    }
}
