use super::*;
use crate::client::producer::batch::{BatchId, BatchIdentity};
use crate::wire::error_code::ErrorCode;

const BACKOFF: Millis = 100;

/// A producer with its transaction manager, driven line by line.
struct Bench {
    manager: TransactionManager,
    now: Millis,
    /// Whether all batches are answered.
    idle: bool,
    batches: u64,
}

fn producer(epoch: i16) -> ProducerIdAndEpoch {
    ProducerIdAndEpoch { id: 7, epoch }
}

fn partition(number: i32) -> TopicPartition {
    TopicPartition::new("t", number)
}

fn refused(error: ErrorCode) -> ClientError {
    ClientError::refused(error)
}

impl Bench {
    fn idempotent() -> Self {
        let mut bench = Self::of(None);
        bench.manager.bump_idempotent_epoch();
        bench.ask("InitProducerId");
        bench.answer(TransactionalAnswer::Producer(producer(0)));
        bench
    }

    /// An idempotent producer that partition 0 has a record of, with sequence 0.
    fn known() -> Self {
        let mut bench = Self::idempotent();
        let first = bench.send(1);
        bench.acknowledge(first, 1, 0);
        bench
    }

    fn of(id: Option<&str>) -> Self {
        let settings =
            TransactionManagerSettings { transactional_id: id.map(Arc::from), retry_backoff: BACKOFF };
        Self { manager: TransactionManager::new(settings), now: 0, idle: true, batches: 0 }
    }

    /// In a transaction, with a coordinator that raises epochs.
    fn in_transaction() -> Self {
        let mut bench = Self::of(Some("x"));
        let call = bench.manager.initialize_transactions().unwrap();
        bench.manager.coordinator_ready(true);
        bench.ask("InitProducerId");
        bench.answer(TransactionalAnswer::Producer(producer(0)));
        bench.is_over(call);
        bench.manager.begin_transaction().unwrap();
        bench
    }

    /// The same, with partition 0 in the transaction.
    fn with_partition() -> Self {
        let mut bench = Self::in_transaction();
        bench.manager.add_partition(&partition(0));
        bench.ask("AddPartitions");
        bench.answer(added(&[0]));
        bench
    }

    /// The next request is of this API.
    fn ask(&mut self, api: &str) -> TransactionalRequest {
        let request = self.manager.next_request(self.now, self.idle).expect(api);
        let name = format!("{request:?}");
        assert!(name.starts_with(api), "{name} instead of {api}");
        request
    }

    fn nothing_to_ask(&mut self) {
        assert_eq!(self.manager.next_request(self.now, self.idle), None);
    }

    fn answer(&mut self, answer: TransactionalAnswer) -> Option<StaleCoordinator> {
        self.manager.answered(answer, self.now)
    }

    fn whole(&mut self, error: ErrorCode) -> Option<StaleCoordinator> {
        self.answer(TransactionalAnswer::Whole(error))
    }

    fn is_over(&mut self, call: CallId) {
        self.manager.outcome(call).expect("it is over").unwrap();
    }

    fn fails(&mut self, call: CallId) -> ClientError {
        self.manager.outcome(call).expect("it is over").unwrap_err()
    }

    /// Sends a batch of so many records to partition 0.
    fn send(&mut self, records: usize) -> (BatchId, BatchIdentity) {
        let id = BatchId::new(self.batches);
        self.batches += 1;
        (id, self.manager.assign(&partition(0), id, records).expect("it may be sent"))
    }

    fn again(&mut self, id: BatchId, records: usize) -> Option<BatchIdentity> {
        self.manager.assign(&partition(0), id, records)
    }

    fn acknowledge(&mut self, (id, identity): (BatchId, BatchIdentity), records: usize, base: i64) {
        self.manager.batch_completed(&partition(0), id, identity, records, Some(base));
    }

    fn retries(&mut self, id: BatchId, error: ErrorCode, log_start: Option<i64>) -> bool {
        self.manager.can_retry(&partition(0), id, &refused(error), log_start)
    }

    fn lose(&mut self, id: BatchId) {
        let late = ClientError::Timeout("expired".to_owned());
        self.manager.batch_failed(&partition(0), id, &late, WrittenOrNot::Unknown);
    }
}

