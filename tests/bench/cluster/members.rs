//! Brokers of a kind, and what is seen of them from outside.
#![allow(dead_code)] // Each benchmark asks for something else.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use barnabas::wire::message::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreateTopicsRequest, CreateableTopicConfig,
};
use barnabas::wire::message::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponsePartition};
use barnabas::zk::znode::{broker, controller};
use barnabas::zk::{ConnectOptions, CreateMode, Op, ZnodeChange, ZooKeeper};
use tempfile::TempDir;

use crate::Figures;
use crate::java;
use crate::support::{Chroot, Connection, Process, eventually, free_port, root};
use crate::table::Kind;

/// How long anything may take.
pub const LIMIT: Duration = Duration::from_secs(240);
/// `zookeeper.session.timeout.ms` of the brokers.
pub const SESSION_TIMEOUT: Duration = Duration::from_secs(6);
/// Between two looks at what only looking shows.
const PAUSE: Duration = Duration::from_millis(5);
/// The answer of CreateTopics to a request with a timeout of 0.
const TIMED_OUT: i16 = 7;

/// How many partitions a topic has of which nothing is asked.
const IDLE_PARTITIONS: usize = 1000;

/// Brokers of one cluster, numbered from 1 on; they end when dropped.
pub struct Members {
    kafka: &'static java::Kafka,
    kind: Kind,
    running: BTreeMap<i32, Member>,
    runtime: tokio::runtime::Runtime,
    zk: ZooKeeper,
    chroot: Chroot,
}

struct Member {
    port: u16,
    directory: TempDir,
    process: Option<Process>,
}

impl Members {
    /// Starts three, and waits until each knows of all.
    pub fn start(figures: &Figures<'_>) -> Self {
        Self::start_some(figures, 3)
    }

    /// Starts so many, and waits until each knows of all.
    pub fn start_some(figures: &Figures<'_>, count: i32) -> Self {
        let Figures { kafka, kind, .. } = *figures;
        let chroot = Chroot::new();
        let member =
            |id| (id, Member { port: free_port(), directory: tempfile::tempdir().unwrap(), process: None });
        let running = (1..=count).map(member).collect();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let zk = runtime.block_on(ZooKeeper::connect(&chroot.connect(), ConnectOptions::default())).unwrap();
        let mut members = Self { kafka, kind, running, runtime, zk, chroot };
        (1..=count).for_each(|id| members.launch(id));
        members.await_all();
        members
    }

