use super::*;

/// The broker's own epoch.
const OWN: i64 = 7;

fn of(controller: i32, broker: i64) -> RequestEpochs {
    RequestEpochs { controller, broker }
}

#[test]
fn a_controller_that_was_replaced_is_refused() {
    let mut accepted = ControllerEpoch::default();
    assert_eq!(accepted.accept(of(3, OWN), OWN), Ok(()));
    assert_eq!(accepted.accept(of(2, OWN), OWN), Err(ErrorCode::StaleControllerEpoch));
    assert_eq!(accepted.accept(of(3, OWN), OWN), Ok(()), "the same epoch again");
    assert_eq!(accepted.accept(of(4, OWN), OWN), Ok(()));
    assert_eq!(accepted, ControllerEpoch(4));
}

#[test]
fn what_was_meant_for_an_earlier_life_is_refused_and_leaves_nothing_behind() {
    let mut accepted = ControllerEpoch::default();
    assert_eq!(accepted.accept(of(9, OWN - 1), OWN), Err(ErrorCode::StaleBrokerEpoch));
    assert_eq!(accepted.accept(of(1, OWN), OWN), Ok(()), "9 was not remembered");
    assert_eq!(
        accepted.accept(of(1, OWN + 1), OWN),
        Ok(()),
        "the controller has seen a registration before this broker"
    );
    assert_eq!(
        accepted.accept(of(1, UNKNOWN_BROKER_EPOCH), OWN),
        Ok(()),
        "before 2.2 requests have no broker epoch"
    );
}

#[test]
fn a_stale_broker_epoch_is_reported_before_a_stale_controller_epoch() {
    let mut accepted = ControllerEpoch(5);
    assert_eq!(accepted.accept(of(4, OWN - 1), OWN), Err(ErrorCode::StaleBrokerEpoch));
}