fn added(partitions: &[i32]) -> TransactionalAnswer {
    results(partitions, ErrorCode::None)
}

fn results(partitions: &[i32], error: ErrorCode) -> TransactionalAnswer {
    TransactionalAnswer::Partitions(partitions.iter().map(|it| (partition(*it), error)).collect())
}

fn identity(epoch: i16, first_sequence: i32) -> BatchIdentity {
    BatchIdentity { producer: producer(epoch), first_sequence }
}

#[test]
fn a_transaction_from_its_beginning_to_its_end() {
    let mut bench = Bench::with_partition();
    assert_eq!(bench.manager.check_send().unwrap(), Some(1));
    let sent = bench.send(3);
    assert_eq!(sent.1, identity(0, 0));
    bench.idle = false;
    let commit = bench.manager.end_transaction(TransactionEnd::Commit).unwrap();
    bench.nothing_to_ask();
    bench.acknowledge(sent, 3, 0);
    bench.idle = true;
    let end = bench.ask("EndTxn");
    assert_eq!(end, TransactionalRequest::EndTxn { producer: producer(0), result: TransactionEnd::Commit });
    assert_eq!(bench.manager.outcome(commit).map(|it| it.is_ok()), None);
    bench.whole(ErrorCode::None);
    bench.is_over(commit);
    // The next transaction must add the partition again, and goes on with the sequences.
    bench.manager.begin_transaction().unwrap();
    assert_eq!(bench.manager.assign(&partition(0), BatchId::new(9), 1), None);
    bench.manager.add_partition(&partition(0));
    bench.ask("AddPartitions");
    bench.answer(added(&[0]));
    assert_eq!(bench.send(1).1, identity(0, 3));
}

#[test]
fn a_transaction_without_records_ends_without_a_request() {
    let mut bench = Bench::in_transaction();
    let commit = bench.manager.end_transaction(TransactionEnd::Commit).unwrap();
    bench.nothing_to_ask();
    bench.is_over(commit);
    assert_eq!(bench.manager.state(), ProducerTransactionState::Ready);
}

#[test]
fn calls_in_the_wrong_state_are_refused_in_kafkas_words() {
    let mut bench = Bench::of(Some("x"));
    let error = bench.manager.check_send().unwrap_err();
    assert!(
        error.to_string().starts_with("Cannot perform a 'send' before completing a call to initTransactions")
    );
    let error = bench.manager.begin_transaction().unwrap_err();
    assert_eq!(
        error.to_string(),
        "TransactionalId x: Invalid transition attempted from state UNINITIALIZED to state IN_TRANSACTION"
    );
    let mut bench = Bench::in_transaction();
    assert!(bench.manager.initialize_transactions().is_err());
    assert!(bench.manager.begin_transaction().is_err());
    let commit = bench.manager.end_transaction(TransactionEnd::Commit).unwrap();
    let error = bench.manager.check_send().unwrap_err();
    assert_eq!(error.to_string(), "Cannot call send in state COMMITTING_TRANSACTION");
    bench.nothing_to_ask();
    bench.is_over(commit);
    assert!(bench.manager.end_transaction(TransactionEnd::Abort).is_err());
    let error = Bench::of(None).manager.begin_transaction().unwrap_err();
    assert_eq!(error.to_string(), "Transactional method invoked on a non-transactional producer.");
}

#[test]
fn a_coordinator_that_moved_is_looked_up_and_asked_again() {
    let mut bench = Bench::with_partition();
    let commit = bench.manager.end_transaction(TransactionEnd::Commit).unwrap();
    bench.ask("EndTxn");
    assert_eq!(bench.whole(ErrorCode::NotCoordinator), Some(StaleCoordinator::Transaction));
    bench.nothing_to_ask();
    assert_eq!(bench.manager.next_request_at(), Some(BACKOFF));
    bench.now = BACKOFF;
    bench.ask("EndTxn");
    let gone = ClientError::NoLeader;
    assert_eq!(bench.answer(TransactionalAnswer::Failed(gone)), Some(StaleCoordinator::Transaction));
    bench.now += BACKOFF;
    bench.ask("EndTxn");
    assert_eq!(bench.whole(ErrorCode::CoordinatorLoadInProgress), None);
    bench.now += BACKOFF;
    bench.ask("EndTxn");
    bench.whole(ErrorCode::None);
    bench.is_over(commit);
}

