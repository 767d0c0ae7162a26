//! `kafka-preferred-replica-election.sh`: has the controller elect the preferred replicas, through a broker or through
//! ZooKeeper (Kafka's `PreferredReplicaLeaderElectionCommand`, deprecated for `kafka-leader-election.sh`).

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use log::LevelFilter;
use serde::Serialize;

use super::arguments::{self, EarlyExit};
use super::leader_election::{ElectionByBroker, ElectionFileWords, ElectionWords, parse_partitions};
use super::named_partition::NamedPartition;
use super::output_format::OutputOption;
use super::throwable::JavaThrowable;
use super::{block_on, json_file, logging, zookeeper_session};
use crate::admin::{AdminError, preferred_election, topics};
use crate::base::TopicPartition;
use crate::base::jvm_order::{self, partition_hash};
use crate::client::admin::ElectionType;
use crate::zk::ZooKeeper;
use crate::zk::znode::partition_state;

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How many partitions a set has at most whose name in Scala is `Set`; a larger one is a `HashSet`.
const SMALL_SET: usize = 4;

/// The options.
#[derive(Debug, Parser)]
pub(crate) struct PreferredElectionOptions {
    /// A properties file for the connection to the brokers; only with --bootstrap-server.
    #[arg(long = "admin.config", value_name = "file")]
    admin_config: Option<String>,
    /// The brokers to talk to, as host:port[,host:port...].
    #[arg(long, value_name = "servers")]
    bootstrap_server: Option<String>,
    #[command(flatten)]
    output: OutputOption,
    /// A file that names the partitions: {"partitions":[{"topic":"foo","partition":1},{"topic":"bar","partition":2}]}.
    /// All partitions where it is left out.
    #[arg(long, value_name = "file")]
    path_to_json_file: Option<String>,
    /// The ensemble to talk to, as host:port,host:port/chroot (deprecated).
    #[arg(long, value_name = "hosts")]
    zookeeper: Option<String>,
}

/// Runs the tool; exit code 1 where a replica could not be elected, or the election not be asked for.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    let about = "This tool helps to causes leadership for each partition to be transferred back to the 'preferred \
                 replica', it can be used to balance leadership among the servers.";
    let parsed = match arguments.is_empty() {
        true => Err(EarlyExit::Usage(about.to_owned())),
        false => arguments::parse::<PreferredElectionOptions>(about, &arguments),
    };
    let output = parsed.as_ref().map_or_else(|_| OutputOption::default(), |options| options.output);
    output.note(format_args!(
        "This tool is deprecated. Please use kafka-leader-election tool. Tracking issue: KAFKA-8405"
    ));
    let options = match parsed.and_then(PreferredElectionOptions::check) {
        Ok(options) => options,
        Err(refusal) => return refusal.print::<PreferredElectionOptions>(),
    };
    match options.elect() {
        Ok(()) => ExitCode::SUCCESS,
        Err(thrown) => thrown.leave_main(),
    }
}

impl PreferredElectionOptions {
    fn check(self) -> Result<Self, EarlyExit> {
        if self.admin_config.is_some() && self.bootstrap_server.is_none() {
            return Err(EarlyExit::Thrown(
                "joptsimple.UnavailableOptionException",
                "Option(s) [admin.config] are unavailable given other options on the command line".to_owned(),
            ));
        }
        if self.bootstrap_server.is_some() == self.zookeeper.is_some() {
            let sentence = "Exactly one of '[bootstrap-server]' or '[zookeeper]' must be provided";
            return Err(EarlyExit::Usage(sentence.to_owned()));
        }
        Ok(self)
    }

    fn elect(&self) -> Result<(), JavaThrowable> {
        const WORDS: ElectionFileWords =
            ElectionFileWords { data: "Preferred replica election data", without_partitions: "empty" };
        let partitions = match &self.path_to_json_file {
            Some(path) => Some(parse_partitions(&json_file::read(path)?, WORDS)?),
            None => None,
        };
        match (&self.zookeeper, &self.bootstrap_server) {
            (Some(connect), _) => self.elect_by_znode(connect, partitions),
            (None, servers) => self.elect_by_broker(servers.as_deref().unwrap_or_default(), partitions),
        }
    }

    fn elect_by_broker(
        &self,
        servers: &str,
        partitions: Option<Vec<TopicPartition>>,
    ) -> Result<(), JavaThrowable> {
        let settings = arguments::settings(self.admin_config.as_deref(), &[]);
        let mut settings = settings.map_err(JavaThrowable::of_early_exit)?;
        settings.set("request.timeout.ms", TIMEOUT.as_millis().to_string());
        settings.set("default.api.timeout.ms", (2 * TIMEOUT).as_millis().to_string());
        let words = ElectionWords {
            election: "preferred leader election",
            elected: "Preferred replica",
            replicas: "preferred replica(s)",
        };
        let election_type = ElectionType::Preferred;
        ElectionByBroker { servers, settings, election_type, words, output: self.output }.hold(partitions)
    }

