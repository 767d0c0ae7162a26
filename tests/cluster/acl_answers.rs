//! What every API answers to a caller that may do everything, to one that may do nothing, and to one that may do one
//! thing, and what the authorizer logs of it: as Kafka 2.7.2 did, whose answers and lines were recorded.
//!
//! All callers are `User:ANONYMOUS`; the ACLs part them by the address that they come from. `RECORD_FROM=port` and
//! `RECORD_LOG=file` record anew, from a broker of Kafka's with the settings below that has nothing in it and logs by
//! [`LOG4J`] to that file.

mod admin;
mod credentials;
mod grants;
mod groups;
mod records;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs;
use std::net::Ipv4Addr;
use std::time::Duration;

use barnabas::wire::frame;
use barnabas::wire::message::Request;
use barnabas::wire::message::create_acls::{AclCreation, CreateAclsRequest};
use barnabas::wire::message::create_topics::{CreatableTopic, CreateTopicsRequest};
use barnabas::wire::message::delete_acls::{DeleteAclsFilter, DeleteAclsRequest};
use barnabas::wire::message::find_coordinator::FindCoordinatorRequest;
use regex::Regex;

use crate::support::scene::{Scene, compare_lines};
use crate::support::{Broker, Chroot, Connection, eventually, root};

const SOON: Duration = Duration::from_secs(30);
const SETTINGS: &[(&str, &str)] = &[
    ("authorizer.class.name", "kafka.security.authorizer.AclAuthorizer"),
    ("allow.everyone.if.no.acl.found", "true"),
    ("offsets.topic.num.partitions", "1"),
    ("offsets.topic.replication.factor", "1"),
    ("transaction.state.log.num.partitions", "1"),
    ("transaction.state.log.replication.factor", "1"),
    ("transaction.state.log.min.isr", "1"),
    ("group.initial.rebalance.delay.ms", "0"),
];
const LOG4J: &str = "log4j.rootLogger=WARN, stdout
log4j.logger.kafka.server=INFO
log4j.logger.kafka.authorizer.logger=TRACE
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=[%d] %p %m (%c)%n
";
const ANSWERS: &str = "tests/cluster/data/acl_answers.txt";
const LINES: &str = "tests/cluster/data/acl_lines.txt";

const ADMIN_HEAD: &str = "## an administrator";

/// May do everything.
const ADMIN: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
/// May do what it was granted.
const GUEST: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A caller, and the versions at which it asks.
struct Caller {
    scene: Scene,
    versions: Versions,
}

#[derive(Clone, Copy)]
enum Versions {
    /// Every version that can carry the request.
    Each,
    /// The latest.
    Latest,
}

impl Caller {
    fn new(host: Ipv4Addr, port: u16, versions: Versions) -> Self {
        Self { scene: Scene::from_host(host, port), versions }
    }

    fn ask<R: Request>(&mut self, note: &str, request: &R)
    where
        R::Response: Debug,
    {
        self.ask_sorted(note, request, |_| {});
    }

    /// As [`Scene::ask_sorted`].
    fn ask_sorted<R: Request>(&mut self, note: &str, request: &R, sort: impl Fn(&mut R::Response))
    where
        R::Response: Debug,
    {
        let latest = *R::VERSIONS.end();
        let carries = |version: &i16| frame::request(*version, 0, None, request).is_ok();
        let versions = match self.versions {
            Versions::Each => R::VERSIONS,
            Versions::Latest => latest..=latest,
        };
        for version in versions.filter(carries) {
            self.scene.ask_sorted(note, version, request, &sort);
        }
    }

    /// Writes what the next answers are about.
    fn head(&mut self, text: &str) {
        self.scene.answers.push(format!("## {text}"));
    }
}

/// Allows a host an operation.
fn acl(host: Ipv4Addr, resource_type: i8, name: &str, operation: i8) -> AclCreation {
    AclCreation {
        resource_type,
        resource_name: name.to_owned(),
        resource_pattern_type: 3,
        principal: "User:ANONYMOUS".to_owned(),
        host: host.to_string(),
        operation,
        permission_type: 3,
    }
}

fn create_acls(operator: &mut Connection, creations: Vec<AclCreation>) {
    let answer = operator.call(&CreateAclsRequest { creations }, 1).unwrap();
    assert!(answer.results.iter().all(|it| it.error_code == 0), "{answer:?}");
}

/// Deletes all ACLs of a guest.
fn delete_acls(operator: &mut Connection) {
    let filter = DeleteAclsFilter {
        resource_type_filter: 1,
        pattern_type_filter: 1,
        host_filter: Some(GUEST.to_string()),
        operation: 1,
        permission_type: 1,
        resource_name_filter: None,
        principal_filter: None,
    };
    let answer = operator.call(&DeleteAclsRequest { filters: vec![filter] }, 1).unwrap();
    assert!(answer.filter_results[0].error_code == 0, "{answer:?}");
}

/// Creates the topics `mine` and `yours` and those of the coordinators, and leaves a guest without permissions.
fn prepare(operator: &mut Connection) {
    let topics = ["mine", "yours"].map(|name| CreatableTopic {
        name: name.to_owned(),
        num_partitions: 1,
        replication_factor: 1,
        ..Default::default()
    });
    let request = CreateTopicsRequest { topics: topics.to_vec(), timeout_ms: 30_000, validate_only: false };
    eventually("the topics are created", SOON, || {
        let answer = operator.call(&request, 4)?;
        answer.topics.iter().all(|it| matches!(it.error_code, 0 | 36)).then_some(())
    });
    for topic in ["mine", "yours"] {
        eventually("the topic has a leader", SOON, || operator.has_leader(topic).filter(|led| *led));
    }
    for key_type in [0, 1] {
        let request = FindCoordinatorRequest { key: "g".to_owned(), key_type };
        eventually("there is a coordinator", SOON, || {
            (operator.call(&request, 2)?.error_code == 0).then_some(())
        });
    }
    let all = |host| {
        let of_kind = [(2, "*"), (3, "*"), (4, "kafka-cluster"), (5, "*"), (6, "*")];
        of_kind.map(|(resource_type, name)| acl(host, resource_type, name, 2))
    };
    create_acls(operator, [all(Ipv4Addr::LOCALHOST), all(ADMIN)].concat());
}

