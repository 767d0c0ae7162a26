//! Requests for quotas of clients, odd ones and others: answered as by Kafka 2.7.2, whose answers were recorded, and
//! with the same znodes after them. `RECORD_FROM=port` and `RECORD_ZOOKEEPER=connect` record them anew from a broker of
//! Kafka's.

use std::fmt::{Debug, Write as _};

use barnabas::wire::message::Request;
use barnabas::wire::message::alter_client_quotas::{
    AlterClientQuotasEntityData, AlterClientQuotasEntryData, AlterClientQuotasRequest, OpData,
};
use barnabas::wire::message::describe_client_quotas::{ComponentData, DescribeClientQuotasRequest};
use barnabas::zk::{ConnectOptions, ZooKeeper};

use crate::support::{Broker, Chroot, Connection, root};

const RECORDED: &str = "tests/cluster/data/odd_quota_requests.txt";

/// A part of an entity: its type, and its name; None is the default.
type Part<'a> = (&'a str, Option<&'a str>);

fn entry(parts: &[Part<'_>], changes: &[(&str, Option<f64>)]) -> AlterClientQuotasEntryData {
    let part = |(entity_type, name): &Part<'_>| AlterClientQuotasEntityData {
        entity_type: (*entity_type).to_owned(),
        entity_name: name.map(str::to_owned),
    };
    let change = |(key, value): &(&str, Option<f64>)| OpData {
        key: (*key).to_owned(),
        value: value.unwrap_or_default(),
        remove: value.is_none(),
    };
    AlterClientQuotasEntryData {
        entity: parts.iter().map(part).collect(),
        ops: changes.iter().map(change).collect(),
    }
}

fn filter(components: &[(&str, i8, Option<&str>)], strict: bool) -> DescribeClientQuotasRequest {
    let component = |(entity_type, match_type, name): &(&str, i8, Option<&str>)| ComponentData {
        entity_type: (*entity_type).to_owned(),
        match_type: *match_type,
        r#match: name.map(str::to_owned),
    };
    DescribeClientQuotasRequest { components: components.iter().map(component).collect(), strict }
}

/// A broker that is asked, and what it answered.
struct QuotaScene {
    port: u16,
    answers: String,
}

impl QuotaScene {
    fn ask<R: Request>(&mut self, note: &str, request: &R)
    where
        R::Response: Debug,
    {
        let response = Connection::to(self.port).unwrap().call(request, 0);
        let text = response.map_or("no answer".to_owned(), |response| format!("{response:?}"));
        writeln!(self.answers, "{} {note}: {text}", R::KEY.name()).unwrap();
    }

    fn alter(&mut self, note: &str, entries: Vec<AlterClientQuotasEntryData>) {
        self.ask(note, &AlterClientQuotasRequest { entries, validate_only: false });
    }

    fn describe(&mut self, note: &str, components: &[(&str, i8, Option<&str>)]) {
        for strict in [false, true] {
            let note = if strict { format!("{note}, strict") } else { note.to_owned() };
            self.ask(&note, &filter(components, strict));
        }
    }
}

