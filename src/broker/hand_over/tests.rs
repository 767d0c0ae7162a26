use super::*;

#[test]
fn it_closes_as_soon_as_nothing_is_left() {
    let (mut tries, first) = HandOver::begin(3);
    assert_eq!(first, Next::Ask);
    assert_eq!(tries.answered(Some(2)), Next::Wait);
    assert_eq!(tries.answered(Some(0)), Next::Close { controlled: true });
}

#[test]
fn the_broker_asks_as_often_as_configured_and_then_closes() {
    let (mut tries, first) = HandOver::begin(3);
    let mut asked = 0;
    let mut next = first;
    while next != (Next::Close { controlled: false }) {
        asked += 1;
        next = tries.answered(if asked == 2 { Some(1) } else { None });
    }
    assert_eq!(asked, 3, "as 2.7.2 does with controlled.shutdown.max.retries=3");
}

#[test]
fn without_retries_the_controller_is_not_asked() {
    assert_eq!(HandOver::begin(0).1, Next::Close { controlled: false });
    assert_eq!(HandOver::begin(-1).1, Next::Close { controlled: false });
}
