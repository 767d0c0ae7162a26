use super::*;

const WINDOWS: QuotaWindows = QuotaWindows { samples: 11, window_ms: 1000 };
const CLIENT: QuotaClient<'static> = QuotaClient { user: "ANONYMOUS", client_id: "c" };

fn manager(quota_type: ClientQuotaType, limit: f64) -> ClientQuotaManager {
    let manager = ClientQuotaManager::new(quota_type, WINDOWS, None);
    assert_eq!(manager.record(CLIENT, 1e9, 0), Duration::ZERO);
    assert_eq!(manager.usage(0), [], "without any quota nothing is measured");
    manager.update(QuotaEntity::of_clients("<default>").unwrap(), Some(limit));
    manager
}

/// As Kafka throttles the same client: 500 bytes a second, recorded in windows of a second.
#[test]
fn a_client_is_throttled_until_its_rate_is_down_at_its_quota() {
    let manager = manager(ClientQuotaType::Produce, 500.0);
    let mut now = 0;
    for _ in 0..10 {
        assert_eq!(manager.record(CLIENT, 400.0, now), Duration::ZERO);
        now += 1000;
    }
    // 10 windows of 400 and half a window of 2300 bytes: 6300 bytes in 10.5 seconds are 600 a second.
    now += 500;
    assert_eq!(manager.record(CLIENT, 2300.0, now), Duration::from_millis(2100));
    now += 2100;
    assert_eq!(
        manager.usage(now)[0].rate.round(),
        519.0,
        "400 bytes of the oldest two windows are forgotten"
    );
    assert_eq!(manager.record(CLIENT, 0.0, now), Duration::from_millis(400));
    assert_eq!(manager.record(CLIENT, 0.0, now + 11_000), Duration::ZERO);
}

/// The throttle times of Kafka's own classes for the same amounts at the same times.
#[test]
fn throttle_times_are_those_of_kafka() {
    let kafka = [
        0, 0, 0, 1206, 1206, 2506, 6106, 8306, 10906, 11106, 12106, 14906, 16006, 17806, 18206, 21806, 24506,
        23324, 21773, 14493, 17693, 15567, 14482, 17182, 18428, 17146, 17846, 18946, 15880, 17180, 18441,
        18475, 17204, 17904, 20104, 24704, 25953, 23610, 18945, 20845,
    ];
    let manager = manager(ClientQuotaType::Produce, 1000.0);
    let (mut seed, mut now) = (12_345_i64, 0);
    let here = kafka.map(|_| {
        seed = (seed * 1_103_515_245 + 12_345) % (1 << 31);
        now += seed % 1700;
        manager.record(CLIENT, (seed % 5000) as f64, now).as_millis()
    });
    assert_eq!(here, kafka);
}

#[test]
fn what_is_taken_back_is_not_counted() {
    let manager = manager(ClientQuotaType::Fetch, 100.0);
    assert_eq!(manager.record(CLIENT, 2000.0, 0), Duration::from_secs(10));
    manager.unrecord(CLIENT, 2000.0, 0);
    assert_eq!(manager.record(CLIENT, 1000.0, 0), Duration::ZERO);
    assert_eq!(manager.max_value_in_quota_window(CLIENT), Some(1000.0));
}

#[test]
fn a_request_quota_throttles_for_a_window_at_most() {
    let manager = manager(ClientQuotaType::Request, 1.0);
    assert_eq!(manager.record(CLIENT, 10.5, 0), Duration::from_millis(500));
    assert_eq!(manager.record(CLIENT, 1e6, 0), Duration::from_secs(1));
    manager.update(QuotaEntity::of_clients("c").unwrap(), Some(0.0));
    assert_eq!(manager.record(CLIENT, 1.0, 0), Duration::from_secs(1));
}

/// As in Kafka, whose division by zero and negative times throttle no client.
#[test]
fn absurd_quotas_throttle_nothing() {
    for limit in [0.0, -1.0, f64::NAN] {
        let manager = manager(ClientQuotaType::Produce, limit);
        assert_eq!(manager.record(CLIENT, 1e6, 0), Duration::ZERO, "{limit}");
    }
    let manager = manager(ClientQuotaType::Produce, 1.0);
    assert_eq!(manager.record(CLIENT, 1e12, 0), Duration::from_millis(i32::MAX as u64));
}

#[test]
fn throttle_times_are_shown_by_their_mean() {
    let manager = manager(ClientQuotaType::Produce, 1.0);
    for throttle in [100, 300] {
        manager.record_throttle(CLIENT, Duration::from_millis(throttle), 0);
    }
    let usage = manager.usage(0);
    assert_eq!((usage[0].client_id.as_str(), usage[0].throttle_time), ("c", 200.0));
    assert!(manager.usage(60_000)[0].throttle_time.is_nan());
}

#[test]
fn a_changed_quota_counts_at_once() {
    let manager = manager(ClientQuotaType::Produce, 100.0);
    assert_eq!(manager.record(CLIENT, 2000.0, 0), Duration::from_secs(10));
    manager.update(QuotaEntity::of_clients("<default>").unwrap(), Some(1000.0));
    assert_eq!(manager.record(CLIENT, 0.0, 0), Duration::ZERO);
    manager.update(QuotaEntity::of_clients("<default>").unwrap(), None);
    assert_eq!((manager.record(CLIENT, 1e9, 0), manager.quota(CLIENT)), (Duration::ZERO, None));
}
