//! The boot, in order: settings, directories, ZooKeeper, logs, listeners, replicas, controller, registration, doors open.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::reconfigure::{self, Reconfigured, TopicConfigs};
use super::registration;
use crate::api::Services;
use crate::api::dispatch::Counter;
use crate::api::txn::init_producer_id::ProducerIds;
use crate::base::{BrokerId, Clock, Endpoint};
use crate::config::broker::ReadConfig;
use crate::config::{BrokerConfig, ConfigError, LiveConfig, Properties, TopicConfig};
use crate::controller::Controller;
use crate::log::meta_properties::{BrokerMetadata, MetadataError};
use crate::log::{Logs, LogsOptions, OpenError};
use crate::metrics::{Figure, Registry, http};
use crate::net::Dispatch;
use crate::net::limits::Limits;
use crate::net::listener::{BindError, Listener};
use crate::replica::{Replicas, preferred};
use crate::zk::registration::generate_id;
use crate::zk::znode::config_entity::Kind;
use crate::zk::{ConnectOptions, ZkError, ZooKeeper, bootstrap};

pub(super) const TARGET: &str = "kafka.server.KafkaServer";

/// Why a broker did not start. Each prints Kafka's message.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is wrong.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The data directories belong to somebody else.
    #[error("{0}")]
    Metadata(#[from] MetadataError),
    /// The logs cannot be opened.
    #[error("{0}")]
    Logs(#[from] OpenError),
    /// ZooKeeper cannot be reached, or refuses.
    #[error("{0}")]
    ZooKeeper(#[from] ZkError),
    /// A listener cannot be bound.
    #[error("{0}")]
    Bind(#[from] BindError),
    /// The figures cannot be told where they are to be.
    #[error("METRICS_LISTENER={address}: {error}")]
    Metrics {
        /// Where.
        address: String,
        /// Why not.
        error: std::io::Error,
    },
    /// Anything else, in Kafka's words.
    #[error("{0}")]
    Other(String),
}

/// A running broker.
pub struct Broker {
    pub(super) services: Arc<Services>,
    pub(super) logs: Arc<Logs>,
    /// Ends everything that runs.
    pub(super) shutdown: CancellationToken,
    /// Ends the listeners, before all else.
    pub(super) doors: CancellationToken,
    pub(super) tasks: TaskTracker,
}

/// What was found out before the session with ZooKeeper.
struct Prepared {
    config: Arc<BrokerConfig>,
    live: LiveConfig,
    metadata: BrokerMetadata,
    offline: Vec<PathBuf>,
}

impl Broker {
    /// Starts a broker with these properties. `control` runs what must not wait for disks.
    ///
    /// # Errors
    /// [`StartError`] of the first thing that keeps it from starting; nothing is left running then.
    pub async fn start(properties: Properties, control: Handle) -> Result<Self, StartError> {
        log::info!(target: TARGET, "starting (kafka.server.KafkaServer)");
        let prepared = prepare(properties)?;
        let zk = connect(&prepared.config, &control).await?;
        match boot(prepared, zk.clone(), control).await {
            Ok(broker) => Ok(broker),
            Err(error) => {
                zk.close().await;
                Err(error)
            }
        }
    }

    /// Its id.
    pub fn id(&self) -> BrokerId {
        self.services.broker_id
    }

    /// Cancelled when it cannot go on, e.g. because no log directory is left.
    pub fn failed(&self) -> CancellationToken {
        self.shutdown.clone()
    }
}

fn prepare(properties: Properties) -> Result<Prepared, StartError> {
    let ReadConfig { config, warnings } = BrokerConfig::read(&properties)?;
    for warning in warnings {
        log::warn!(target: "kafka.server.KafkaConfig", "{warning}");
    }
    let secured =
        config.listeners()?.into_iter().find(|it| it.protocol != crate::base::SecurityProtocol::Plaintext);
    if let Some(Endpoint { listener, protocol, .. }) = secured {
        return Err(StartError::Other(format!(
            "Listener {listener} wants {protocol}; only PLAINTEXT is built yet"
        )));
    }
    let selectors = [preferred::RACK_AWARE, preferred::LEADER];
    if let Some(class) = config.replica_selector_class.as_deref().filter(|it| !selectors.contains(it)) {
        return Err(StartError::Other(format!("Class {class} could not be found.")));
    }
    let dirs = LogsOptions::of(&config).dirs;
    let (metadata, offline) = BrokerMetadata::read_all(&dirs)?;
    let live = LiveConfig::new(properties)?;
    Ok(Prepared { config: Arc::new(config), live, metadata, offline })
}

async fn connect(config: &BrokerConfig, control: &Handle) -> Result<ZooKeeper, StartError> {
    let millis = |ms: i32| Duration::from_millis(u64::try_from(ms).unwrap_or(0));
    let options = ConnectOptions {
        session_timeout: millis(config.zookeeper_session_timeout_ms),
        connection_timeout: millis(config.zookeeper_connection_timeout_ms()),
        make_chroot: true,
    };
    let hosts = config.zookeeper_connect.clone();
    log::info!(target: TARGET, "Connecting to zookeeper on {hosts}");
    let connecting = control.spawn(async move { ZooKeeper::connect(&hosts, options).await });
    let zk = connecting.await.map_err(|error| StartError::Other(error.to_string()))??;
    bootstrap::make_paths(&zk).await?;
    Ok(zk)
}

async fn boot(prepared: Prepared, zk: ZooKeeper, control: Handle) -> Result<Broker, StartError> {
    let Prepared { config, live, metadata, offline } = prepared;
    let clock = Clock::System;
    let cluster_id = bootstrap::cluster_id(&zk).await?;
    log::info!(target: TARGET, "Cluster ID = {cluster_id}");
    metadata.check_cluster_id(&cluster_id)?;
    let broker_id = broker_id(&zk, &config, &metadata).await?;
    let reading = reconfigure::read_brokers(&zk, broker_id, &live).await;
    reading.map_err(|error| StartError::Other(error.to_string()))?;
    let topics = topic_configs(&zk, &live).await?;
    let logs = open_logs(&live.current().broker, topics.all(), offline).await?;
    let stored = BrokerMetadata { broker_id, cluster_id: Some(cluster_id.clone()) };
    write_metadata(&logs, &metadata, &stored, &clock)?;

    let limits = Limits::new(&live.current().broker, &live.layers().in_force())?;
    let mut listeners = Vec::new();
    for endpoint in config.listeners()? {
        listeners.push(Listener::bind(&endpoint, &limits).await?);
    }
    let registration = registration::registration(broker_id, &config, &listeners, &clock)?;
    registration::check_endpoints(&zk, &registration).await?;

    let lookup = topics.clone();
    let replicas =
        Replicas::new(broker_id, config.clone(), logs.clone(), clock.clone(), move |topic| lookup.of(topic));
    let (shutdown, doors, tasks) = (CancellationToken::new(), CancellationToken::new(), TaskTracker::new());
    replicas.fetch_from_others(Handle::current(), tasks.clone(), shutdown.clone());
    let registrar = Arc::new(crate::zk::registration::Registrar::default());
    let epoch = registrar.register(&zk, &registration).await.map_err(already_registered(broker_id))?;
    let broker_epoch = Arc::new(AtomicI64::new(epoch));
    let controller = {
        let _on_control = control.enter();
        Controller::start(zk.clone(), broker_id, config.clone(), live.clone(), clock.clone())
    };
    let producer_ids = Arc::new(ProducerIds::claim(zk.clone(), broker_id).await?);
    let services = Arc::new(Services {
        broker_id,
        cluster_id,
        broker_epoch: broker_epoch.clone(),
        config: config.clone(),
        live: live.clone(),
        replicas: replicas.clone(),
        controller: controller.clone(),
        zk: zk.clone(),
        producer_ids,
    });
    let broker = Broker { services: services.clone(), logs: logs.clone(), shutdown, doors, tasks };

    let counter: Arc<dyn Dispatch> = Arc::new(Counter::new(services));
    for listener in listeners {
        broker.tasks.spawn(listener.serve(counter.clone(), limits.clone(), broker.doors.clone()));
    }
    let reporting = replicas.clone().report_isr(zk.clone(), broker_epoch.clone(), broker.shutdown.clone());
    broker.tasks.spawn_on(reporting, &control);
    broker.tasks.spawn(replicas.clone().keep(broker.shutdown.clone()));
    broker.keep_logs();
    broker.tell_figures().await?;
    let keeping =
        registration::keep(zk.clone(), registrar, registration, broker_epoch, broker.shutdown.clone());
    broker.tasks.spawn_on(keeping, &control);
    broker.tasks.spawn(replicas.clone().move_logs(broker.shutdown.clone()));
    broker.tasks.spawn(replicas.clone().heed_settings(live.clone(), broker.shutdown.clone()));
    let told = Reconfigured { broker_id, topics, live, replicas, controller, limits };
    broker.tasks.spawn_on(reconfigure::follow(zk, told, broker.shutdown.clone()), &control);
    log::info!(target: TARGET, "[KafkaServer id={broker_id}] started");
    Ok(broker)
}

impl Broker {
    /// Tells what is measured at `METRICS_LISTENER`, a `host:port`, as a JVM does at `JMX_PORT`; nowhere without it.
    async fn tell_figures(&self) -> Result<(), StartError> {
        let Ok(address) = std::env::var("METRICS_LISTENER") else { return Ok(()) };
        let bound = tokio::net::TcpListener::bind(&address).await;
        let listener = bound.map_err(|error| StartError::Metrics { address: address.clone(), error })?;
        let registry = Arc::new(Registry::default());
        let (replicas, controller) = (self.services.replicas.clone(), self.services.controller.clone());
        registry.add(move || replicas.figures());
        registry.add(move || {
            let active = usize::from(controller.is_active());
            vec![Figure::gauge("KafkaController", "ActiveControllerCount", active).of_group("kafka.controller")]
        });
        let serving = http::serve(listener, registry, self.shutdown.clone());
        self.tasks.spawn(async move {
            if let Err(error) = serving.await {
                log::error!(target: TARGET, "Metrics are told at {address} no more: {error}");
            }
        });
        Ok(())
    }

    /// Retention, flushing and checkpoints of the logs; failed directories go offline.
    fn keep_logs(&self) {
        let mut upkeep = self.logs.start(&self.shutdown);
        self.tasks.spawn(async move { while upkeep.join_next().await.is_some() {} });
        let Some(mut failures) = self.logs.shared().failures.listen() else { return };
        let (services, logs, shutdown) = (self.services.clone(), self.logs.clone(), self.shutdown.clone());
        self.tasks.spawn(async move {
            while let Some(dir) =
                tokio::select! { dir = failures.recv() => dir, () = shutdown.cancelled() => None }
            {
                services.replicas.directory_failed(&dir);
                if logs.live_dirs().is_empty() {
                    log::error!(target: "kafka.server.ReplicaManager", "Halting: no log directory is left");
                    shutdown.cancel();
                }
                registration::notify_failure(&services.zk, services.broker_id).await;
            }
        });
    }
}

async fn broker_id(
    zk: &ZooKeeper,
    config: &BrokerConfig,
    metadata: &BrokerMetadata,
) -> Result<BrokerId, StartError> {
    match metadata.choose_broker_id(config.broker_id)? {
        id if id >= 0 => Ok(id),
        _ if config.broker_id_generation_enable => Ok(generate_id(zk, config.reserved_broker_max_id).await?),
        id => Err(StartError::Other(format!("broker.id {id} cannot be used, and none may be generated"))),
    }
}

async fn topic_configs(zk: &ZooKeeper, live: &LiveConfig) -> Result<TopicConfigs, StartError> {
    let own = crate::admin::configs::fetch_all(zk, Kind::Topics).await;
    let own = own.map_err(|error| StartError::Other(error.to_string()))?;
    Ok(TopicConfigs::new(live.current().broker.topic_defaults(), own))
}

async fn open_logs(
    config: &BrokerConfig,
    topics: BTreeMap<String, TopicConfig>,
    offline: Vec<PathBuf>,
) -> Result<Arc<Logs>, StartError> {
    let options = LogsOptions { topics: topics.into_iter().collect(), offline, ..LogsOptions::of(config) };
    let opening = tokio::task::spawn_blocking(move || Logs::open(options));
    Ok(opening.await.map_err(|error| StartError::Other(error.to_string()))??)
}

/// Writes `meta.properties` where it is missing or says less than is known now.
fn write_metadata(
    logs: &Logs,
    read: &BrokerMetadata,
    stored: &BrokerMetadata,
    clock: &Clock,
) -> Result<(), StartError> {
    for dir in logs.live_dirs() {
        if read == stored && dir.join("meta.properties").exists() {
            continue;
        }
        stored
            .write(&dir, clock.now())
            .map_err(|error| StartError::Other(format!("meta.properties of {}: {error}", dir.display())))?;
    }
    Ok(())
}

fn already_registered(id: BrokerId) -> impl Fn(ZkError) -> StartError {
    move |error| match error {
        ZkError::NodeExists => StartError::Other(format!(
            "KeeperErrorCode = NodeExists: /brokers/ids/{id} is held by another session; another broker has this id, or \
             this broker's last session has not ended yet"
        )),
        other => other.into(),
    }
}