#[test]
fn a_transaction_that_is_still_ending_delays_the_next_one_a_little() {
    let mut bench = Bench::in_transaction();
    bench.manager.add_partition(&partition(0));
    bench.ask("AddPartitions");
    bench.answer(results(&[0], ErrorCode::ConcurrentTransactions));
    assert_eq!(bench.manager.next_request_at(), Some(20), "the first partitions do not wait for long");
    bench.now = 20;
    bench.ask("AddPartitions");
    bench.answer(added(&[0]));
    bench.manager.add_partition(&partition(1));
    bench.ask("AddPartitions");
    bench.answer(results(&[1], ErrorCode::ConcurrentTransactions));
    assert_eq!(bench.manager.next_request_at(), Some(20 + BACKOFF));
}

#[test]
fn a_fenced_producer_is_at_its_end() {
    for code in [ErrorCode::ProducerFenced, ErrorCode::InvalidProducerEpoch] {
        let mut bench = Bench::with_partition();
        let commit = bench.manager.end_transaction(TransactionEnd::Commit).unwrap();
        bench.ask("EndTxn");
        bench.whole(code);
        let error = bench.fails(commit);
        assert_eq!((error.code(), error.recovery()), (Some(ErrorCode::ProducerFenced), Recovery::Fatal));
        let error = bench.manager.end_transaction(TransactionEnd::Abort).unwrap_err();
        assert_eq!(
            error.to_string(),
            "The producer has been rejected from the broker because it tried to use an old epoch with the transactionalId"
        );
        assert_eq!(bench.manager.check_send().unwrap_err().recovery(), Recovery::Fatal);
    }
}

#[test]
fn a_producer_fenced_by_a_partitions_leader_can_abort() {
    let mut bench = Bench::with_partition();
    let (id, _) = bench.send(1);
    let error = refused(ErrorCode::InvalidProducerEpoch);
    assert!(!bench.retries(id, ErrorCode::InvalidProducerEpoch, None));
    bench.manager.batch_failed(&partition(0), id, &error, WrittenOrNot::NotWritten);
    assert_eq!(bench.manager.state(), ProducerTransactionState::AbortableError);
    assert_eq!(bench.manager.check_send().unwrap_err().recovery(), Recovery::Abort);
    // The epoch is raised after the abort.
    let abort = bench.manager.end_transaction(TransactionEnd::Abort).unwrap();
    bench.ask("EndTxn");
    bench.whole(ErrorCode::None);
    assert!(bench.manager.outcome(abort).is_none(), "not before the epoch is raised");
    assert_eq!(
        bench.ask("InitProducerId"),
        TransactionalRequest::InitProducerId { current: Some(producer(0)) }
    );
    bench.answer(TransactionalAnswer::Producer(producer(1)));
    bench.is_over(abort);
    bench.manager.begin_transaction().unwrap();
}

#[test]
fn a_failed_batch_fails_the_commit_and_leaves_the_abort() {
    let mut bench = Bench::with_partition();
    let (id, _) = bench.send(2);
    bench.idle = false;
    let commit = bench.manager.end_transaction(TransactionEnd::Commit).unwrap();
    bench.manager.batch_failed(
        &partition(0),
        id,
        &refused(ErrorCode::MessageTooLarge),
        WrittenOrNot::NotWritten,
    );
    assert_eq!(bench.fails(commit).code(), Some(ErrorCode::MessageTooLarge));
    let abort = bench.manager.end_transaction(TransactionEnd::Abort).unwrap();
    bench.idle = true;
    let end = bench.ask("EndTxn");
    assert_eq!(end, TransactionalRequest::EndTxn { producer: producer(0), result: TransactionEnd::Abort });
    bench.whole(ErrorCode::None);
    bench.is_over(abort);
    bench.nothing_to_ask();
    // The sequences of the refused batch were taken back.
    bench.manager.begin_transaction().unwrap();
    bench.manager.add_partition(&partition(0));
    bench.ask("AddPartitions");
    bench.answer(added(&[0]));
    assert_eq!(bench.send(1).1, identity(0, 0));
}