fn answers(port: u16) -> String {
    const RATE: &str = "producer_byte_rate";
    let mut scene = QuotaScene { port, answers: String::new() };
    let (user, client): (Part<'_>, Part<'_>) = (("user", Some("al ice")), ("client-id", Some("c/*1")));
    scene.describe("of nothing", &[]);
    scene.alter("none", vec![]);
    scene.alter("no part", vec![entry(&[], &[(RATE, Some(1.0))])]);
    scene.alter("a part without a type", vec![entry(&[("", Some("x"))], &[(RATE, Some(1.0))])]);
    scene.alter(
        "an address",
        vec![entry(&[("ip", Some("127.0.0.1"))], &[("connection_creation_rate", Some(1.0))])],
    );
    scene.alter("a user and an address", vec![entry(&[user, ("ip", None)], &[(RATE, Some(1.0))])]);
    scene.alter("an empty user", vec![entry(&[("user", Some(""))], &[(RATE, Some(1.0))])]);
    scene.alter("an empty client id", vec![entry(&[("client-id", Some(""))], &[(RATE, Some(1.0))])]);
    scene.alter(
        "a user named twice",
        vec![entry(&[("user", Some("x")), ("user", Some("bob"))], &[(RATE, Some(9.0))])],
    );
    scene.alter("an unknown key", vec![entry(&[user], &[("consumer_bite_rate", Some(1.0))])]);
    scene.alter("an empty key", vec![entry(&[user], &[("", Some(1.0))])]);
    scene.alter("an unknown key removed", vec![entry(&[client], &[("nothing", None)])]);
    scene.alter("a credential of a user", vec![entry(&[user], &[("SCRAM-SHA-256", Some(1.0))])]);
    scene.alter("a credential of a client id", vec![entry(&[client], &[("SCRAM-SHA-256", Some(1.0))])]);
    scene.alter("half a byte", vec![entry(&[user], &[(RATE, Some(0.5))])]);
    scene.alter("nearly a byte", vec![entry(&[user], &[(RATE, Some(0.999_999_9))])]);
    scene.alter(
        "a bad change behind a good one",
        vec![entry(&[user], &[(RATE, Some(7.0)), ("x", Some(1.0))])],
    );
    scene.alter("no bytes", vec![entry(&[client], &[(RATE, Some(0.0))])]);
    scene.alter("negative bytes", vec![entry(&[client], &[(RATE, Some(-5.0))])]);
    scene.alter("endless bytes", vec![entry(&[client], &[(RATE, Some(f64::INFINITY))])]);
    scene.alter("bytes that are no number", vec![entry(&[client], &[(RATE, Some(f64::NAN))])]);
    scene.alter("many bytes", vec![entry(&[client], &[("consumer_byte_rate", Some(1e18))])]);
    scene.alter("a small percentage", vec![entry(&[client], &[("request_percentage", Some(0.000_12))])]);
    scene.alter("a large percentage", vec![entry(&[client], &[("request_percentage", Some(1e10))])]);
    scene.alter(
        "a percentage that is no number",
        vec![entry(&[user], &[("request_percentage", Some(f64::NAN))])],
    );
    scene.alter("the percentage removed", vec![entry(&[user], &[("request_percentage", None)])]);
    scene.alter(
        "all keys",
        vec![entry(
            &[user, client],
            &[
                (RATE, Some(1024.0)),
                ("consumer_byte_rate", Some(2048.0)),
                ("request_percentage", Some(200.0)),
                ("controller_mutation_rate", Some(12.5)),
            ],
        )],
    );
    scene.alter(
        "the default of each",
        vec![
            entry(&[("user", None)], &[(RATE, Some(1e9))]),
            entry(&[("client-id", None)], &[(RATE, Some(2e9))]),
            entry(&[("client-id", None), ("user", None)], &[(RATE, Some(3e9))]),
        ],
    );
    scene.alter(
        "one entity twice",
        vec![
            entry(&[user], &[("consumer_byte_rate", Some(1.5))]),
            entry(&[user], &[("consumer_byte_rate", Some(5e9))]),
        ],
    );
    scene.alter(
        "one set and removed",
        vec![entry(&[user], &[("controller_mutation_rate", Some(1.0)), ("controller_mutation_rate", None)])],
    );
    let checked = vec![
        entry(&[("user", Some("checked"))], &[(RATE, Some(1.0))]),
        entry(&[("user", Some("checked"))], &[(RATE, Some(0.1))]),
    ];
    scene.ask("only checked", &AlterClientQuotasRequest { entries: checked, validate_only: true });
    let checked = vec![entry(&[("user", Some("checked"))], &[(RATE, Some(1.0))])];
    scene.ask("only checked, and right", &AlterClientQuotasRequest { entries: checked, validate_only: true });

    scene.describe("an exact user", &[("user", 0, Some("al ice"))]);
    scene.describe("an exact client id", &[("client-id", 0, Some("c/*1"))]);
    scene.describe("both", &[("user", 0, Some("al ice")), ("client-id", 0, Some("c/*1"))]);
    scene.describe("the default user", &[("user", 1, None)]);
    scene.describe("the default client id", &[("client-id", 1, Some("ignored"))]);
    scene.describe("both defaults", &[("client-id", 1, None), ("user", 1, None)]);
    scene.describe("any client id of the default user", &[("user", 1, None), ("client-id", 2, None)]);
    scene.describe("any client id of any user", &[("user", 2, None), ("client-id", 2, None)]);
    scene.ask("any client id alone", &filter(&[("client-id", 2, None)], true));
    scene.describe("an unknown user", &[("user", 0, Some("nobody"))]);
    scene.describe("an exact user without a name", &[("user", 0, None)]);
    scene.describe("a user twice", &[("user", 2, None), ("user", 1, None)]);
    scene.describe("a client id twice", &[("client-id", 2, None), ("client-id", 1, None)]);
    scene.describe("a type without a name", &[("", 2, None)]);
    scene.describe("an address", &[("ip", 2, None)]);
    scene.describe("another match", &[("user", 3, None)]);
    scene.describe("another match of an address", &[("ip", 0, Some("::1")), ("user", -1, None)]);
    scene.answers
}

/// The configs of clients and users, and the notices of their changes.
fn znodes(connect: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let zk = ZooKeeper::connect(connect, ConnectOptions::default()).await.unwrap();
        let mut found = String::new();
        let mut open =
            vec!["/config/clients".to_owned(), "/config/users".to_owned(), "/config/changes".to_owned()];
        while let Some(path) = open.pop() {
            let data = zk.get(&path).await.unwrap().map(|(data, _)| data).unwrap_or_default();
            writeln!(found, "{path} {}", String::from_utf8_lossy(&data)).unwrap();
            let mut children = zk.children(&path).await.unwrap().unwrap_or_default();
            children.sort();
            open.extend(children.into_iter().rev().map(|child| format!("{path}/{child}")));
        }
        zk.close().await;
        found
    })
}

#[test]
fn odd_requests_of_quotas_are_answered_as_kafka_answered_them() {
    let file = root().join(RECORDED);
    if let Ok(port) = std::env::var("RECORD_FROM") {
        let answers = answers(port.parse().unwrap());
        let znodes = znodes(&std::env::var("RECORD_ZOOKEEPER").unwrap());
        std::fs::write(&file, format!("{answers}{znodes}")).unwrap();
        return;
    }
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    let here = format!("{}{}", answers(broker.port), znodes(&chroot.connect()));
    let recorded = std::fs::read_to_string(&file).unwrap();
    let differ = recorded.lines().zip(here.lines()).filter(|(kafka, here)| kafka != here);
    let differ: Vec<_> = differ.map(|(kafka, here)| format!("Kafka {kafka}\nhere  {here}")).collect();
    assert!(differ.is_empty(), "{} answers differ:\n{}", differ.len(), differ.join("\n"));
    assert_eq!(recorded.lines().count(), here.lines().count());
    assert!(recorded.lines().count() > 60, "the recording is there");
}