    fn elect_by_znode(
        &self,
        connect: &str,
        partitions: Option<Vec<TopicPartition>>,
    ) -> Result<(), JavaThrowable> {
        self.output.note(format_args!(
            "Warning: --zookeeper is deprecated and will be removed in a future version of Kafka.\nUse --bootstrap-server \
             instead to specify a broker to connect to."
        ));
        let requested = block_on(async {
            let zk = match zookeeper_session::connect(connect).await {
                Ok(zk) => zk,
                Err(thrown) => return Ok(Err(thrown)),
            };
            let requested = request(&zk, partitions)
                .await
                .map_err(|error| JavaThrowable::command_failed("Admin command failed").caused_by(error));
            zk.close().await;
            Ok(requested)
        });
        let requested = requested
            .map_err(|error| JavaThrowable::new("java.lang.RuntimeException", error.to_string()))??;
        self.output.note(format_args!("{}", requested.text()));
        let printed = self.output.print(&requested.report(), |_| {});
        printed.map_err(|error| JavaThrowable::new("java.io.IOException", error.to_string()))
    }
}

/// The partitions whose election was asked for by znode.
#[derive(Debug)]
struct RequestedElection {
    requested: Vec<TopicPartition>,
    /// Partitions that do not exist.
    skipped: Vec<TopicPartition>,
    /// How many partitions Kafka's set had at first.
    set_size: usize,
}

/// The same as JSON.
#[derive(Debug, Serialize)]
struct RequestedElectionReport {
    requested: Vec<NamedPartition>,
    skipped: Vec<NamedPartition>,
}

impl RequestedElection {
    fn text(&self) -> String {
        let joined = |by: &str| self.requested.iter().map(ToString::to_string).collect::<Vec<_>>().join(by);
        let set = if self.set_size > SMALL_SET { "HashSet" } else { "Set" };
        let mut lines = vec![
            format!("Created preferred replica election path with {}", joined(",")),
            format!("Successfully started preferred replica election for partitions {set}({})", joined(", ")),
        ];
        lines.extend(self.skipped.iter().map(|id| {
            format!("Skipping preferred replica leader election for partition {id} since it doesn't exist.")
        }));
        lines.join("\n")
    }

    fn report(&self) -> RequestedElectionReport {
        let named = |ids: &[TopicPartition]| ids.iter().map(NamedPartition::from).collect();
        RequestedElectionReport { requested: named(&self.requested), skipped: named(&self.skipped) }
    }
}

/// Asks for the election of these partitions, of all for None.
async fn request(
    zk: &ZooKeeper,
    partitions: Option<Vec<TopicPartition>>,
) -> Result<RequestedElection, AdminError> {
    let (requested, skipped) = match partitions {
        None => (all_partitions(zk).await?, Vec::new()),
        Some(wanted) => {
            let topics: BTreeSet<_> = wanted.iter().map(|id| id.topic.clone()).collect();
            let mut existing = BTreeSet::new();
            for name in topics {
                let found = topics::fetch(zk, &name).await?;
                let numbers = found.into_iter().flat_map(|topic| topic.partitions.into_keys());
                existing.extend(numbers.map(|number| TopicPartition::new(name.clone(), number)));
            }
            wanted.into_iter().partition(|id| existing.contains(id))
        }
    };
    preferred_election::request(zk, &requested).await?;
    let set_size = requested.len() + skipped.len();
    Ok(RequestedElection { requested, skipped, set_size })
}

/// All partitions that the controller has made, in the order of Kafka's set of them.
async fn all_partitions(zk: &ZooKeeper) -> Result<Vec<TopicPartition>, AdminError> {
    let topics = topics::list(zk).await?;
    let paths: Vec<_> = topics.iter().map(|topic| partition_state::parent(topic)).collect();
    let found = futures_util::future::join_all(paths.iter().map(|path| zk.children(path))).await;
    let mut hashed = Vec::new();
    for (topic, numbers) in topics.iter().zip(found) {
        let numbers = numbers?.unwrap_or_default();
        let ids = numbers
            .iter()
            .filter_map(|number| Some(TopicPartition::new(topic.as_str(), number.parse().ok()?)));
        hashed.extend(ids.map(|id| (partition_hash(&id), id)));
    }
    Ok(jvm_order::scala_immutable(hashed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_told_with_the_name_of_scalas_set() {
        let id = |partition| TopicPartition::new("t", partition);
        let few = RequestedElection { requested: vec![id(0)], skipped: vec![id(9)], set_size: 2 };
        assert_eq!(
            few.text(),
            "Created preferred replica election path with t-0\n\
             Successfully started preferred replica election for partitions Set(t-0)\n\
             Skipping preferred replica leader election for partition t-9 since it doesn't exist."
        );
        let many = RequestedElection { requested: vec![id(0), id(1)], skipped: vec![], set_size: 5 };
        assert!(many.text().ends_with("for partitions HashSet(t-0, t-1)"));
    }
}