#[test]
fn a_lost_mapping_is_aborted_by_a_new_epoch_alone() {
    let mut bench = Bench::in_transaction();
    bench.manager.add_partition(&partition(0));
    bench.ask("AddPartitions");
    bench.answer(results(&[0], ErrorCode::InvalidProducerIdMapping));
    assert_eq!(bench.manager.state(), ProducerTransactionState::AbortableError);
    let abort = bench.manager.end_transaction(TransactionEnd::Abort).unwrap();
    bench.ask("InitProducerId");
    bench.answer(TransactionalAnswer::Producer(producer(3)));
    bench.is_over(abort);
    bench.manager.begin_transaction().unwrap();

    let mut old = Bench::in_transaction();
    old.manager.coordinator_ready(false);
    old.manager.add_partition(&partition(0));
    old.ask("AddPartitions");
    old.answer(results(&[0], ErrorCode::UnknownProducerId));
    assert_eq!(
        old.manager.state(),
        ProducerTransactionState::FatalError,
        "the coordinator is too old for it"
    );
}

#[test]
fn offsets_go_to_both_coordinators() {
    let mut bench = Bench::in_transaction();
    let offsets: BTreeMap<_, _> = [0, 1].map(|it| (partition(it), OffsetAndMetadata::new(5))).into();
    let group = ConsumerGroupMetadata::of_group("g");
    let call = bench.manager.send_offsets_to_transaction(offsets, group).unwrap();
    bench.ask("AddOffsets");
    bench.whole(ErrorCode::None);
    bench.ask("TxnOffsetCommit");
    let moved = (partition(1), ErrorCode::NotCoordinator);
    let some = TransactionalAnswer::Partitions(vec![(partition(0), ErrorCode::None), moved]);
    assert_eq!(bench.answer(some), Some(StaleCoordinator::Group("g".into())));
    bench.now += BACKOFF;
    let TransactionalRequest::TxnOffsetCommit { offsets, .. } = bench.ask("TxnOffsetCommit") else {
        panic!()
    };
    assert_eq!(offsets.into_keys().collect::<Vec<_>>(), [partition(1)], "only what is missing");
    bench.answer(added(&[1]));
    bench.is_over(call);
    // The offsets alone make a transaction that must be ended.
    bench.manager.end_transaction(TransactionEnd::Commit).unwrap();
    bench.ask("EndTxn");
}

#[test]
fn offsets_of_a_member_that_is_gone_can_only_be_aborted() {
    for code in [ErrorCode::IllegalGeneration, ErrorCode::UnknownMemberId, ErrorCode::FencedInstanceId] {
        let mut bench = Bench::in_transaction();
        let offsets = [(partition(0), OffsetAndMetadata::new(5))].into();
        let group = ConsumerGroupMetadata::of_group("g");
        let call = bench.manager.send_offsets_to_transaction(offsets, group).unwrap();
        bench.ask("AddOffsets");
        bench.whole(ErrorCode::None);
        bench.ask("TxnOffsetCommit");
        bench.answer(results(&[0], code));
        assert_eq!(bench.fails(call).code(), Some(code));
        assert_eq!(bench.manager.state(), ProducerTransactionState::AbortableError);
        bench.manager.end_transaction(TransactionEnd::Abort).unwrap();
        bench.ask("EndTxn");
    }
}

#[test]
fn topics_that_may_not_be_written_are_named() {
    let mut bench = Bench::in_transaction();
    bench.manager.add_partition(&partition(0));
    bench.ask("AddPartitions");
    bench.answer(results(&[0], ErrorCode::TopicAuthorizationFailed));
    assert_eq!(bench.manager.last_error().unwrap().to_string(), "Not authorized to access topics: [t]");
    assert_eq!(bench.manager.state(), ProducerTransactionState::AbortableError);
}

