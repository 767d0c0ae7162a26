use super::*;

fn ends(released: Released, receivers: &mut [oneshot::Receiver<ErrorCode>]) -> Vec<Option<ErrorCode>> {
    released.wake();
    receivers.iter_mut().map(|receiver| receiver.try_recv().ok()).collect()
}

#[test]
fn produces_are_released_in_the_order_of_their_offsets() {
    let mut waiters = ProduceWaiters::default();
    let mut receivers = [5, 3, 9].map(|offset| waiters.wait_for(offset));
    let done = Some(ErrorCode::None);
    assert_eq!(ends(waiters.release(2, ErrorCode::None), &mut receivers), [None, None, None]);
    assert_eq!(ends(waiters.release(5, ErrorCode::None), &mut receivers), [done, done, None]);
    let gone = waiters.give_up(ErrorCode::NotLeaderOrFollower);
    assert_eq!(ends(gone, &mut receivers[2..]), [Some(ErrorCode::NotLeaderOrFollower)]);
}

#[test]
fn produces_that_no_longer_wait_are_swept() {
    let mut waiters = ProduceWaiters::default();
    drop(waiters.wait_for(3));
    let kept = waiters.wait_for(4);
    waiters.sweep();
    assert_eq!(waiters.queue.len(), 1);
    drop(kept);
}

#[test]
fn a_fetch_is_held_once_and_woken_only_by_what_it_awaits() {
    let mut waiters = FetchWaiters::default();
    let (follower, consumer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    for _ in 0..3 {
        waiters.register(&follower, Awaits::End);
        waiters.register(&consumer, Awaits::Watermark);
    }
    let woken = |taken: Vec<Weak<Notify>>| {
        taken.iter().filter_map(Weak::upgrade).map(|it| Arc::ptr_eq(&it, &consumer)).collect::<Vec<_>>()
    };
    assert_eq!(woken(waiters.take(true, false)), [false]);
    assert_eq!(woken(waiters.take(true, true)), [true]);
    assert_eq!(woken(waiters.take(true, true)), [false; 0]);
}

#[test]
fn fetches_that_are_over_do_not_pile_up() {
    let mut waiters = FetchWaiters::default();
    for _ in 0..10 * SWEEP_FROM {
        waiters.register(&Arc::new(Notify::new()), Awaits::Watermark);
    }
    assert!(waiters.watermark.fetches.len() <= SWEEP_FROM);
}
