//! The boot, in order: settings, directories, ZooKeeper, logs, listeners, replicas, controller, registration,
//! requests served.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::coordinators::CoordinatorParts;
use super::dynamic_config::listeners::DynamicListenerConfig;
use super::dynamic_config::parts::{
    DynamicConnectionLimits, DynamicLogCleaner, DynamicLogConfig, DynamicMetricsReporters,
    DynamicReplication, DynamicThreadPool,
};
use super::dynamic_config::{
    BrokerConfigHandler, ClientQuotaConfigHandler, DynamicConfigManager, TopicConfigHandler,
};
use super::registration::BrokerRegistration;
use super::{BrokerServer, Plugins, StartError, TARGET, authorizer, features, metrics, quotas};
use crate::admin::configs::ConfigReader;
use crate::api::Services;
use crate::api::dispatch::RequestDispatch;
use crate::base::{BrokerId, Clock};
use crate::config::broker::ReadConfig;
use crate::config::layers::{Layer, OwnConfigs};
use crate::config::{BrokerConfig, KafkaVersion, LiveConfig, Properties};
use crate::controller::Controller;
use crate::log::directory;
use crate::log::log_manager::load::topics_in;
use crate::log::meta_properties::{BrokerMetadata, StoredMetadata};
use crate::log::recovery::LastStop;
use crate::log::{LogManager, LogManagerOptions};
use crate::metadata::MetadataCache;
use crate::net::Dispatch;
use crate::net::limits::SocketLimits;
use crate::net::socket_server::SocketServer;
use crate::replica::{ReplicaManager, preferred_replica::rack_aware};
use crate::security::listeners::ListenerSecurity;
use crate::security::sasl::CredentialCache;
use crate::zk::producer_ids::ProducerIdManager;
use crate::zk::registration::generate_id;
use crate::zk::znode::config_entity::EntityType;
use crate::zk::znode::feature::FinalizedFeaturesAndEpoch;
use crate::zk::{ConnectOptions, ZooKeeper, bootstrap};

fn millis(ms: i32) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

/// The state of the start before the session with ZooKeeper.
struct PreparedStart {
    config: Arc<BrokerConfig>,
    live: LiveConfig,
    security: Arc<ListenerSecurity>,
    metadata: BrokerMetadata,
    offline: Vec<PathBuf>,
}

impl BrokerServer {
    /// Starts a broker with these properties. `control` runs what must not wait for disks. Once `interrupted`
    /// is cancelled the start is given up: data directories that were stopped cleanly are then left clean.
    ///
    /// # Errors [`StartError`] of the first failure; nothing is left running then.
    pub async fn start(
        properties: Properties,
        control: Handle,
        interrupted: CancellationToken,
    ) -> Result<Self, StartError> {
        Self::start_with(properties, control, Plugins::default(), interrupted).await
    }

    /// As [`BrokerServer::start`], with plugins.
    ///
    /// # Errors
    /// As [`BrokerServer::start`].
    pub async fn start_with(
        properties: Properties,
        control: Handle,
        plugins: Plugins,
        interrupted: CancellationToken,
    ) -> Result<Self, StartError> {
        log::info!(target: TARGET, "starting");
        let prepared = prepare(properties, ListenerSecurity::of_environment()?)?;
        let metrics = metrics::bind().await?;
        let zk = unless(&interrupted, connect(&prepared.config, &control)).await?;
        let broker = match boot(prepared, plugins, zk.clone(), control, &interrupted).await {
            Ok(broker) => broker,
            Err(error) => {
                zk.close().await;
                return Err(error);
            }
        };
        if let Some(listener) = metrics {
            broker.serve_metrics(listener);
        }
        log::info!(target: TARGET, "[KafkaServer id={}] started", broker.id());
        Ok(broker)
    }
}

/// Runs a step of the start, unless the start is interrupted before the step is done.
async fn unless<T>(
    interrupted: &CancellationToken,
    step: impl Future<Output = Result<T, StartError>>,
) -> Result<T, StartError> {
    tokio::select! {
        outcome = step => outcome,
        () = interrupted.cancelled() => Err(StartError::Interrupted),
    }
}