#[test]
fn a_call_that_was_dropped_is_joined_by_the_same_call() {
    let mut bench = Bench::with_partition();
    let commit = bench.manager.end_transaction(TransactionEnd::Commit).unwrap();
    bench.ask("EndTxn");
    assert_eq!(bench.manager.end_transaction(TransactionEnd::Commit).unwrap(), commit);
    let error = bench.manager.end_transaction(TransactionEnd::Abort).unwrap_err();
    assert!(matches!(error, ClientError::IllegalState(_)), "it may be committed already: {error}");
    bench.whole(ErrorCode::None);
    // Its outcome was not asked for yet: the call is still the same.
    assert_eq!(bench.manager.end_transaction(TransactionEnd::Commit).unwrap(), commit);
    bench.is_over(commit);
    assert!(bench.manager.end_transaction(TransactionEnd::Commit).is_err(), "now there is no transaction");
}

#[test]
fn a_commit_that_was_not_sent_yet_can_be_aborted() {
    let mut bench = Bench::with_partition();
    bench.idle = false;
    let commit = bench.manager.end_transaction(TransactionEnd::Commit).unwrap();
    bench.nothing_to_ask();
    let abort = bench.manager.end_transaction(TransactionEnd::Abort).unwrap();
    assert!(bench.fails(commit).to_string().contains("aborted"));
    bench.idle = true;
    let end = bench.ask("EndTxn");
    assert_eq!(end, TransactionalRequest::EndTxn { producer: producer(0), result: TransactionEnd::Abort });
    bench.whole(ErrorCode::None);
    bench.is_over(abort);
}

#[test]
fn batches_out_of_order_wait_for_the_one_before_them() {
    let mut bench = Bench::known();
    let sent: Vec<_> = (0..5).map(|_| bench.send(2)).collect();
    assert_eq!(sent[4].1, identity(0, 9));
    // The first has failed in a way that can be repeated; the others are out of order then.
    assert!(bench.retries(sent[0].0, ErrorCode::NotLeaderOrFollower, None));
    for (id, _) in &sent[1..] {
        assert!(bench.retries(*id, ErrorCode::OutOfOrderSequenceNumber, None));
    }
    assert_eq!(bench.again(sent[1].0, 2), None, "the second waits for the first");
    assert_eq!(bench.again(sent[0].0, 2), Some(identity(0, 1)));
    bench.acknowledge(sent[0], 2, 1);
    assert_eq!(bench.again(sent[1].0, 2), Some(identity(0, 3)));
    bench.manager.bump_idempotent_epoch();
    assert_eq!(bench.again(sent[1].0, 2), Some(identity(0, 3)), "the epoch stays");
}

#[test]
fn no_more_batches_wait_than_a_broker_remembers() {
    let mut bench = Bench::known();
    let sent: Vec<_> = (0..5).map(|_| bench.send(1)).collect();
    let sixth = BatchId::new(90);
    assert_eq!(bench.again(sixth, 1), None);
    // The broker remembers the first one as the oldest of five, answered or not.
    bench.acknowledge(sent[1], 1, 2);
    assert_eq!(bench.again(sixth, 1), None);
    bench.acknowledge(sent[0], 1, 1);
    assert_eq!(bench.again(sixth, 1), Some(identity(0, 6)));
}

#[test]
fn a_gap_in_the_sequences_raises_the_epoch() {
    let mut bench = Bench::known();
    let (first, second) = (bench.send(2), bench.send(3));
    bench.acknowledge(first, 2, 1);
    // It is the next one, and the broker does not know the one before it.
    assert!(bench.retries(second.0, ErrorCode::OutOfOrderSequenceNumber, None));
    bench.manager.bump_idempotent_epoch();
    assert_eq!(bench.again(second.0, 3), Some(identity(1, 0)));
    bench.acknowledge((second.0, identity(1, 0)), 3, 3);
    assert_eq!(bench.send(1).1, identity(1, 3));
}