/// Asks for everything once.
fn ask_all(caller: &mut Caller) {
    caller.asks_for_topics();
    caller.produces_and_fetches();
    caller.orders_as_a_broker();
    caller.joins_groups();
    caller.commits_and_fetches_offsets();
    caller.takes_part_in_transactions();
    caller.describes_configs_and_quotas();
    caller.changes_configs_and_quotas();
    caller.administers_the_cluster();
    caller.administers_acls();
    caller.describes_and_changes_credentials();
    caller.deletes();
}

/// The answers of the broker at this port.
fn answers(port: u16) -> Vec<String> {
    let mut operator = Connection::to(port).unwrap().with_patience(SOON);
    prepare(&mut operator);
    let mut guest = Caller::new(GUEST, port, Versions::Each);
    guest.head("a guest that may do nothing");
    ask_all(&mut guest);
    guest.versions = Versions::Latest;
    grants::ask_with_each(&mut operator, &mut guest);
    let mut admin = Caller::new(ADMIN, port, Versions::Latest);
    admin.scene.answers.push(ADMIN_HEAD.to_owned());
    ask_all(&mut admin);
    // A refusal names the connection that the request came by.
    let connection = Regex::new(r"processor=\d+, connectionId=[^,]+,").unwrap();
    let answers = [guest.scene.answers, admin.scene.answers].concat();
    answers.iter().map(|line| connection.replace_all(line, "CONNECTION,").into_owned()).collect()
}

/// What was logged of the decisions on the guest and the administrator, and behind it the reasons of those on the
/// guest, each once.
fn lines_of_callers(log: &[String]) -> Vec<String> {
    let lines = log.iter().filter_map(|line| {
        let (_, line) = line.split_once("] ")?;
        line.strip_suffix(" (kafka.authorizer.logger)")
    });
    let (decisions, reasons): (Vec<_>, Vec<_>) = lines.partition(|line| line.contains(" for request = "));
    let hosts = [GUEST, ADMIN].map(|host| format!(" from host = {host} on resource = "));
    let decisions = decisions.into_iter().filter(|line| hosts.iter().any(|host| line.contains(host)));
    let of_guest = format!(" from host = {GUEST} is ");
    // Of the operations that an ACL of all means, Kafka names any.
    let named = |line: &&str| line.contains(&of_guest) && !line.contains(" for operations: ALL ");
    let reasons: BTreeSet<_> = reasons.into_iter().filter(named).collect();
    in_order_of_requests(decisions).into_iter().chain(reasons).map(str::to_owned).collect()
}

/// The decisions in the order of their requests; those of successive requests of an API are sorted, as Kafka asks in
/// the order of a hash table.
fn in_order_of_requests<'a>(decisions: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut by_request: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in decisions {
        let request = line.split_once(" for request = ").and_then(|(_, it)| it.split(' ').next()).unwrap();
        match by_request.last_mut() {
            Some((last, lines)) if *last == request => lines.push(line),
            _ => by_request.push((request, vec![line])),
        }
    }
    by_request.iter_mut().for_each(|(_, lines)| lines.sort_unstable());
    by_request.into_iter().flat_map(|(_, lines)| lines).collect()
}

/// APIs that are not asked here: no authorizer is asked for them (`sasl.rs` has their answers).
const NOT_RECORDED: [&str; 2] = ["SaslAuthenticate", "SaslHandshake"];

#[test]
fn every_api_answers_and_logs_what_is_allowed_and_denied_as_kafka_does() {
    if let Ok(port) = std::env::var("RECORD_FROM") {
        let log = std::env::var("RECORD_LOG").expect("RECORD_LOG names the log of the broker");
        let answers = answers(port.parse().unwrap());
        fs::write(root().join(ANSWERS), answers.join("\n") + "\n").unwrap();
        let log: Vec<_> = fs::read_to_string(log).unwrap().lines().map(str::to_owned).collect();
        fs::write(root().join(LINES), lines_of_callers(&log).join("\n") + "\n").unwrap();
        return;
    }
    let chroot = Chroot::new();
    let mut broker = Broker::prepare(1, &chroot.connect(), SETTINGS);
    let log4j = broker.directory().join("log4j.properties");
    fs::write(&log4j, LOG4J).unwrap();
    broker.set_environment("KAFKA_LOG4J_OPTS", &format!("-Dlog4j.configuration=file:{}", log4j.display()));
    broker.restart();
    let answers = answers(broker.port);
    let lines = lines_of_callers(&broker.process().lines());
    compare_lines(ANSWERS, 600, &answers);
    compare_lines(LINES, 1400, &lines);
    let admin = answers.split(|line| line == ADMIN_HEAD).nth(1).unwrap();
    let asked = admin.iter().filter_map(|line| line.split(' ').next()).chain(NOT_RECORDED);
    let asked: BTreeSet<_> = asked.collect();
    let built: BTreeSet<_> = barnabas::api::table::ROWS.iter().map(|row| row.key.name()).collect();
    assert_eq!(asked, built, "every API is asked");
}
