//! The controller's decisions, one event at a time: events in; questions, writes and effects out. Pure.
//!
//! An event becomes steps. Every step goes the same way: it asks (`gather` reads), decides (`commit` writes), applies the
//! outcomes of the writes to the cluster's picture, and may leave further steps, which are done right after it and before
//! anything else. A write that lost a race is such a further step, never a loop. Transcripts and the simulation run the
//! machine as `driver` does. Kafka spreads this over `KafkaController`, its two state machines and `TopicDeletionManager`.

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
    /// What is still to be done for the event at hand; the next step is the last.
    agenda: Vec<Box<dyn Step>>,
    current: Option<Box<dyn Step>>,
}

impl ControllerMachine {
    /// A machine that knows `state`.
    pub fn new(settings: ControllerSettings, state: ClusterState) -> Self {
        Self { context: StepContext::new(settings, state), agenda: Vec::new(), current: None }
    }

    /// The cluster as the controller knows it.
    pub fn state(&self) -> &ClusterState {
        &self.context.state
    }

    /// Takes an event up. The one before must be through.
    pub fn begin(&mut self, event: Event) {
        assert!(
            self.agenda.is_empty() && self.current.is_none(),
            "an event before the last one was through: {event:?}"
        );
        self.context.begin_event();
        decide::begin(&mut self.context, event);
        self.queue();
    }

    /// What the next step wants read; None when the event is through.
    pub fn ask(&mut self) -> Option<Vec<Question>> {
        let step = self.agenda.pop()?;
        let questions = step.ask(&self.context);
        self.current = Some(step);
        Some(questions)
    }

    /// Hands the step what was read; what it wants written, in this order.
    pub fn decide(&mut self, facts: Facts) -> Vec<Write> {
        match &mut self.current {
            Some(step) => step.decide(&mut self.context, facts),
            None => Vec::new(),
        }
    }

    /// Hands the step the outcomes of its writes, one each; what is to be done before the next step asks.
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
