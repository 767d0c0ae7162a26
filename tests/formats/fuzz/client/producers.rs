//! A producer: errors, offsets, producer ids and epochs that no broker would answer. Every record that was accepted has
//! one outcome.

use std::collections::BTreeMap;

use barnabas::base::TopicPartition;
use barnabas::client::error::{ClientError, ConnectionError};
use barnabas::client::producer::ProducerRecord;
use barnabas::client::producer::accumulator::{AccumulatorSettings, NewBatch};
use barnabas::client::producer::batch::ProducerIdAndEpoch;
use barnabas::client::producer::machine::{
    PartitionAnswer, ProducerMachine, ProducerMachineSettings, SentBatch, SettledBatch, WrittenBatch,
};
use barnabas::client::producer::transaction_manager::{
    TransactionEnd, TransactionManagerSettings, TransactionalAnswer, TransactionalRequest,
};
use barnabas::wire::compression::Compression;
use barnabas::wire::error_code::ErrorCode;
use fastrand::Rng;

/// How many times the producer acts.
const TURNS: i64 = 60;

fn lost() -> ClientError {
    ClientError::Connection(ConnectionError::TimedOut(std::time::Duration::ZERO))
}

/// Any error, or the one that stands for none.
fn error(rng: &mut Rng) -> ErrorCode {
    ErrorCode::from_code(rng.i16(-2..100))
}

struct Play {
    machine: ProducerMachine<u64>,
    made: u64,
    /// How many records wait for each completion.
    open: BTreeMap<u64, usize>,
    in_flight: Vec<SentBatch>,
    is_transactional: bool,
}

impl Play {
    fn settled(&mut self, settled: SettledBatch<u64>) {
        match settled {
            SettledBatch::Written { ended, .. } | SettledBatch::Failed { ended, .. } => {
                let records = self.open.remove(&ended.batch.completion);
                assert_eq!(
                    records,
                    Some(ended.batch.records),
                    "a batch has one outcome for all of its records"
                );
            }
            SettledBatch::Split { split, .. } => {
                let whole = self.open.remove(&split.whole);
                let records: usize = split.pieces.iter().map(|piece| piece.records).sum();
                assert_eq!(whole, Some(records), "the pieces of a batch have all of its records");
                self.open.extend(split.pieces.iter().map(|piece| (piece.completion, piece.records)));
            }
            SettledBatch::Retried { .. } => {}
        }
    }

    fn append(&mut self, now: i64, rng: &mut Rng) {
        let record = ProducerRecord::new("t", vec![0; rng.usize(..200)]);
        let made = &mut self.made;
        let completion = |_: &TopicPartition| {
            *made += 1;
            *made
        };
        let accepted = self.machine.append((0, rng.i32(0..2)), &record, 1, now, NewBatch::Begin, completion);
        if let Ok(Some(accepted)) = accepted {
            *self.open.entry(accepted.added.completion).or_default() += 1;
        }
    }

    fn drain(&mut self, now: i64) {
        for drained in self.machine.drain(1, 10_000, now) {
            let bytes =
                drained.payload.seal(drained.identity, self.is_transactional).expect("there is no codec");
            let (slot, partition, id) = (drained.slot, drained.partition, drained.id);
            let (identity, records) = (drained.identity, drained.records);
            self.in_flight.push(SentBatch { slot, partition, id, bytes, identity, records });
        }
    }

    fn answer(&mut self, now: i64, rng: &mut Rng) {
        if self.in_flight.is_empty() {
            return;
        }
        let batch = self.in_flight.swap_remove(rng.usize(..self.in_flight.len()));
        let outcome = match rng.u8(..4) {
            0 => Err(lost()),
            1 => Ok(WrittenBatch { base_offset: Some(rng.i64(..)), log_append_time: Some(rng.i64(..)) }),
            2 => Err(ClientError::refused(ErrorCode::MessageTooLarge)),
            _ => Err(ClientError::refused(error(rng))),
        };
        let log_start = rng.bool().then(|| rng.i64(..));
        let made = &mut self.made;
        let settled = self.machine.settle(batch, PartitionAnswer { outcome, log_start }, now, |_| {
            *made += 1;
            *made
        });
        settled.into_iter().for_each(|it| self.settled(it));
    }

    fn transactional_answer(&mut self, request: &TransactionalRequest, now: i64, rng: &mut Rng) {
        let partitions = match request {
            TransactionalRequest::AddPartitions { partitions, .. } => partitions.clone(),
            _ => vec![TopicPartition::new("u", rng.i32(..))],
        };
        let answer = match rng.u8(..6) {
            0 => TransactionalAnswer::Failed(lost()),
            1 => TransactionalAnswer::Whole(error(rng)),
            2 => TransactionalAnswer::Whole(ErrorCode::None),
            3 => TransactionalAnswer::Partitions(partitions.into_iter().map(|it| (it, error(rng))).collect()),
            4 => TransactionalAnswer::Partitions(
                partitions.into_iter().map(|it| (it, ErrorCode::None)).collect(),
            ),
            _ => {
                let epoch = if rng.u8(..4) == 0 { i16::MAX } else { rng.i16(0..3) };
                TransactionalAnswer::Producer(ProducerIdAndEpoch { id: rng.i64(0..i64::MAX), epoch })
            }
        };
        if let Some(transactions) = self.machine.transactions_mut() {
            let _ = transactions.answered(answer, now);
        }
    }

    /// The application begins and ends transactions as it likes.
    fn call(&mut self, rng: &mut Rng) {
        let Some(transactions) = self.machine.transactions_mut() else { return };
        let _ = match rng.u8(..6) {
            0 => transactions.initialize_transactions().map(drop),
            1 => transactions.begin_transaction(),
            2 => transactions.end_transaction(TransactionEnd::Commit).map(drop),
            3 => transactions.end_transaction(TransactionEnd::Abort).map(drop),
            _ => Ok(()),
        };
    }
}

pub fn play(rng: &mut Rng) {
    let is_transactional = rng.bool();
    let retry_backoff = 5;
    let transactions = (is_transactional || rng.bool()).then(|| TransactionManagerSettings {
        transactional_id: is_transactional.then(|| "x".into()),
        retry_backoff,
    });
    let mut machine = ProducerMachine::new(ProducerMachineSettings {
        accumulator: AccumulatorSettings {
            batch_size: 400,
            linger: 3,
            retry_backoff,
            delivery_timeout: 300,
            compression: Compression::None,
            compression_level: None,
            mutes_partitions: rng.bool(),
        },
        transactions,
        retries: rng.u32(0..5),
    });
    machine.accumulator_mut().set_leaders(&"t".into(), vec![Some(1), Some(1)], 0);
    let mut play = Play { machine, made: 0, open: BTreeMap::new(), in_flight: Vec::new(), is_transactional };
    for turn in 0..TURNS {
        let now = turn * 7;
        play.call(rng);
        play.append(now, rng);
        let step = play.machine.step(now);
        step.settled.into_iter().for_each(|it| play.settled(it));
        if let Some(request) = &step.request {
            play.transactional_answer(request, now, rng);
        }
        play.machine.accumulator_mut().set_leaders(&"t".into(), vec![Some(1), Some(1)], now);
        play.drain(now);
        play.answer(now, rng);
    }
    play.machine.give_up(TURNS * 7).into_iter().for_each(|it| play.settled(it));
    assert!(play.open.is_empty(), "records without an outcome: {:?}", play.open);
}
