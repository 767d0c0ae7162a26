//! Consumer groups of unmodified clients. Members join, leave, hang and are killed, and their coordinator is killed
//! meanwhile: every record is processed, a partition has one owner in a generation, and no commit goes back.
//!
//! With `BARNABAS_ON_KAFKA=1` the brokers are those of Kafka 2.7.2, which shows that a failure is of the brokers.

pub mod clients;
mod kcat;
mod ledger;
mod local;
mod member;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;

use self::clients::Client;
use self::kcat::Kcats;
use self::ledger::Ledger;
use self::local::LocalMember;
use self::member::Member;
use crate::java::{Kafka, kafka};
use crate::mixed::cluster::{Dead, Mixed};
use crate::support::eventually;
use crate::support::flood::Flood;

const TOPIC: &str = "work";
const PARTITIONS: u32 = 6;
/// The replicas of each of them.
const REPLICAS: &str = "1:2:3,2:3:1,3:1:2,1:3:2,2:1:3,3:2:1";
/// Records a second.
const PACE: u32 = 120;
/// How long members may take to share the partitions anew.
const LIMIT: Duration = Duration::from_secs(60);
/// All groups have one coordinator, which can move to every broker.
const SETTINGS: [(&str, &str); 4] = [
    ("offsets.topic.num.partitions", "1"),
    ("offsets.topic.replication.factor", "3"),
    ("group.initial.rebalance.delay.ms", "500"),
    ("auto.create.topics.enable", "false"),
];

/// Three brokers of Barnabas, or of Kafka where the environment asks for them.
pub fn cluster(kafka: &'static Kafka, settings: &[(&str, &str)]) -> Mixed {
    let java: &[i32] = if std::env::var_os("BARNABAS_ON_KAFKA").is_some() { &[1, 2, 3] } else { &[] };
    Mixed::start_with(kafka, java, settings)
}

/// A cluster, a producer, and members of all groups of some clients.
struct Play {
    kafka: &'static Kafka,
    mixed: Mixed,
    flood: Flood,
    clients: Vec<Client>,
    ledger: Arc<Ledger>,
    groups: Vec<String>,
    /// By name, a process of each client.
    members: BTreeMap<&'static str, Vec<Member>>,
}

impl Play {
    fn start(kafka: &'static Kafka, clients: Vec<Client>) -> Self {
        let mixed = cluster(kafka, &SETTINGS);
        mixed.topics(&["--create", "--topic", TOPIC, "--replica-assignment", REPLICAS]);
        mixed.await_in_sync(&[TOPIC], 3);
        let settings = [("enable.idempotence", "true"), ("acks", "all")];
        let flood = Flood::spread(mixed.bootstrap(), TOPIC, PARTITIONS, &settings, Some(PACE));
        let groups = clients.iter().flat_map(Client::groups).cloned().collect();
        Self { kafka, mixed, flood, clients, ledger: Arc::default(), groups, members: BTreeMap::new() }
    }

    /// A member of this name joins every group.
    fn join(&mut self, name: &'static str) {
        let bootstrap = self.mixed.bootstrap();
        let start =
            |client: &Client| Member::start(name, &mut client.member(&bootstrap, TOPIC, name), &self.ledger);
        let started = self.clients.iter().map(start).collect();
        self.members.insert(name, started);
    }

    fn leave(&mut self, name: &str) {
        self.members.remove(name).into_iter().flatten().for_each(Member::leave);
    }

    fn kill(&mut self, name: &str) {
        self.members.remove(name).into_iter().flatten().for_each(Member::kill);
    }

    fn signal(&self, name: &str, signal: &str) {
        self.members.get(name).into_iter().flatten().for_each(|member| member.signal(signal));
    }

    fn command(&mut self, name: &str, line: &str) {
        self.members.get_mut(name).into_iter().flatten().for_each(|member| member.command(line));
    }

    /// Waits until these members share the partitions of every group, and records go on.
    fn await_shared(&self, names: &[&str]) {
        self.ledger.await_shared(&self.groups, names, PARTITIONS, LIMIT);
        self.flood.await_more(50);
    }

    /// Kills the coordinator.
    fn kill_coordinator(&mut self) -> Dead {
        let leader = || self.mixed.leader("__consumer_offsets");
        let coordinator = eventually("the groups have a coordinator", LIMIT, leader);
        self.mixed.kill(coordinator)
    }