    /// Starts a broker, on the data it has.
    pub fn launch(&mut self, id: i32) {
        let count = self.running.len();
        let member = self.running.get_mut(&id).unwrap();
        let properties = member.directory.path().join("server.properties");
        let text = format!(
            "broker.id={id}\nlisteners=PLAINTEXT://127.0.0.1:{}\nlog.dirs={}\nzookeeper.connect={}\n\
             zookeeper.session.timeout.ms={}\nauto.create.topics.enable=false\n\
             auto.leader.rebalance.enable=false\noffsets.topic.replication.factor={count}\n\
             transaction.state.log.replication.factor={count}\ntransaction.state.log.min.isr={}\n\
             group.initial.rebalance.delay.ms=0\n",
            member.port,
            member.directory.path().join("data").display(),
            self.chroot.connect(),
            SESSION_TIMEOUT.as_millis(),
            count.min(2),
        );
        std::fs::write(&properties, text).unwrap();
        let path = properties.display().to_string();
        let name = format!("{} {id}", self.kind.name());
        let process = match self.kind {
            Kind::Kafka => Process::start(&name, &mut self.kafka.broker_command(&path)),
            Kind::Barnabas => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_barnabas"));
                // It logs what Kafka's broker is set to log.
                let log4j = root().join("tests/interop/broker-log4j.properties");
                let options = format!("-Dlog4j.configuration=file:{}", log4j.display());
                command.args(["server-start", &path]).env("KAFKA_LOG4J_OPTS", options);
                Process::start(&name, &mut command)
            }
        };
        member.process = Some(process);
    }

    /// Waits until every broker knows of every other.
    pub fn await_all(&self) {
        for id in self.running.keys().copied() {
            eventually("the brokers know one another", LIMIT, || {
                let none = MetadataRequest { topics: Some(Vec::new()), ..Default::default() };
                let answer = Connection::to(self.port(id))?.call(&none, 7)?;
                (answer.brokers.len() == self.running.len()).then_some(())
            });
        }
    }

    /// Ends a broker as a crash would.
    pub fn kill(&mut self, id: i32) {
        self.running.get_mut(&id).unwrap().process = None;
    }

    /// Ends a broker in order.
    pub fn stop(&mut self, id: i32) {
        if let Some(mut process) = self.running.get_mut(&id).unwrap().process.take() {
            process.signal("TERM");
            process.wait(LIMIT);
        }
    }

    /// Waits until the session of a broker that has ended is over.
    pub fn await_session_end(&self, id: i32) {
        eventually("the session is over", LIMIT, || {
            self.runtime.block_on(self.zk.get(&broker::path(id))).unwrap().is_none().then_some(())
        });
    }

    /// The CPU that all of them have taken so far, in seconds.
    pub fn cpu_seconds(&self) -> f64 {
        let processes = self.running.values().filter_map(|member| member.process.as_ref());
        processes.map(|process| process_cpu_seconds(process.id())).sum()
    }

    /// Topics that make up so many partitions, each with its number of them.
    pub fn idle_topics(&self, name: &str, partitions: usize) -> Vec<(String, i32)> {
        let topics = (0..partitions).step_by(IDLE_PARTITIONS).map(|from| {
            let count = IDLE_PARTITIONS.min(partitions - from);
            (format!("{name}-{from}"), i32::try_from(count).unwrap())
        });
        topics.collect()
    }

    /// Makes so many partitions with a replica on every broker, and waits until all are led.
    pub fn create_idle(&self, name: &str, partitions: usize) {
        let (topics, factor) = (self.idle_topics(name, partitions), self.running.len());
        for (topic, count) in &topics {
            let replicas: Vec<_> = (0..*count as usize).map(|at| spread(at, factor)).collect();
            self.create(vec![assigned(topic, &replicas, &[])]);
        }
        for (topic, count) in &topics {
            let is_led = |it: &MetadataResponsePartition| it.leader_id >= 0 && it.isr_nodes.len() == factor;
            self.await_partitions(&self.alive(), topic, *count as usize, is_led);
        }
    }

    /// Makes a topic of one partition with three replicas that broker 1 leads; where it listens.
    pub fn busy_partition(&self, topic: &str) -> u16 {
        self.create(vec![assigned(topic, &[vec![1, 2, 3]], &[("min.insync.replicas", "2")])]);
        self.await_partitions(&self.alive(), topic, 1, |it| it.leader_id == 1 && it.isr_nodes.len() == 3);
        self.port(1)
    }

    /// The brokers that run.
    pub fn alive(&self) -> Vec<i32> {
        let alive = self.running.iter().filter(|(_, member)| member.process.is_some());
        alive.map(|(id, _)| *id).collect()
    }

    /// Where a broker listens on loopback.
    pub fn port(&self, id: i32) -> u16 {
        self.running[&id].port
    }

    /// Where the logs of a broker lie.
    pub fn data(&self, id: i32) -> std::path::PathBuf {
        self.running[&id].directory.path().join("data")
    }

    /// A connection to a broker, which has to listen.
    pub fn connection(&self, id: i32) -> Connection {
        Connection::to(self.port(id)).unwrap().with_patience(LIMIT)
    }

    /// `host:port` of them all.
    pub fn bootstrap(&self) -> String {
        let addresses = self.running.values().map(|member| format!("127.0.0.1:{}", member.port));
        addresses.collect::<Vec<_>>().join(",")
    }

    /// The memory that a broker holds now.
    pub fn resident_mebibytes(&self, id: i32) -> f64 {
        let process = self.running[&id].process.as_ref().unwrap().id();
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }

    /// The controller.
    pub fn controller(&self) -> i32 {
        eventually("there is a controller", LIMIT, || {
            let (data, _) = self.runtime.block_on(self.zk.get(controller::PATH)).unwrap()?;
            controller::decode(&data).ok()
        })
    }

    /// Asks for topics, and does not wait for more than that they are written down.
    pub fn create(&self, topics: Vec<CreatableTopic>) {
        let request = CreateTopicsRequest { topics, timeout_ms: 0, validate_only: false };
        let mut connection = self.connection(self.controller());
        let answer = connection.call(&request, 4).expect("an answer to CreateTopics");
        for topic in answer.topics {
            assert!([0, TIMED_OUT].contains(&topic.error_code), "{topic:?}");
        }
    }

    /// Waits until these brokers' metadata has this many partitions of a topic, all of them as `is_well`
    /// wants it.
    pub fn await_partitions(
        &self,
        brokers: &[i32],
        topic: &str,
        count: usize,
        is_well: impl Fn(&MetadataResponsePartition) -> bool,
    ) {
        for id in brokers {
            let mut connection = self.connection(*id);
            let end = Instant::now() + LIMIT;
            loop {
                let partitions = partitions(&mut connection, topic);
                if partitions.len() == count && partitions.iter().all(&is_well) {
                    break;
                }
                assert!(Instant::now() < end, "broker {id} does not come to tell of {topic}: {partitions:?}");
                std::thread::sleep(PAUSE);
            }
        }
    }

    /// When the session of this broker has ended, to be asked once it has.
    pub fn session_end(&self, id: i32) -> impl FnOnce() -> Instant + use<> {
        let zk = self.zk.clone();
        let ended = self.runtime.spawn(async move {
            let mut watches = zk.watches();
            watches.watch_data(&broker::path(id));
            loop {
                match watches.next().await {
                    Some(ZnodeChange::Data { data: None, .. }) => return Instant::now(),
                    Some(_) => {}
                    None => panic!("the benchmark's session has ended"),
                }
            }
        });
        let runtime = self.runtime.handle().clone();
        move || runtime.block_on(ended).unwrap()
    }
}