#[test]
fn with_batches_in_flight_a_raised_epoch_rewrites_them() {
    let mut bench = Bench::known();
    let sent: Vec<_> = (0..3).map(|_| bench.send(2)).collect();
    let error = refused(ErrorCode::InvalidRecord);
    bench.manager.batch_failed(&partition(0), sent[0].0, &error, WrittenOrNot::NotWritten);
    bench.manager.bump_idempotent_epoch();
    assert!(
        bench.retries(sent[1].0, ErrorCode::OutOfOrderSequenceNumber, None),
        "its sequence is another one now"
    );
    assert_eq!(bench.again(sent[1].0, 2), Some(identity(1, 0)));
    // Another partition takes the epoch once it has no batch on its way.
    let other = |bench: &mut Bench, id| bench.manager.assign(&partition(1), BatchId::new(id), 1);
    assert_eq!(other(&mut bench, 50), Some(identity(1, 0)));
    let id = sent[2].0;
    bench.manager.batch_failed(&partition(0), id, &error, WrittenOrNot::NotWritten);
    bench.manager.bump_idempotent_epoch();
    assert_eq!(other(&mut bench, 51), None);
    bench.manager.batch_completed(&partition(1), BatchId::new(50), identity(1, 0), 1, Some(0));
    assert_eq!(other(&mut bench, 51), Some(identity(2, 0)));
}

#[test]
fn an_unknown_producer_begins_anew_where_its_records_were_deleted() {
    let mut bench = Bench::idempotent();
    let first = bench.send(2);
    bench.acknowledge(first, 2, 10);
    let second = bench.send(1);
    assert!(bench.retries(second.0, ErrorCode::UnknownProducerId, None), "an old broker names no log start");
    assert!(bench.retries(second.0, ErrorCode::UnknownProducerId, Some(12)));
    bench.manager.bump_idempotent_epoch();
    assert_eq!(bench.again(second.0, 1), Some(identity(1, 0)));

    let mut bench = Bench::with_partition();
    let first = bench.send(2);
    bench.acknowledge(first, 2, 10);
    let second = bench.send(1);
    assert!(!bench.retries(second.0, ErrorCode::UnknownProducerId, Some(5)), "the record before it is lost");
    assert!(bench.retries(second.0, ErrorCode::UnknownProducerId, Some(12)));
    assert_eq!(bench.again(second.0, 1), Some(identity(0, 0)));
}

#[test]
fn what_may_have_been_written_is_resolved_before_more_is_sent() {
    let mut bench = Bench::known();
    let (first, second) = (bench.send(2), bench.send(2));
    bench.lose(first.0);
    let third = BatchId::new(80);
    assert_eq!(bench.again(third, 1), None);
    // The second was written, and with it the first.
    bench.acknowledge(second, 2, 3);
    bench.manager.resolve_sequences();
    bench.manager.bump_idempotent_epoch();
    assert_eq!(bench.again(third, 1), Some(identity(0, 5)));
    // The third is lost, and no other batch shows whether it was written.
    bench.lose(third);
    bench.manager.resolve_sequences();
    bench.manager.bump_idempotent_epoch();
    assert_eq!(bench.again(BatchId::new(81), 1), Some(identity(1, 0)));
}

#[test]
fn a_transaction_that_lost_batches_is_aborted() {
    let mut bench = Bench::with_partition();
    let lost = bench.send(2);
    bench.lose(lost.0);
    bench.manager.resolve_sequences();
    assert_eq!(bench.manager.last_error().map(ClientError::recovery), Some(Recovery::Abort));
    let abort = bench.manager.end_transaction(TransactionEnd::Abort).unwrap();
    bench.ask("EndTxn");
    bench.whole(ErrorCode::None);
    bench.ask("InitProducerId");
    bench.answer(TransactionalAnswer::Producer(producer(1)));
    bench.is_over(abort);

    let mut old = Bench::with_partition();
    old.manager.coordinator_ready(false);
    let lost = old.send(2);
    old.lose(lost.0);
    old.manager.resolve_sequences();
    assert_eq!(old.manager.state(), ProducerTransactionState::FatalError);
}

#[test]
fn a_loss_found_while_aborting_still_raises_the_epoch() {
    let mut bench = Bench::with_partition();
    let sent = bench.send(2);
    let abort = bench.manager.end_transaction(TransactionEnd::Abort).unwrap();
    bench.idle = false;
    bench.nothing_to_ask();
    bench.lose(sent.0);
    bench.manager.resolve_sequences();
    bench.idle = true;
    bench.ask("EndTxn");
    bench.whole(ErrorCode::None);
    assert!(bench.manager.outcome(abort).is_none());
    bench.ask("InitProducerId");
    bench.answer(TransactionalAnswer::Producer(producer(1)));
    bench.is_over(abort);
    bench.manager.begin_transaction().unwrap();
}

