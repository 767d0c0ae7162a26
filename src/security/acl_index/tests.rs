use super::*;

fn pattern(name: &str) -> ResourcePattern {
    let (name, pattern_type) = match name.strip_suffix("..") {
        Some(prefix) => (prefix, PatternType::Prefixed),
        None => (name, PatternType::Literal),
    };
    ResourcePattern { resource_type: AclResourceType::Topic, name: name.to_owned(), pattern_type }
}

/// An entry as `allow User:a Read *`.
fn entry(text: &str) -> AccessControlEntry {
    let words: Vec<_> = text.split(' ').collect();
    AccessControlEntry {
        principal: words[1].to_owned(),
        host: words[3].to_owned(),
        operation: AclOperation::from_name(words[2]),
        permission_type: AclPermissionType::from_name(words[0]),
    }
}

/// An index of these entries, each behind its topic or its prefix of topics, as `logs.. allow User:a Read *`.
fn index(lines: &[&str]) -> AclIndex {
    let mut index = AclIndex::default();
    for line in lines {
        let (name, rest) = line.split_once(' ').unwrap();
        let mut entries = index.get(&pattern(name)).map_or(Vec::new(), |it| it.entries().to_vec());
        entries.push(entry(rest));
        index.set(&pattern(name), PatternAcls::new(entries, 0).unwrap());
    }
    index
}

/// The verdict on a question as `topic User:a Read 127.0.0.1`.
fn verdict<'a>(index: &'a AclIndex, question: &str) -> AclVerdict<'a> {
    let words: Vec<_> = question.split(' ').collect();
    let principal = words[1].parse().unwrap();
    index.judge(&AclQuestion {
        principal: &principal,
        host: words[3],
        operation: AclOperation::from_name(words[2]),
        resource: AclResource::topic(words[0]),
    })
}

fn is_allowed(index: &AclIndex, question: &str) -> bool {
    matches!(verdict(index, question), AclVerdict::AllowedBy(_))
}

#[test]
fn without_acls_of_the_resource_there_is_no_verdict() {
    let index = index(&["orders allow User:a Read *"]);
    assert_eq!(verdict(&index, "other User:a Read 1.2.3.4"), AclVerdict::NoAcls);
    assert_eq!(verdict(&index, "orders User:b Read 1.2.3.4"), AclVerdict::NoneMatches);
    assert_eq!(verdict(&AclIndex::default(), "orders User:a Read 1.2.3.4"), AclVerdict::NoAcls);
    let question = AclQuestion {
        principal: &"User:a".parse().unwrap(),
        host: "1.2.3.4",
        operation: AclOperation::Read,
        resource: AclResource::group("orders"),
    };
    assert_eq!(index.judge(&question), AclVerdict::NoAcls, "a group is no topic");
}

#[test]
fn an_entry_is_for_a_principal_a_host_and_an_operation() {
    let index = index(&["t allow User:a Read 1.2.3.4", "t allow User:* Write *", "t allow Group:g All *"]);
    assert!(is_allowed(&index, "t User:a Read 1.2.3.4"));
    assert!(!is_allowed(&index, "t User:a Read 1.2.3.5"));
    assert!(!is_allowed(&index, "t User:b Read 1.2.3.4"));
    assert!(is_allowed(&index, "t User:b Write 9.9.9.9"), "the wildcard is for all users");
    assert!(is_allowed(&index, "t Group:h Write 9.9.9.9"), "and for principals of other types");
    assert!(is_allowed(&index, "t Group:g AlterConfigs 9.9.9.9"), "All is every operation");
}

#[test]
fn some_operations_imply_others_where_they_are_allowed() {
    for operation in ["Describe", "Read", "Write", "Delete", "Alter", "All"] {
        let index = index(&[&format!("t allow User:a {operation} *")]);
        assert!(is_allowed(&index, "t User:a Describe 1.2.3.4"), "{operation}");
    }
    for operation in ["Create", "DescribeConfigs", "AlterConfigs"] {
        let index = index(&[&format!("t allow User:a {operation} *")]);
        assert!(!is_allowed(&index, "t User:a Describe 1.2.3.4"), "{operation}");
    }
    assert!(is_allowed(&index(&["t allow User:a AlterConfigs *"]), "t User:a DescribeConfigs 1.2.3.4"));
    let denied = index(&["t deny User:a Read *", "t allow User:a Describe *"]);
    assert!(is_allowed(&denied, "t User:a Describe 1.2.3.4"), "what is denied implies nothing");
}

#[test]
fn a_denial_goes_before_all_that_is_allowed() {
    let index = index(&["* deny User:bad All *", "t allow User:* All *", "lo.. allow User:bad All *"]);
    assert!(is_allowed(&index, "t User:good Read 1.2.3.4"));
    let denial = entry("deny User:bad All *");
    assert_eq!(verdict(&index, "t User:bad Read 1.2.3.4"), AclVerdict::DeniedBy(&denial));
    assert_eq!(verdict(&index, "logs User:bad Read 1.2.3.4"), AclVerdict::DeniedBy(&denial));
}