/// Lets the JVM of ZooKeeper compile what it runs often, so that the second broker measured has no faster
/// one.
pub fn warm_zookeeper_up() {
    const ZNODES: usize = 1000;
    const ROUNDS: usize = 30;
    let chroot = Chroot::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let zk = ZooKeeper::connect(&chroot.connect(), ConnectOptions::default()).await.unwrap();
        let paths: Vec<_> = (0..ZNODES).map(|at| format!("/warm-up-{at}")).collect();
        let each = |op: fn(String) -> Op| paths.iter().map(|path| vec![op(path.clone())]).collect::<Vec<_>>();
        let create = each(|path| Op::Create { path, data: vec![b'x'; 100], mode: CreateMode::Persistent });
        let set = each(|path| Op::Set { path, data: vec![b'y'; 100], version: None });
        let delete = each(|path| Op::Delete { path, version: None });
        for _ in 0..ROUNDS {
            for multis in [&create, &set, &delete] {
                zk.get_many(&paths).await.unwrap();
                assert!(zk.multi_many(multis).await.iter().all(Result::is_ok));
            }
        }
        zk.close().await;
    });
}

/// A broker's metadata of a topic; nothing if it knows none.
fn partitions(connection: &mut Connection, topic: &str) -> Vec<MetadataResponsePartition> {
    let topics = Some(vec![MetadataRequestTopic { name: topic.to_owned() }]);
    let request = MetadataRequest { topics, allow_auto_topic_creation: false, ..Default::default() };
    let mut answer = connection.call(&request, 7).expect("an answer to Metadata");
    answer.topics.pop().map(|topic| topic.partitions).unwrap_or_default()
}

/// A topic with these replicas of each partition.
pub fn assigned(name: &str, replicas: &[Vec<i32>], configs: &[(&str, &str)]) -> CreatableTopic {
    let assignments = replicas.iter().enumerate().map(|(at, broker_ids)| CreatableReplicaAssignment {
        partition_index: i32::try_from(at).unwrap(),
        broker_ids: broker_ids.clone(),
    });
    let configs = configs.iter().map(|(name, value)| CreateableTopicConfig {
        name: (*name).to_owned(),
        value: Some((*value).to_owned()),
    });
    CreatableTopic {
        name: name.to_owned(),
        num_partitions: -1,
        replication_factor: -1,
        assignments: assignments.collect(),
        configs: configs.collect(),
    }
}

/// The replicas of partition `at`, its leader first: all brokers of three in turn; of one, that one.
pub fn spread(at: usize, factor: usize) -> Vec<i32> {
    let brokers = if factor == 1 { 1 } else { 3 };
    (0..factor).map(|replica| ((at + replica) % brokers) as i32 + 1).collect()
}

/// User and system time of a process so far, in seconds.
fn process_cpu_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / rustix::param::clock_ticks_per_second() as f64
}