fn prepare(properties: Properties, security: ListenerSecurity) -> Result<PreparedStart, StartError> {
    let ReadConfig { config, warnings } = BrokerConfig::read(&properties)?;
    log::info!(target: "kafka.server.KafkaConfig", "KafkaConfig values: {}", config.changed().join(""));
    for warning in warnings {
        log::warn!(target: "kafka.server.KafkaConfig", "{warning}");
    }
    let selectors = [rack_aware::RACK_AWARE, rack_aware::LEADER];
    if let Some(class) = config.replica_selector_class.as_deref().filter(|it| !selectors.contains(it)) {
        return Err(StartError::Other(format!("Class {class} could not be found.")));
    }
    let dirs = LogManagerOptions::of(&config).dirs;
    let StoredMetadata { metadata, offline } = BrokerMetadata::read_all(&dirs)?;
    let live = LiveConfig::new(properties)?;
    security.secured(&live.current())?;
    security.logins(&live.current())?;
    Ok(PreparedStart { config: Arc::new(config), live, security: Arc::new(security), metadata, offline })
}

async fn connect(config: &BrokerConfig, control: &Handle) -> Result<ZooKeeper, StartError> {
    let options = ConnectOptions {
        session_timeout: millis(config.zookeeper_session_timeout_ms),
        connection_timeout: millis(config.zookeeper_connection_timeout_ms()),
        make_chroot: true,
        max_in_flight: usize::try_from(config.zookeeper_max_in_flight_requests).unwrap_or(1),
    };
    let hosts = config.zookeeper_connect.clone();
    log::info!(target: TARGET, "Connecting to zookeeper on {hosts}");
    let connecting = control.spawn(async move { ZooKeeper::connect(&hosts, options).await });
    let zk = connecting.await.map_err(|error| StartError::Other(error.to_string()))??;
    bootstrap::make_paths(&zk).await?;
    Ok(zk)
}

/// The start from the session on: determines the broker's id, opens the logs, and goes on with them. If that
/// fails they are closed as by a stop, so that the next start finds them as this one did.
async fn boot(
    prepared: PreparedStart,
    plugins: Plugins,
    zk: ZooKeeper,
    control: Handle,
    interrupted: &CancellationToken,
) -> Result<BrokerServer, StartError> {
    let PreparedStart { config, live, security, metadata, offline } = prepared;
    let configs = Arc::new(ConfigReader::new(zk.clone()));
    let identify = async {
        let cluster_id = bootstrap::cluster_id(&zk).await?;
        log::info!(target: TARGET, "Cluster ID = {cluster_id}");
        metadata.check_cluster_id(&cluster_id)?;
        let broker_id = broker_id(&zk, &config, &metadata).await?;
        let own_configs = BrokerConfigHandler { broker_id, configs: configs.clone(), live: live.clone() };
        own_configs.re_encode_passwords(&zk).await?;
        for layer in [Layer::AllBrokers, Layer::Broker] {
            own_configs.take(layer).await?;
        }
        let known = BrokerMetadata { broker_id, cluster_id: Some(cluster_id) };
        let finalized = match has_features(&config) {
            true => features::read(&zk).await?,
            false => None,
        };
        Ok((known, finalized))
    };
    let (known, finalized) = unless(interrupted, identify).await?;
    let logs = open_logs(&live.current().broker, &configs, offline, interrupted).await?;
    let opened =
        Opened { config, live, security, plugins, metadata, known, finalized, configs, logs: logs.clone() };
    let joined = unless(interrupted, join(opened, zk, control)).await;
    if joined.is_err()
        && let Err(error) = tokio::task::spawn_blocking(move || logs.close()).await
    {
        log::error!(target: TARGET, "Closing the logs: {error}");
    }
    joined
}

/// The state of the start before the broker is registered.
struct Opened {
    config: Arc<BrokerConfig>,
    live: LiveConfig,
    security: Arc<ListenerSecurity>,
    plugins: Plugins,
    /// The content of the data directories' `meta.properties`.
    metadata: BrokerMetadata,
    /// Their new content.
    known: BrokerMetadata,
    /// The features finalized for the cluster.
    finalized: Option<FinalizedFeaturesAndEpoch>,
    configs: Arc<ConfigReader>,
    logs: Arc<LogManager>,
}