#[test]
fn the_largest_epoch_is_followed_by_another_id() {
    let mut bench = Bench::idempotent();
    bench.manager.producer = Some(ProducerIdAndEpoch { id: 7, epoch: i16::MAX });
    let before = bench.send(1);
    bench.acknowledge(before, 1, 0);
    let (first, second) = (bench.send(1), bench.send(1));
    bench.manager.batch_failed(
        &partition(0),
        first.0,
        &refused(ErrorCode::InvalidRecord),
        WrittenOrNot::NotWritten,
    );
    bench.manager.bump_idempotent_epoch();
    assert_eq!(bench.again(second.0, 1), None);
    bench.ask("InitProducerId");
    bench.answer(TransactionalAnswer::Producer(ProducerIdAndEpoch { id: 8, epoch: 0 }));
    let other = BatchIdentity { producer: ProducerIdAndEpoch { id: 8, epoch: 0 }, first_sequence: 0 };
    assert_eq!(bench.again(second.0, 1), Some(other));
}

#[test]
fn after_the_largest_sequence_comes_nought() {
    let mut bench = Bench::idempotent();
    let most = i32::MAX as usize;
    for (records, first) in [(most, 0), (1, i32::MAX), (2, 0)] {
        let batch = bench.send(records);
        assert_eq!(batch.1.first_sequence, first);
        bench.acknowledge(batch, records, -1);
    }
    let next = bench.send(1);
    assert_eq!(next.1, identity(0, 2));
    assert!(bench.retries(next.0, ErrorCode::OutOfOrderSequenceNumber, None));
    bench.manager.bump_idempotent_epoch();
    assert_eq!(
        bench.again(next.0, 1),
        Some(identity(1, 0)),
        "it is the next one, across the end of the numbers"
    );
}

#[test]
fn a_producers_first_batch_goes_alone() {
    let mut bench = Bench::idempotent();
    let (first, second) = (bench.send(5), BatchId::new(70));
    // A broker that does not know the producer would take the second in the place of the first.
    assert_eq!(bench.again(second, 1), None);
    let pieces = [(first.0.piece(0), 2), (first.0.piece(2), 3)];
    bench.manager.batch_split(&partition(0), first.0, &pieces);
    assert_eq!(bench.again(pieces[0].0, 2), Some(identity(0, 0)));
    assert_eq!(bench.again(second, 1), None);
    bench.acknowledge((pieces[0].0, identity(0, 0)), 2, 0);
    assert_eq!(bench.again(second, 1), Some(identity(0, 5)), "the broker knows the producer now");
}

#[test]
fn pieces_of_a_batch_share_its_sequences() {
    let mut bench = Bench::known();
    let (whole, after) = (bench.send(5), bench.send(1));
    let pieces = [(whole.0.piece(0), 2), (whole.0.piece(2), 3)];
    bench.manager.batch_split(&partition(0), whole.0, &pieces);
    assert_eq!(bench.again(pieces[0].0, 2), Some(identity(0, 1)));
    bench.acknowledge((pieces[0].0, identity(0, 1)), 2, 1);
    assert_eq!(bench.again(pieces[1].0, 3), Some(identity(0, 3)));
    bench.acknowledge((pieces[1].0, identity(0, 3)), 3, 3);
    assert_eq!(bench.again(after.0, 1), Some(identity(0, 6)));
}

#[test]
fn a_producer_that_may_not_use_the_cluster_is_at_its_end() {
    let mut bench = Bench::of(None);
    bench.manager.bump_idempotent_epoch();
    bench.ask("InitProducerId");
    bench.whole(ErrorCode::ClusterAuthorizationFailed);
    assert_eq!(bench.manager.state(), ProducerTransactionState::FatalError);
    assert_eq!(bench.manager.check_send().unwrap_err().recovery(), Recovery::Fatal);
    bench.manager.bump_idempotent_epoch();
    bench.nothing_to_ask();
}

#[test]
fn closing_fails_what_waits() {
    let mut bench = Bench::with_partition();
    let commit = bench.manager.end_transaction(TransactionEnd::Commit).unwrap();
    bench.manager.close();
    assert_eq!(bench.fails(commit).to_string(), "The producer closed forcefully");
    bench.nothing_to_ask();
}
