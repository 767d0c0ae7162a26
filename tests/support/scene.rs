//! Requests whose answers were recorded from a broker of Kafka's, asked again here.

use std::collections::HashMap;
use std::fmt::Debug;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::time::Duration;

use barnabas::wire::frame;
use barnabas::wire::message::Request;
use regex::{Captures, Regex};

use super::{Broker, Chroot, Connection, root};

const SOON: Duration = Duration::from_secs(30);

/// A broker that is asked, and what it answered.
pub struct Scene {
    /// The broker's port.
    pub port: u16,
    /// The connection to it; a new one after the broker has closed it.
    pub connection: Connection,
    /// The answers so far, a line each.
    pub answers: Vec<String>,
    /// The address that the connections come from.
    host: Ipv4Addr,
    /// What stands for each UUID, in the order in which they came.
    ids: HashMap<String, String>,
}

impl Scene {
    /// The broker at this port, not asked yet.
    pub fn at(port: u16) -> Self {
        Self::from_host(Ipv4Addr::LOCALHOST, port)
    }

    /// As [`Scene::at`], asked from this address of loopback.
    pub fn from_host(host: Ipv4Addr, port: u16) -> Self {
        let connection = Connection::from_host(host, port).with_patience(SOON);
        Self { port, connection, answers: Vec::new(), host, ids: HashMap::new() }
    }

    /// Asks, and writes down what is answered: `note vN: answer`, with what differs from run to run replaced.
    pub fn ask<R: Request>(&mut self, note: &str, version: i16, request: &R) -> Option<R::Response>
    where
        R::Response: Debug,
    {
        self.ask_sorted(note, version, request, |_| {})
    }

    /// As [`Scene::ask`]; `sort` puts in order what Kafka lists in the order of a hash table.
    pub fn ask_sorted<R: Request>(
        &mut self,
        note: &str,
        version: i16,
        request: &R,
        sort: impl FnOnce(&mut R::Response),
    ) -> Option<R::Response>
    where
        R::Response: Debug,
    {
        frame::request(version, 0, None, request).expect("a request that this version can carry");
        let mut response = self.connection.call(request, version);
        match &mut response {
            Some(response) => sort(response),
            None => self.connection = Connection::from_host(self.host, self.port).with_patience(SOON),
        }
        let text = response.as_ref().map_or("no answer".to_owned(), |response| format!("{response:?}"));
        let text = text.replace(&format!("port: {}", self.port), "port: PORT");
        let uuid = Regex::new("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").unwrap();
        let text = uuid.replace_all(&text, |found: &Captures<'_>| {
            let next = format!("UUID{}", self.ids.len() + 1);
            self.ids.entry(found[0].to_owned()).or_insert(next).clone()
        });
        self.answers.push(format!("{} {note} v{version}: {text}", R::KEY.name()));
        response
    }

    /// Asks at each version.
    pub fn ask_each<R: Request>(&mut self, note: &str, request: &R)
    where
        R::Response: Debug,
    {
        self.ask_at(R::VERSIONS, note, request);
    }

    /// Asks at these versions.
    pub fn ask_at<R: Request>(&mut self, versions: RangeInclusive<i16>, note: &str, request: &R)
    where
        R::Response: Debug,
    {
        for version in versions {
            self.ask(note, version, request);
        }
    }
}

/// Compares the answers of a broker with these settings with the recorded ones. With `RECORD_FROM=port` they are
/// recorded anew, from a broker of Kafka's.
pub fn compare_with_recorded(
    recorded: &str,
    least: usize,
    settings: &[(&str, &str)],
    answers: impl Fn(u16) -> Vec<String>,
) {
    let file = root().join(recorded);
    if let Ok(port) = std::env::var("RECORD_FROM") {
        std::fs::write(&file, answers(port.parse().unwrap()).join("\n") + "\n").unwrap();
        return;
    }
    let chroot = Chroot::new();
    let broker = Broker::start_with(1, &chroot.connect(), settings);
    compare_lines(recorded, least, &answers(broker.port));
}

/// Compares lines with the recorded ones, of which there are more than `least`.
pub fn compare_lines(recorded: &str, least: usize, here: &[String]) {
    let recorded = std::fs::read_to_string(root().join(recorded)).unwrap();
    let differ = recorded.lines().zip(here).filter(|(kafka, here)| kafka != here);
    let differ: Vec<_> = differ.map(|(kafka, here)| format!("Kafka {kafka}\nhere  {here}")).collect();
    assert!(differ.is_empty(), "{} answers differ:\n{}", differ.len(), differ.join("\n"));
    assert_eq!(recorded.lines().count(), here.len());
    assert!(here.len() > least, "the recording is there");
}