/// The start with open logs: binds the listeners, registers, and serves requests.
async fn join(opened: Opened, zk: ZooKeeper, control: Handle) -> Result<BrokerServer, StartError> {
    let Opened { config, live, security, plugins, metadata, known, finalized, configs, logs } = opened;
    let (broker_id, clock) = (known.broker_id, Clock::System);
    let settings = live.current();
    let (shutdown, tasks) = (CancellationToken::new(), TaskTracker::new());
    let limits = SocketLimits::new(&settings.broker, &settings.pairs)?;
    let sockets = Arc::new(SocketServer::new(limits, tasks.clone()));
    sockets.replace(sockets.bind(security.secured(&settings)?).await?).await;
    let authorization = authorizer::open(&live, plugins.authorization, &zk).await?;
    let registration =
        BrokerRegistration::new(broker_id, zk.clone(), clock.clone(), live.clone(), sockets.clone());
    let registration = Arc::new(registration);
    registration.register_first().await?;
    write_metadata(&logs, &metadata, &known, &clock)?;
    let producer_ids = Arc::new(ProducerIdManager::start(zk.clone(), broker_id).await?);
    let defaults = live.clone();
    let cache = Arc::new(MetadataCache::default());
    let replicas = ReplicaManager::new(
        broker_id,
        config.clone(),
        logs.clone(),
        cache.clone(),
        clock.clone(),
        move || defaults.current().broker.topic_defaults(),
    );
    let logins = security.logins(&settings)?;
    let login = logins.at(&config.inter_broker_listener()?);
    replicas.fetch_from_others(login.clone(), Handle::current(), tasks.clone(), shutdown.clone());
    let controller = {
        let _on_control = control.enter();
        let (registered, config) = (registration.registered(), config.clone());
        Controller::start(
            zk.clone(),
            broker_id,
            config,
            live.clone(),
            login.clone(),
            clock.clone(),
            registered,
        )
    };
    let coordinators = CoordinatorParts {
        broker_id,
        config: &config,
        zk: &zk,
        replicas: &replicas,
        metadata: &cache,
        producer_ids: &producer_ids,
        login,
        clock: &clock,
        tasks: &tasks,
        stop: &shutdown,
    };
    let transactions = coordinators.start_transactions().await?;
    let groups = coordinators.start_groups().await?;
    let quotas = quotas::load(&config, &configs, &security.credentials).await?;
    let (finalized, features) = watch::channel(finalized);
    let services = Services {
        broker_id,
        clock,
        authorization,
        quotas,
        request_metrics: Arc::default(),
        cluster_id: known.cluster_id.unwrap_or_default(),
        broker_epoch: registration.epoch(),
        config,
        live,
        replicas,
        metadata: cache,
        controller,
        groups,
        zk,
        configs,
        producer_ids,
        transactions,
        features,
    };
    let broker = BrokerServer { services: Arc::new(services), logs, sockets, logins, shutdown, tasks };
    broker.add_reconfigurable_parts(registration.clone(), security.clone()).await;
    broker.serve();
    broker.keep_replicas(&control);
    broker.keep_logs(&control);
    broker.tasks.spawn_on(registration.keep(broker.shutdown.clone()), &control);
    broker.follow_config_changes(security.credentials.clone(), &control);
    broker.follow_features(finalized, &control);
    broker.follow_acls(&control);
    Ok(broker)
}

impl BrokerServer {
    /// Serves clients and other brokers.
    fn serve(&self) {
        let dispatch: Arc<dyn Dispatch> = Arc::new(RequestDispatch::new(self.services.clone()));
        self.sockets.serve(&dispatch);
    }

    /// Starts the tasks for ISRs, high watermarks, and moves of logs between directories.
    fn keep_replicas(&self, control: &Handle) {
        let Services { replicas, zk, broker_epoch, .. } = &*self.services;
        let stop = || self.shutdown.clone();
        let login = self.logins.at(replicas.controller_listener());
        let reporting = replicas.clone().propagate_isr(zk.clone(), broker_epoch.clone(), login, stop());
        self.tasks.spawn_on(reporting, control);
        self.tasks.spawn(replicas.clone().checkpoint_high_watermarks(stop()));
        self.tasks.spawn(replicas.log_dirs().clone().copy_logs(stop()));
    }

    /// The parts that apply settings while the broker runs.
    async fn add_reconfigurable_parts(
        &self,
        registration: Arc<BrokerRegistration>,
        security: Arc<ListenerSecurity>,
    ) {
        let Services { live, replicas, controller, .. } = &*self.services;
        let (replicas, controller) = (replicas.clone(), controller.clone());
        live.add(Arc::new(DynamicMetricsReporters)).await;
        live.add(Arc::new(DynamicThreadPool)).await;
        live.add(Arc::new(DynamicConnectionLimits(self.sockets.limits().clone()))).await;
        live.add(Arc::new(DynamicReplication(replicas.clone()))).await;
        live.add(Arc::new(DynamicLogCleaner(self.logs.clone()))).await;
        live.add(Arc::new(DynamicLogConfig { replicas, controller })).await;
        let sockets = self.sockets.clone();
        live.add(Arc::new(DynamicListenerConfig { sockets, registration, security })).await;
    }