#[test]
fn the_patterns_of_a_name_are_itself_its_prefixes_and_the_wildcard() {
    let all = ["a..", "ab..", "abc..", "abd..", "abcd..", "b..", "abc", "ab", "*", "..", "abb.."];
    let lines: Vec<_> = all.iter().map(|name| format!("{name} allow User:of-{name} Read *")).collect();
    let index = index(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let matching = |topic: &str| {
        all.into_iter()
            .filter(|name| is_allowed(&index, &format!("{topic} User:of-{name} Read h")))
            .collect::<Vec<_>>()
    };
    assert_eq!(matching("abc"), ["a..", "ab..", "abc..", "abc", "*", ".."]);
    assert_eq!(matching("abcdef"), ["a..", "ab..", "abc..", "abcd..", "*", ".."]);
    assert_eq!(matching("abbb"), ["a..", "ab..", "*", "..", "abb.."]);
    assert_eq!(matching("c"), ["*", ".."]);
    assert_eq!(matching("aé"), ["a..", "*", ".."]);
}

#[test]
fn the_prefixes_of_any_name_are_those_that_it_begins_with() {
    let mut random = fastrand::Rng::with_seed(7);
    let mut name = |most| {
        let letters = random.usize(1..=most);
        (0..letters).map(|_| ['a', 'b', 'é', '.'][random.usize(..4)]).collect::<String>()
    };
    let prefixes: Vec<_> = (0..200).map(|_| name(6)).collect();
    let mut kind = AclsOfKind::default();
    for prefix in &prefixes {
        let entries = vec![entry(&format!("allow User:{prefix} Read *"))];
        kind.prefixed.insert(prefix.clone(), PatternAcls::new(entries, 0).unwrap());
    }
    for topic in (0..500).map(|_| name(9)) {
        let mut found: Vec<_> =
            kind.prefixes_of(&topic).iter().map(|it| it.entries()[0].principal[5..].to_owned()).collect();
        found.sort();
        let expected: Vec<_> = kind.prefixed.keys().filter(|it| topic.starts_with(&***it)).cloned().collect();
        assert_eq!(found, expected, "of {topic}");
    }
}

#[test]
fn a_pattern_without_entries_is_none() {
    let mut index = index(&["t allow User:a Read *", "t.. allow User:a Read *"]);
    let patterns = |index: &AclIndex| index.patterns().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(patterns(&index).len(), 2);
    index.set(&pattern("t"), PatternAcls::default());
    assert_eq!(patterns(&index), ["ResourcePattern(resourceType=TOPIC, name=t, patternType=PREFIXED)"]);
    assert_eq!(verdict(&index, "other User:a Read h"), AclVerdict::NoAcls);
}

#[test]
fn filters_find_acls_by_kind_and_by_name_in_reverse() {
    let index = index(&[
        "a allow User:a Read *",
        "b allow User:b Read *",
        "a.. deny User:a Write *",
        "* allow User:a Read *",
    ]);
    let found = |filter: AclBindingFilter| {
        let found = index.find(&filter);
        found.iter().map(|it| format!("{} {}", it.pattern.name, it.entry.principal)).collect::<Vec<_>>()
    };
    assert_eq!(found(AclBindingFilter::any()), ["b User:b", "a User:a", "* User:a", "a User:a"]);
    assert_eq!(found(AclBindingFilter::any().principal("User:b")), ["b User:b"]);
    let of_topics = AclBindingFilter::any().resource_type(AclResourceType::Topic);
    assert_eq!(found(of_topics.clone().resource_name("a", PatternType::Any)), ["a User:a", "a User:a"]);
    assert_eq!(found(of_topics.clone().resource_name("ax", PatternType::Match)), ["* User:a", "a User:a"]);
    assert_eq!(found(of_topics.permission_type(AclPermissionType::Deny)), ["a User:a"]);
}

#[test]
fn an_entry_has_a_principal() {
    assert!(PatternAcls::new(vec![entry("allow Bob Read *")], 0).is_err());
}

/// How many patterns and entries a decision looks at, at most.
fn looked_at(index: &AclIndex, topic: &str, user: &str) -> (usize, usize) {
    let matching = index.by_kind[&AclResourceType::Topic].matching(topic);
    let user = KafkaPrincipal::user(user);
    let of = |acls: &&PatternAcls| acls.by_principal.get(&user).map_or(0, Vec::len) + acls.of_all_users.len();
    (matching.len(), matching.iter().map(of).sum())
}

#[test]
fn a_decision_among_a_hundred_thousand_acls_looks_at_as_few_as_among_ten() {
    let own = ["orders-7", "orders-..", "*"];
    let with_others = |others: usize| {
        let mut index = AclIndex::default();
        for name in own {
            let of_others = (0..others / 10).map(|at| entry(&format!("allow User:other-{at} Read *")));
            let entries: Vec<_> = of_others.chain([entry("allow User:a Read *")]).collect();
            index.set(&pattern(name), PatternAcls::new(entries, 0).unwrap());
        }
        for at in 0..others {
            let name = if at % 2 == 0 { format!("orders-7-{at}") } else { format!("p-{at}..") };
            let entries = vec![entry("allow User:a Read *")];
            index.set(&pattern(&name), PatternAcls::new(entries, 0).unwrap());
        }
        index
    };
    let (few, many) = (with_others(10), with_others(80_000));
    assert_eq!(many.find(&AclBindingFilter::any()).len(), 80_000 + 3 * 8001);
    for index in [&few, &many] {
        assert_eq!(looked_at(index, "orders-7", "a"), (3, 3));
        assert!(is_allowed(index, "orders-7 User:a Read 1.2.3.4"));
        assert!(!is_allowed(index, "orders-7 User:b Read 1.2.3.4"));
    }
}