    /// All that was produced was processed, by kcat too; all members leave.
    fn finish(self, kcats: Option<&Kcats>) {
        self.finish_with(kcats, Vec::new());
    }

    /// The same; these members leave, too.
    fn finish_with(mut self, kcats: Option<&Kcats>, local: Vec<LocalMember>) {
        let (_, acknowledged) = self.flood.finish();
        let mut counts = BTreeMap::new();
        for number in &acknowledged {
            *counts.entry(u32::try_from(number % u64::from(PARTITIONS)).unwrap()).or_default() += 1;
        }
        self.ledger.await_all_processed(&self.groups, &counts, LIMIT);
        kcats.iter().for_each(|kcats| kcats.await_all_printed(&counts, LIMIT));
        std::mem::take(&mut self.members).into_values().flatten().for_each(Member::leave);
        local.into_iter().for_each(LocalMember::leave);
        self.ledger.check();
        check_commits(self.kafka, &self.mixed, &self.groups, &counts);
        println!("{} records, {} groups", acknowledged.len(), self.groups.len());
    }
}

/// Kafka's consumer reads the commits of the groups in the order in which the coordinators accepted them:
/// none goes back, and the last one is the end of its partition.
fn check_commits(kafka: &Kafka, mixed: &Mixed, groups: &[String], counts: &BTreeMap<u32, u64>) {
    let formatter = r"kafka.coordinator.group.GroupMetadataManager$OffsetsMessageFormatter";
    let topic = ["--topic", "__consumer_offsets", "--partition", "0", "--offset", "earliest"];
    let bootstrap = mixed.bootstrap();
    let how = ["--bootstrap-server", &bootstrap, "--formatter", formatter, "--timeout-ms", "3000"];
    let read = kafka.run("kafka.tools.ConsoleConsumer", &[&topic[..], &how].concat()).ok();
    let line = Regex::new(r"^\[(.+),work,(\d+)\]::OffsetAndMetadata\(offset=(\d+),").unwrap();
    let mut last: BTreeMap<(String, u32), u64> = BTreeMap::new();
    for commit in read.out.lines().filter_map(|text| line.captures(text)) {
        let (partition, offset) = (commit[2].parse().unwrap(), commit[3].parse().unwrap());
        let before = last.insert((commit[1].to_owned(), partition), offset).unwrap_or_default();
        assert!(before <= offset, "{} went back from {before} to {offset} of {partition}", &commit[1]);
    }
    for group in groups {
        let ends = counts.keys().map(|partition| (*partition, last[&(group.clone(), *partition)]));
        assert_eq!(ends.collect::<BTreeMap<_, _>>(), *counts, "{group}");
    }
}

#[test]
fn members_of_2_7_join_leave_hang_and_die_with_every_assignor() {
    let test = "members_of_2_7_join_leave_hang_and_die_with_every_assignor";
    let (Some(kafka), Some(client)) = (kafka(test), Client::java_2_7(test)) else { return };
    let mut play = Play::start(kafka, vec![client]);
    play.join("one");
    play.join("two");
    play.await_shared(&["one", "two"]);
    let dead = play.kill_coordinator();
    play.join("three");
    play.await_shared(&["one", "two", "three"]);
    play.mixed.revive(dead);
    play.command("one", "hang");
    play.ledger.remove("one");
    play.await_shared(&["two", "three"]);
    play.command("one", "resume");
    play.await_shared(&["one", "two", "three"]);
    play.mixed.await_in_sync(&["__consumer_offsets"], 3);
    play.kill("three");
    let dead = play.kill_coordinator();
    play.join("four");
    play.await_shared(&["one", "two", "four"]);
    play.mixed.revive(dead);
    play.kill("one");
    play.join("one");
    play.leave("two");
    play.await_shared(&["one", "four"]);
    play.finish(None);
}

