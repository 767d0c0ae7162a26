use super::Unseen;

#[test]
fn only_the_newest_change_of_a_znode_waits() {
    let mut unseen = Unseen::default();
    (0..10_000).for_each(|version| unseen.add("/a", version));
    unseen.add("/b", 1);
    unseen.add("/a", 10_000);
    assert_eq!([unseen.take(), unseen.take(), unseen.take()], [Some(10_000), Some(1), None]);
}

#[test]
fn what_is_no_longer_watched_is_not_seen() {
    let mut unseen = Unseen::default();
    unseen.add("/a", 1);
    unseen.add("/b", 2);
    unseen.forget(&"/a");
    unseen.add("/a", 3);
    assert_eq!([unseen.take(), unseen.take(), unseen.take()], [Some(2), Some(3), None]);
}
