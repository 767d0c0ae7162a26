//! The controller without its hands: events in, questions and writes and effects out.
//!
//! Pure. An event becomes steps. Every step goes the same way: it asks (`gather` reads), decides (`commit` writes),
//! applies what came of the writes to the cluster's picture, and may leave further steps to be done right after it,
//! before anything else. A write that lost a race is such a further step, never a loop. Nothing here waits, reads a
//! clock or logs, so transcripts and the simulation run it as `driver` does. It never speaks to anybody itself. Kafka
//! spreads this over `KafkaController`, its two state machines and `TopicDeletionManager`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::base::{Broker, BrokerId, TopicPartition};

use super::decide;
use super::event::{Answer, Event, Refusal, Ticket};
use super::facts::{Facts, Question};
use super::outbox::{Outbox, Tell};
use super::state::ClusterState;
use super::writes::{Outcome, Write};

/// What the decisions need to know of the broker's config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
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

/// A znode of which the driver is to report changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Watched {
    /// A registration.
    Broker(BrokerId),
    /// A topic's znode.
    Topic(std::sync::Arc<str>),
    /// A partition's state.
    State(TopicPartition),
}

/// How much a note matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The course of things.
    Info,
    /// Something was refused or put off.
    Warn,
    /// A decision could not be carried out.
    Error,
}

/// What the driver does for a step that is through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send a request, after all those sent to that broker before.
    Tell(Tell),
    /// Begin to speak to a broker.
    Connect(Broker),
    /// Cease to speak to a broker, and drop what was not sent.
    Disconnect(BrokerId),
    /// Report changes of a znode.
    Watch(Watched),
    /// Cease to.
    Unwatch(Watched),
    /// Answer somebody who waits.
    Answer(Ticket, Answer),
    /// Take this event up after those that already wait.
    Again(Event),
    /// Say something in the log.
    Note(Severity, String),
}

/// A part of an event's handling that needs at most one reading and one writing.
pub trait Step: fmt::Debug + Send + Sync {
    /// What it needs to be read first.
    fn ask(&self, desk: &Desk) -> Vec<Question> {
        let _ = desk;
        Vec::new()
    }

    /// Decides on what was read, and names what is to be written.
    fn decide(&mut self, desk: &mut Desk, facts: Facts) -> Vec<Write>;

    /// Takes the outcomes in, one for each write in its order. Called even where nothing was to be written.
    fn apply(&mut self, desk: &mut Desk, outcomes: &[Outcome]) {
        let _ = (desk, outcomes);
    }
}

/// What lies before a step.
#[derive(Debug)]
pub struct Desk {
    /// The cluster as the controller knows it.
    pub state: ClusterState,
    /// The broker's config, as far as it matters.
    pub settings: Settings,
    /// What brokers are to be told with the next [`Desk::send`].
    pub outbox: Outbox,
    /// How the elections of the event at hand ended: the new leader, or why there is none.
    pub elections: BTreeMap<TopicPartition, Result<BrokerId, Refusal>>,
    /// Partitions whose reassignment the event at hand could not begin, carry on or finish.
    pub failed_reassignments: BTreeSet<TopicPartition>,
    effects: Vec<Effect>,
    next: Vec<Box<dyn Step>>,
}

impl Desk {
    /// Leaves a step to be done after this one and those left before it, and before anything else.
    pub fn then(&mut self, step: impl Step + 'static) {
        self.next.push(Box::new(step));
    }

    /// Seals what the outbox holds, to be sent.
    pub fn send(&mut self) {
        let tells = self.outbox.seal(&self.state);
        self.effects.extend(tells.into_iter().map(Effect::Tell));
    }

    /// Leaves an effect for the driver.
    pub fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Leaves a line for the log.
    pub fn note(&mut self, severity: Severity, text: impl Into<String>) {
        self.effects.push(Effect::Note(severity, text.into()));
    }
}

/// The controller's decisions, to be driven: [`begin`](Machine::begin), then [`ask`](Machine::ask),
/// [`decide`](Machine::decide) and [`apply`](Machine::apply) in turn until `ask` answers None.
#[derive(Debug)]
pub struct Machine {
    desk: Desk,
    /// What is still to be done for the event at hand; the next step is the last.
    agenda: Vec<Box<dyn Step>>,
    current: Option<Box<dyn Step>>,
}

impl Machine {
    /// A machine that knows `state`.
    pub fn new(settings: Settings, state: ClusterState) -> Self {
        let desk = Desk {
            state,
            settings,
            outbox: Outbox::default(),
            elections: BTreeMap::new(),
            failed_reassignments: BTreeSet::new(),
            effects: Vec::new(),
            next: Vec::new(),
        };
        Self { desk, agenda: Vec::new(), current: None }
    }

    /// The cluster as the controller knows it.
    pub fn state(&self) -> &ClusterState {
        &self.desk.state
    }

    /// Takes an event up. The one before must be through.
    pub fn begin(&mut self, event: Event) {
        assert!(
            self.agenda.is_empty() && self.current.is_none(),
            "an event before the last one was through: {event:?}"
        );
        self.desk.elections.clear();
        self.desk.failed_reassignments.clear();
        decide::begin(&mut self.desk, event);
        self.queue();
    }

    /// What the next step wants read; None when the event is through.
    pub fn ask(&mut self) -> Option<Vec<Question>> {
        let step = self.agenda.pop()?;
        let questions = step.ask(&self.desk);
        self.current = Some(step);
        Some(questions)
    }

    /// Hands the step what was read; what it wants written, in this order.
    pub fn decide(&mut self, facts: Facts) -> Vec<Write> {
        match &mut self.current {
            Some(step) => step.decide(&mut self.desk, facts),
            None => Vec::new(),
        }
    }

    /// Hands the step what came of its writes, one outcome each; what is to be done before the next step asks.
    pub fn apply(&mut self, outcomes: &[Outcome]) -> Vec<Effect> {
        if let Some(mut step) = self.current.take() {
            step.apply(&mut self.desk, outcomes);
        }
        self.queue();
        std::mem::take(&mut self.desk.effects)
    }

    fn queue(&mut self) {
        self.agenda.extend(self.desk.next.drain(..).rev());
    }
}