#[test]
fn members_of_other_clients_join_leave_stand_still_and_die() {
    let test = "members_of_other_clients_join_leave_stand_still_and_die";
    let Some(kafka) = kafka(test) else { return };
    let mut play = Play::start(kafka, Client::others(test));
    let mut kcats = Kcats::new(test, play.mixed.bootstrap(), TOPIC);
    play.join("one");
    kcats.iter_mut().for_each(Kcats::join);
    play.join("two");
    kcats.iter_mut().for_each(Kcats::join);
    play.await_shared(&["one", "two"]);
    kcats.iter().for_each(|kcats| kcats.await_shared(LIMIT));
    let dead = play.kill_coordinator();
    play.join("three");
    play.await_shared(&["one", "two", "three"]);
    play.mixed.revive(dead);
    play.signal("two", "STOP");
    play.ledger.remove("two");
    kcats.iter_mut().for_each(Kcats::kill_one);
    play.await_shared(&["one", "three"]);
    play.signal("two", "CONT");
    play.await_shared(&["one", "two", "three"]);
    play.leave("one");
    play.kill("two");
    play.await_shared(&["three"]);
    play.finish(kcats.as_ref());
}

/// Groups whose members are local consumers and those of other clients.
struct MixedGroups {
    play: Play,
    local: BTreeMap<&'static str, LocalMember>,
    java: Vec<Client>,
    librdkafka: Vec<Client>,
}

impl MixedGroups {
    fn join_locally(&mut self, name: &'static str) {
        let (bootstrap, groups) = (self.play.mixed.bootstrap(), &self.play.groups);
        let member = LocalMember::start(name, &bootstrap, TOPIC, groups, &self.play.ledger);
        self.local.insert(name, member);
    }

    fn join_with_java(&mut self, name: &'static str) {
        std::mem::swap(&mut self.play.clients, &mut self.java);
        self.play.join(name);
        std::mem::swap(&mut self.play.clients, &mut self.java);
    }

    fn join_with_librdkafka(&mut self, name: &'static str) {
        std::mem::swap(&mut self.play.clients, &mut self.librdkafka);
        self.play.join(name);
        std::mem::swap(&mut self.play.clients, &mut self.librdkafka);
    }

    /// Waits until these members share every group; those named last are only in the groups that librdkafka can join.
    fn await_shared(&self, names: &[&str], of_librdkafka: &[&str]) {
        let joinable: Vec<String> = self.librdkafka.iter().flat_map(Client::groups).cloned().collect();
        let is_joinable = |group: &&String| joinable.contains(group);
        let all = [names, of_librdkafka].concat();
        self.play.ledger.await_shared(&joinable, &all, PARTITIONS, LIMIT);
        let others: Vec<_> = self.play.groups.iter().filter(|it| !is_joinable(it)).cloned().collect();
        self.play.ledger.await_shared(&others, names, PARTITIONS, LIMIT);
        self.play.flood.await_more(50);
    }
}

#[test]
fn local_members_share_groups_with_those_of_java_and_librdkafka() {
    let test = "local_members_share_groups_with_those_of_java_and_librdkafka";
    let (Some(kafka), Some(java)) = (kafka(test), Client::java_2_7(test)) else { return };
    let librdkafka = ["range", "roundrobin", "cooperative-sticky"];
    let librdkafka = librdkafka.iter().filter_map(|assignor| Client::librdkafka_with(test, assignor));
    let librdkafka = librdkafka.collect::<Vec<_>>();
    let others: &[&str] = if librdkafka.is_empty() { &[] } else { &["rd"] };
    let mut play = Play::start(kafka, vec![java]);
    let java = std::mem::take(&mut play.clients);
    let mut groups = MixedGroups { play, local: BTreeMap::new(), java, librdkafka };
    groups.join_locally("one");
    groups.join_with_java("java");
    groups.join_with_librdkafka("rd");
    groups.await_shared(&["one", "java"], others);
    groups.play.kill("java");
    groups.join_locally("two");
    groups.await_shared(&["one", "two"], others);
    groups.local.remove("one").into_iter().for_each(LocalMember::kill);
    groups.join_with_java("java");
    groups.await_shared(&["two", "java"], others);
    let dead = groups.play.kill_coordinator();
    groups.join_locally("three");
    groups.play.kill("rd");
    groups.await_shared(&["two", "three", "java"], &[]);
    groups.play.mixed.revive(dead);
    groups.local.remove("two").into_iter().for_each(LocalMember::leave);
    groups.play.leave("java");
    groups.await_shared(&["three"], &[]);
    let MixedGroups { play, local, .. } = groups;
    play.finish_with(None, local.into_values().collect());
}
