use super::*;

#[test]
fn connections_and_files_share_what_is_not_reserved() {
    let shares = |limit| {
        let budget = DescriptorBudget::of(limit);
        (budget.connections(), budget.files(), limit - budget.connections() - budget.files())
    };
    assert_eq!(shares(20_000), (9_488, 9_488, 1_024));
    assert_eq!(shares(1_024), (461, 461, 102));
    assert_eq!(shares(100), (34, 34, 32));
}

#[test]
fn a_limit_below_the_reserve_leaves_nothing_and_does_not_overflow() {
    let budget = DescriptorBudget::of(8);
    assert_eq!((budget.connections(), budget.files()), (0, 0));
}

#[test]
fn a_raised_limit_is_the_hard_one() {
    let (budget, before) = DescriptorBudget::raise().unwrap();
    assert_eq!(budget, DescriptorBudget::current());
    assert_eq!(budget.limit(), count(getrlimit(Resource::Nofile).maximum));
    assert!(budget.limit() >= before);
}
