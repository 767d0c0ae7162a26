use super::*;

fn entity(path: &str) -> QuotaEntity {
    let (kind, name) = path.split_once('/').unwrap();
    let read = if kind == "clients" { QuotaEntity::of_clients(name) } else { QuotaEntity::of_users(name) };
    read.unwrap()
}

/// The levels, the one that counts first.
const LEVELS: [&str; 8] = [
    "users/u/clients/c",
    "users/u/clients/<default>",
    "users/u",
    "users/<default>/clients/c",
    "users/<default>/clients/<default>",
    "users/<default>",
    "clients/c",
    "clients/<default>",
];

/// Quotas at these levels; the limit of each is its position among all levels.
fn quotas(levels: impl IntoIterator<Item = usize>) -> DefaultQuotaCallback {
    let mut quotas = DefaultQuotaCallback::new(Some(99.0));
    for level in levels {
        quotas.update(entity(LEVELS[level]), Some(level as f64));
    }
    quotas
}

const CLIENT: QuotaClient<'static> = QuotaClient { user: "u", client_id: "c" };

fn limit_and_tags(
    quotas: &DefaultQuotaCallback,
    client: QuotaClient<'static>,
) -> Option<(f64, [&'static str; 2])> {
    quotas.quota(client).map(|quota| (quota.limit, [quota.tags.user, quota.tags.client_id]))
}

#[test]
fn of_any_two_levels_the_first_counts() {
    let tags = [["u", "c"], ["u", "c"], ["u", ""], ["u", "c"], ["u", "c"], ["u", ""], ["", "c"], ["", "c"]];
    for (first, tags) in tags.into_iter().enumerate() {
        for second in first..8 {
            let wanted = Some((first as f64, tags));
            assert_eq!(limit_and_tags(&quotas([second, first]), CLIENT), wanted, "{first} before {second}");
        }
    }
}

#[test]
fn a_quota_that_is_removed_leaves_the_next_level() {
    let mut quotas = quotas(0..8);
    for (level, path) in LEVELS.into_iter().enumerate() {
        assert_eq!(quotas.quota(CLIENT).unwrap().limit, level as f64);
        quotas.update(entity(path), None);
    }
    assert_eq!(limit_and_tags(&quotas, CLIENT), Some((99.0, ["", "c"])), "the static default");
    assert!(quotas.users.is_empty() && quotas.is_enabled());
}

#[test]
fn other_clients_have_other_quotas() {
    let quotas = quotas(0..8);
    let of = |user, client_id| limit_and_tags(&quotas, QuotaClient { user, client_id });
    assert_eq!(of("u", "d"), Some((1.0, ["u", "d"])));
    assert_eq!(of("v", "c"), Some((3.0, ["v", "c"])));
    assert_eq!(of("v", "d"), Some((4.0, ["v", "d"])));
    let quotas = super::tests::quotas([5, 6]);
    assert_eq!(limit_and_tags(&quotas, QuotaClient { user: "v", client_id: "c" }), Some((5.0, ["v", ""])));
}

#[test]
fn while_one_kind_has_quotas_clients_are_counted_by_that_kind() {
    let tags = |path: &str| {
        let mut quotas = DefaultQuotaCallback::default();
        assert!(!quotas.is_enabled());
        quotas.update(entity(path), Some(1.0));
        let tags = quotas.tags(QuotaClient { user: "v", client_id: "d" });
        (tags.user, tags.client_id, quotas.limit(tags))
    };
    assert_eq!(tags("users/u"), ("v", "", None));
    assert_eq!(tags("users/u/clients/c"), ("v", "d", None));
    assert_eq!(tags("clients/c"), ("", "d", None));
    assert_eq!(tags("clients/<default>"), ("", "d", Some(1.0)));
}

/// As in Kafka: the tag of an empty client id is empty, and the quota is then that of the user.
#[test]
fn a_client_without_client_id_has_the_quota_of_its_user() {
    let nameless = QuotaClient { user: "u", client_id: "" };
    assert_eq!(limit_and_tags(&quotas(0..8), nameless), Some((2.0, ["u", ""])));
    assert_eq!(limit_and_tags(&quotas([1, 7]), nameless), None);
    assert_eq!(limit_and_tags(&quotas([7]), nameless), None);
}
