//! An application that copies its input exactly once: where its transactions begin, and the offsets that they have.

use std::collections::BTreeMap;

use barnabas::base::{Offset, TopicPartition};
use barnabas::client::error::ClientError;
use barnabas::client::{ConsumerGroupMetadata, OffsetAndMetadata};

use super::{Application, Phase};
use crate::clients::sent_records::{Happening, ProducingStage};

/// The group that reads all inputs.
pub const GROUP: &str = "copiers";

/// The partition of an input.
pub fn input(number: i32) -> TopicPartition {
    TopicPartition::new("input", number)
}

impl Application {
    /// What comes before its next transaction.
    pub(super) fn next_transaction(&self) -> Phase {
        if self.habits.input.is_some() { Phase::Locates } else { Phase::Ready }
    }

    /// Asks the coordinator of its group how far its input was read.
    pub(super) fn locate(&mut self, stage: &mut ProducingStage) {
        let (application, number) = (self.name, stage.number());
        self.phase = Phase::Locating(number, stage.now);
        stage.soon(Happening::Locate { application, number });
    }

    /// The coordinator has answered; None where the offset is part of a transaction that goes on.
    pub fn located(&mut self, number: u64, offset: Option<Offset>, stage: &mut ProducingStage) {
        if !matches!(self.phase, Phase::Locating(asked, _) if asked == number) {
            return;
        }
        self.phase = match offset {
            Some(offset) => {
                stage.say(|| format!("{} begins at {offset} of {:?}", self.name, self.habits.input));
                self.position = offset;
                Phase::Ready
            }
            None => Phase::Locates,
        };
    }

    /// Adds the offset after the records of this transaction to it.
    pub(super) fn send_offsets(&mut self, transaction: u64, stage: &mut ProducingStage) {
        let Some(number) = self.habits.input else { return };
        let offset = OffsetAndMetadata::new(self.position + self.copied);
        stage.say(|| format!("{} sends {} of {number} with {transaction}", self.name, offset.offset));
        let offsets: BTreeMap<_, _> = [(input(number), offset)].into();
        let group = ConsumerGroupMetadata::of_group(GROUP);
        let sent = self.machine.transactions_mut().map(|it| it.send_offsets_to_transaction(offsets, group));
        match sent {
            Some(Ok(call)) => self.phase = Phase::SendingOffsets(transaction, call),
            Some(Err(error)) => self.abort_for(transaction, &error, stage),
            None => self.die(&ClientError::Closed, stage),
        }
    }
}
