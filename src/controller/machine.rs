//! The controller's decisions, one event at a time: events in; questions, writes and effects out. Pure.
//!
//! An event becomes steps. Every step goes the same way: it asks (`gather` reads), decides (`commit` writes),
//! applies the outcomes of the writes to the cluster's state, and may enqueue further steps, which run right
//! after it and before anything else. If another session wrote a znode first, the step enqueues such a
//! further step; there is no loop. Transcripts and the simulation run the machine as `driver` does. Kafka
//! spreads this over `KafkaController`, its two state machines and `TopicDeletionManager`.

use super::decide;
use super::event::Event;
use super::facts::{Facts, Question};
use super::state::ClusterState;
use super::step::{ControllerSettings, Effect, Step, StepContext};
use super::writes::{Outcome, Write};

/// The controller's decisions, to be driven: [`begin`](ControllerMachine::begin), then [`ask`](ControllerMachine::ask),
/// [`decide`](ControllerMachine::decide) and [`apply`](ControllerMachine::apply) in turn until `ask` answers None.
#[derive(Debug)]
pub struct ControllerMachine {
    context: StepContext,
    /// The steps of the present event that are still to run; the next one is the last.
    agenda: Vec<Box<dyn Step>>,
    current: Option<Box<dyn Step>>,
}

impl ControllerMachine {
    /// A machine with `state`.
    pub fn new(settings: ControllerSettings, state: ClusterState) -> Self {
        Self { context: StepContext::new(settings, state), agenda: Vec::new(), current: None }
    }

    /// The cluster as the controller knows it.
    pub fn state(&self) -> &ClusterState {
        &self.context.state
    }

    /// How many replicas that were out of sync the present event has elected.
    pub fn unclean_elections(&self) -> usize {
        self.context.unclean_elections
    }

    /// Begins an event. The one before must be complete.
    pub fn begin(&mut self, event: Event) {
        assert!(
            self.agenda.is_empty() && self.current.is_none(),
            "an event before the last one was through: {event:?}"
        );
        self.context.begin_event();
        decide::begin(&mut self.context, event);
        self.queue();
    }

    /// What the next step needs to be read; None when the event is complete.
    pub fn ask(&mut self) -> Option<Vec<Question>> {
        let step = self.agenda.pop()?;
        let questions = step.ask(&self.context);
        self.current = Some(step);
        Some(questions)
    }

    /// Passes the step what was read; returns its writes, in this order.
    pub fn decide(&mut self, facts: Facts) -> Vec<Write> {
        match &mut self.current {
            Some(step) => step.decide(&mut self.context, facts),
            None => Vec::new(),
        }
    }

    /// Passes the step the outcomes of its writes, one each; returns the effects that come before the next
    /// step.
    pub fn apply(&mut self, outcomes: &[Outcome]) -> Vec<Effect> {
        if let Some(mut step) = self.current.take() {
            step.apply(&mut self.context, outcomes);
        }
        self.queue();
        self.context.take_effects()
    }

    fn queue(&mut self) {
        self.agenda.extend(self.context.take_steps().into_iter().rev());
    }
}