    /// Follows the configs that change while the broker runs.
    fn follow_config_changes(&self, credentials: Arc<CredentialCache>, control: &Handle) {
        let Services { broker_id, live, replicas, controller, zk, configs, quotas, clock, .. } =
            &*self.services;
        let (replicas, controller) = (replicas.clone(), controller.clone());
        let manager = DynamicConfigManager {
            topics: TopicConfigHandler { configs: configs.clone(), replicas, controller },
            brokers: BrokerConfigHandler {
                broker_id: *broker_id,
                configs: configs.clone(),
                live: live.clone(),
            },
            quotas: ClientQuotaConfigHandler {
                configs: configs.clone(),
                quotas: quotas.clone(),
                credentials,
            },
            clock: clock.clone(),
        };
        self.tasks.spawn_on(manager.follow(zk.clone(), self.shutdown.clone()), control);
    }

    /// Follows the features finalized for the cluster, if this broker's protocol has them.
    fn follow_features(&self, finalized: watch::Sender<Option<FinalizedFeaturesAndEpoch>>, control: &Handle) {
        let Services { config, zk, .. } = &*self.services;
        if has_features(config) {
            self.tasks.spawn_on(features::follow(zk.clone(), finalized, self.shutdown.clone()), control);
        }
    }

    /// Follows the ACLs that change while the broker runs.
    fn follow_acls(&self, control: &Handle) {
        if let Some(authorizer) = self.services.authorization.acls() {
            let following = authorizer.clone().follow(self.services.clock.clone(), self.shutdown.clone());
            self.tasks.spawn_on(following, control);
        }
    }

    /// Starts retention, flushing and checkpoints of the logs, and the handling of failed directories.
    fn keep_logs(&self, control: &Handle) {
        let (logs, stop, requests) = (self.logs.clone(), self.shutdown.clone(), Handle::current());
        let watching = async move { logs.shared().disks.watch(requests).await };
        self.tasks.spawn_on(async move { stop.run_until_cancelled(watching).await }, control);
        let mut log_tasks = self.logs.start(&self.shutdown);
        self.tasks.spawn(async move { while log_tasks.join_next().await.is_some() {} });
        self.handle_failed_dirs();
    }
}

/// Whether features are finalized in this broker's protocol.
fn has_features(config: &BrokerConfig) -> bool {
    config.inter_broker_protocol_version.at_least(KafkaVersion::V2_7_IV0)
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

/// Opens the logs that lie in the data directories, each with the configs of its topic.
async fn open_logs(
    config: &BrokerConfig,
    configs: &ConfigReader,
    offline: Vec<PathBuf>,
    interrupted: &CancellationToken,
) -> Result<Arc<LogManager>, StartError> {
    let failed = |error: tokio::task::JoinError| StartError::Other(error.to_string());
    let options = LogManagerOptions { offline, ..LogManagerOptions::of(config) };
    let dirs = options.dirs.clone();
    let topics = tokio::task::spawn_blocking(move || topics_in(&dirs)).await.map_err(failed)?;
    let topics: Vec<_> = topics.into_iter().collect();
    let fetch = async {
        let found = configs.fetch_each(EntityType::Topics, &topics).await;
        Ok(found.into_iter().collect::<Result<Vec<_>, _>>()?)
    };
    let found = unless(interrupted, fetch).await?;
    let own: HashMap<Arc<str>, OwnConfigs> = topics.into_iter().zip(found).collect();
    let all_clean = options.dirs.iter().all(|dir| directory::last_stop(dir) == LastStop::Clean);
    let opening = tokio::task::spawn_blocking(move || LogManager::open(LogManagerOptions { own, ..options }));
    let opening = async { Ok(opening.await.map_err(failed)??) };
    if all_clean {
        // Opening removes the markers of a clean stop; they are written again when all logs are closed.
        opening.await
    } else {
        unless(interrupted, opening).await
    }
}

/// Writes `meta.properties` where it is missing or incomplete.
fn write_metadata(
    logs: &LogManager,
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
