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
