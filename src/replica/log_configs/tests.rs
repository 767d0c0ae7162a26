use super::*;
use crate::base::LeaderAndIsr;
use crate::config::layers::OwnConfigs;
use crate::replica::ReplicaManager;
use crate::replica::machine::LeadershipState;
use crate::replica::tests::{Room, lead_or_follow, partition};
use crate::wire::error_code::ErrorCode;

/// The order to lead partition 0 of `t` alone.
fn order() -> LeaderAndIsrOrder {
    let leadership = LeaderAndIsr { leader: 1, leader_epoch: 0, isr: vec![1], zk_version: 0 };
    lead_or_follow(0, LeadershipState::new(leadership, vec![1], 1), true)
}

fn own(retention_ms: &str) -> OwnConfigs {
    OwnConfigs::from([("retention.ms".to_owned(), retention_ms.to_owned())])
}

fn retention(room: &Room) -> i64 {
    room.logs().get(&partition(0)).unwrap().config().retention_ms
}

/// Applies the request with what was read for `t`; `meanwhile` runs between the reading and that.
fn make(room: &Room, read: OwnConfigs, meanwhile: impl FnOnce()) {
    let initializing = room.replicas.log_configs().initialize(&order());
    assert_eq!(initializing.topics(), [Arc::from("t")]);
    let settings = initializing.settings([(Arc::from("t"), read)]);
    meanwhile();
    let outcomes = room.replicas.role_changes().become_leader_or_follower(order(), 0, &settings);
    assert_eq!(outcomes.unwrap()[0].1, Ok(()));
    initializing.finish();
}

/// Whether any topic's logs are still being created.
fn is_making(room: &Room) -> bool {
    !room.replicas.log_configs.changes.lock().initializing.is_empty()
}

#[test]
fn a_log_is_made_with_what_was_read_for_it() {
    let room = Room::new();
    make(&room, own("5"), || {});
    assert_eq!(retention(&room), 5);
    assert!(room.replicas.log_configs().initialize(&order()).topics().is_empty(), "it has its log");
}

#[test]
fn what_changes_between_the_reading_and_the_making_is_not_missed() {
    let room = Room::new();
    make(&room, own("5"), || {
        room.replicas.log_configs().topic_config_changed("t", &own("6"));
        room.replicas.log_configs().topic_config_changed("other", &own("8"));
        room.replicas.log_configs().topic_config_changed("t", &own("7"));
    });
    assert_eq!(retention(&room), 7);
    assert!(!is_making(&room));
}

#[test]
fn two_requests_that_create_logs_of_a_topic_get_the_same_change() {
    let room = Room::new();
    let other = room.replicas.log_configs().initialize(&order());
    make(&room, own("5"), || room.replicas.log_configs().topic_config_changed("t", &own("6")));
    let log = room.logs().get(&partition(0)).unwrap();
    log.set_settings(Settings::of(&TopicConfig::default(), own("5")));
    assert!(is_making(&room));
    other.finish();
    assert_eq!(retention(&room), 6);
    assert!(!is_making(&room));
}

#[test]
fn a_request_that_gives_up_creating_logs_leaves_no_trace() {
    let room = Room::new();
    drop(room.replicas.log_configs().initialize(&order()));
    assert!(!is_making(&room));
}

#[test]
fn a_topic_whose_configs_could_not_be_read_gets_no_log_yet() {
    let room = Room::new();
    let outcomes = room.replicas.role_changes().become_leader_or_follower(order(), 0, &LogSettings::new());
    assert_eq!(outcomes.unwrap()[0].1, Err(ErrorCode::KafkaStorageError));
    assert!(room.logs().get(&partition(0)).is_none());
    make(&room, own("5"), || {});
    assert_eq!(retention(&room), 5);
}

#[test]
fn a_log_that_is_not_requested_yet_gets_a_change_too() {
    let room = Room::new();
    make(&room, own("5"), || {});
    let room = room.restarted();
    assert!(room.replicas.partition(&partition(0)).is_err(), "only its log is here");
    room.replicas.log_configs().topic_config_changed("t", &own("6"));
    assert_eq!(retention(&room), 6);
    assert_eq!(room.replicas.log_configs().topics_with_logs(), [Arc::from("t")].into());
}

#[test]
fn new_defaults_leave_a_topics_own_values() {
    let defaults = Arc::new(Mutex::new(TopicConfig::default()));
    let room = Room::new();
    make(&room, own("5"), || {});
    let replicas = ReplicaManager::new(
        1,
        room.replicas.config.clone(),
        room.replicas.logs.clone(),
        Arc::new(crate::metadata::MetadataCache::default()),
        room.clock.clone(),
        {
            let defaults = defaults.clone();
            move || defaults.lock().clone()
        },
    );
    *defaults.lock() = TopicConfig { retention_ms: 9, segment_bytes: 4096, ..TopicConfig::default() };
    replicas.log_configs().log_defaults_changed();
    let config = room.logs().get(&partition(0)).unwrap().config();
    assert_eq!((config.retention_ms, config.segment_bytes), (5, 4096));
}
