//! Every config of a broker (Kafka's `KafkaConfig`): the table, and reading a properties file into it.
//!
//! Pure. What follows from several keys is in `derived`; which values go together is in `checks`.

mod checks;
mod derived;
#[cfg(test)]
mod tests;

use super::properties::Properties;
use super::rows::{ConfigError, config};
use super::values::Password;
use super::version::KafkaVersion;

config! {
    /// The settings of a broker, every key with the value in force.
    BrokerConfig;

    /// Deprecated, and used only without advertised.listeners and listeners: the host that clients connect to.
    advertised_host_name: Option<String> = "advertised.host.name", importance: High;
    /// The listeners as ZooKeeper has them for clients and other brokers, where they differ from listeners; 0.0.0.0 cannot be advertised.
    advertised_listeners: Option<String> = "advertised.listeners", importance: High, dynamic: PerBroker;
    /// Deprecated, and used only without advertised.listeners and listeners: the port that clients connect to.
    advertised_port: Option<i32> = "advertised.port", importance: High;
    /// A class that judges config changes before they are made (Java only).
    alter_config_policy_class_name: Option<String> = "alter.config.policy.class.name",
        kind: Class, importance: Low, support: NotYet;
    /// How many windows of samples the quota for moving replicas between log directories keeps.
    alter_log_dirs_replication_quota_window_num: i32 = "alter.log.dirs.replication.quota.window.num",
        default: "11", at_least: 1, importance: Low;
    /// How long each window of that quota is, in seconds.
    alter_log_dirs_replication_quota_window_size_seconds: i32 = "alter.log.dirs.replication.quota.window.size.seconds",
        default: "1", at_least: 1, importance: Low;
    /// The class that authorizes requests; empty means that every client may do everything.
    authorizer_class_name: String = "authorizer.class.name", default: "", importance: Low;
    /// Whether a topic that a client asks for and that does not exist is created.
    auto_create_topics_enable: bool = "auto.create.topics.enable", default: "true", importance: High;
    /// Whether the controller moves leadership back to preferred replicas by itself.
    auto_leader_rebalance_enable: bool = "auto.leader.rebalance.enable", default: "true", importance: High;
    /// How many threads do background work.
    background_threads: i32 = "background.threads",
        default: "10", at_least: 1, importance: High, dynamic: ClusterWide;
    /// This broker's id; -1 has one generated above reserved.broker.max.id.
    broker_id: i32 = "broker.id", default: "-1", importance: High;
    /// Whether an id may be generated where broker.id is -1.
    broker_id_generation_enable: bool = "broker.id.generation.enable", default: "true", importance: Medium;
    /// The rack this broker stands in, used by replica assignment and by fetching from the nearest replica.
    broker_rack: Option<String> = "broker.rack", importance: Medium;
    /// A class that decides which quota applies to a request (Java only).
    client_quota_callback_class: Option<String> = "client.quota.callback.class",
        kind: Class, importance: Low, support: NotYet;
    /// The codec that topics are kept in where they have no config of their own; 'producer' keeps what the producer chose.
    compression_type: String = "compression.type", default: "producer", importance: High, dynamic: ClusterWide;
    /// How long a connection stays open after failed authentication, in milliseconds; less than connections.max.idle.ms.
    connection_failed_authentication_delay_ms: i32 = "connection.failed.authentication.delay.ms",
        default: "100", at_least: 0, importance: Low;
    /// After how long without a request a connection is closed, in milliseconds.
    connections_max_idle_ms: i64 = "connections.max.idle.ms", default: "600000", importance: Medium;
    /// How long an authenticated connection lasts before it must authenticate again, in milliseconds; 0 for ever.
    connections_max_reauth_ms: i64 = "connections.max.reauth.ms", default: "0", importance: Medium;
    /// The listener that carries only the controller's requests, apart from all others.
    control_plane_listener_name: Option<String> = "control.plane.listener.name", importance: High;
    /// Whether a broker hands its leaderships over before it stops.
    controlled_shutdown_enable: bool = "controlled.shutdown.enable", default: "true", importance: Medium;
    /// How often a failed controlled shutdown is tried again.
    controlled_shutdown_max_retries: i32 = "controlled.shutdown.max.retries", default: "3", importance: Medium;
    /// How long to wait before it is tried again, in milliseconds.
    controlled_shutdown_retry_backoff_ms: i64 = "controlled.shutdown.retry.backoff.ms",
        default: "5000", importance: Medium;
    /// How many windows of samples the quota on topic changes keeps.
    controller_quota_window_num: i32 = "controller.quota.window.num",
        default: "11", at_least: 1, importance: Low;
    /// How long each window of that quota is, in seconds.
    controller_quota_window_size_seconds: i32 = "controller.quota.window.size.seconds",
        default: "1", at_least: 1, importance: Low;
    /// How long the controller waits for a broker's answer, in milliseconds.
    controller_socket_timeout_ms: i32 = "controller.socket.timeout.ms", default: "30000", importance: Medium;
    /// A class that judges topics before they are created (Java only).
    create_topic_policy_class_name: Option<String> = "create.topic.policy.class.name",
        kind: Class, importance: Low, support: NotYet;
    /// How many replicas a topic gets that is created without a replication factor.
    default_replication_factor: i32 = "default.replication.factor", default: "1", importance: Medium;
    /// How often expired delegation tokens are removed, in milliseconds.
    delegation_token_expiry_check_interval_ms: i64 = "delegation.token.expiry.check.interval.ms",
        default: "3600000", at_least: 1, importance: Low, support: NotYet;
    /// How long a delegation token lasts without being renewed, in milliseconds.
    delegation_token_expiry_time_ms: i64 = "delegation.token.expiry.time.ms",
        default: "86400000", at_least: 1, importance: Medium, support: NotYet;
    /// The secret that delegation tokens are made with, the same on all brokers.
    delegation_token_master_key: Option<Password> = "delegation.token.master.key",
        importance: Medium, support: NotYet;
    /// How long a delegation token lasts however often it is renewed, in milliseconds.
    delegation_token_max_lifetime_ms: i64 = "delegation.token.max.lifetime.ms",
        default: "604800000", at_least: 1, importance: Medium, support: NotYet;
    /// After how many finished requests the waiting DeleteRecords requests are swept.
    delete_records_purgatory_purge_interval_requests: i32 = "delete.records.purgatory.purge.interval.requests",
        default: "1", importance: Medium, support: Irrelevant;
    /// Whether topics may be deleted; otherwise requests to delete are dropped.
    delete_topic_enable: bool = "delete.topic.enable", default: "true", importance: High;
    /// The most that one fetch answers with, in bytes, but always at least one batch.
    fetch_max_bytes: i32 = "fetch.max.bytes", default: "57671680", at_least: 1024, importance: Medium;
    /// After how many finished requests the waiting fetches are swept.
    fetch_purgatory_purge_interval_requests: i32 = "fetch.purgatory.purge.interval.requests",
        default: "1000", importance: Medium, support: Irrelevant;
    /// How long the first rebalance of an empty group waits for more members, in milliseconds.
    group_initial_rebalance_delay_ms: i32 = "group.initial.rebalance.delay.ms",
        default: "3000", importance: Medium;
    /// The longest session timeout that a group member may ask for, in milliseconds.
    group_max_session_timeout_ms: i32 = "group.max.session.timeout.ms",
        default: "1800000", importance: Medium;
    /// How many members a group may have.
    group_max_size: i32 = "group.max.size", default: "2147483647", at_least: 1, importance: Medium;
    /// The shortest session timeout that a group member may ask for, in milliseconds.
    group_min_session_timeout_ms: i32 = "group.min.session.timeout.ms",
        default: "6000", importance: Medium;
    /// Deprecated, and used only without listeners: the address to bind to; empty binds to all.
    host_name: String = "host.name", default: "", importance: High;
    /// The listener that brokers talk to each other on; by default that of security.inter.broker.protocol.
    inter_broker_listener_name: Option<String> = "inter.broker.listener.name", importance: Medium;
    /// The version of the protocol between brokers, raised once all of them run the new release.
    inter_broker_protocol_version: KafkaVersion = "inter.broker.protocol.version",
        default: "2.7-IV2", check: Version, importance: Medium;
    /// How often metrics reporters of Kafka's own kind poll, in seconds.
    kafka_metrics_polling_interval_secs: i32 = "kafka.metrics.polling.interval.secs",
        default: "10", at_least: 1, importance: Low, support: NotYet;
    /// Classes of Kafka's own kind that report metrics (Java only).
    kafka_metrics_reporters: Vec<String> = "kafka.metrics.reporters", default: "", importance: Low, support: NotYet;
    /// How often the controller looks for leaders that are not the preferred ones, in seconds.
    leader_imbalance_check_interval_seconds: i64 = "leader.imbalance.check.interval.seconds",
        default: "300", importance: High;
    /// The share of a broker's leaderships, in percent, that may be away from it before they are moved back.
    leader_imbalance_per_broker_percentage: i32 = "leader.imbalance.per.broker.percentage",
        default: "10", importance: High;
    /// The security protocol of each listener name, as NAME:PROTOCOL pairs.
    listener_security_protocol_map: String = "listener.security.protocol.map",
        default: "PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL",
        importance: Low, dynamic: PerBroker;
    /// Where this broker listens: NAME://host:port, parted by commas, names and ports all different; an empty host binds to the default interface.
    listeners: Option<String> = "listeners", importance: High, dynamic: PerBroker;
    /// How long the cleaner sleeps where no log needs it, in milliseconds.
    log_cleaner_backoff_ms: i64 = "log.cleaner.backoff.ms",
        default: "15000", at_least: 0, importance: Medium, dynamic: ClusterWide;
    /// Memory for the offsets of keys over all cleaner threads, in bytes.
    log_cleaner_dedupe_buffer_size: i64 = "log.cleaner.dedupe.buffer.size",
        default: "134217728", importance: Medium, dynamic: ClusterWide;
    /// How long a compacted log keeps the mark of a deleted key, in milliseconds.
    log_cleaner_delete_retention_ms: i64 = "log.cleaner.delete.retention.ms",
        default: "86400000", importance: Medium, dynamic: ClusterWide;
    /// Whether logs are compacted at all.
    log_cleaner_enable: bool = "log.cleaner.enable", default: "true", importance: Medium;
    /// How full the cleaner's memory may get, from 0 to 1.
    log_cleaner_io_buffer_load_factor: f64 = "log.cleaner.io.buffer.load.factor",
        default: "0.9", importance: Medium, dynamic: ClusterWide;
    /// Memory for the cleaner's reading and writing over all its threads, in bytes.
    log_cleaner_io_buffer_size: i32 = "log.cleaner.io.buffer.size",
        default: "524288", at_least: 0, importance: Medium, dynamic: ClusterWide;
    /// The most that the cleaner reads and writes, in bytes a second on average.
    log_cleaner_io_max_bytes_per_second: f64 = "log.cleaner.io.max.bytes.per.second",
        default: "1.7976931348623157E308", importance: Medium, dynamic: ClusterWide;
    /// After how long at most a record is compacted, in milliseconds.
    log_cleaner_max_compaction_lag_ms: i64 = "log.cleaner.max.compaction.lag.ms",
        default: "9223372036854775807", importance: Medium, dynamic: ClusterWide;
    /// The share of a log that must be uncompacted before it is compacted, from 0 to 1.
    log_cleaner_min_cleanable_ratio: f64 = "log.cleaner.min.cleanable.ratio",
        default: "0.5", importance: Medium, dynamic: ClusterWide;
    /// How long at least a record stays uncompacted, in milliseconds.
    log_cleaner_min_compaction_lag_ms: i64 = "log.cleaner.min.compaction.lag.ms",
        default: "0", importance: Medium, dynamic: ClusterWide;
    /// How many threads compact logs.
    log_cleaner_threads: i32 = "log.cleaner.threads",
        default: "1", at_least: 0, importance: Medium, dynamic: ClusterWide;
    /// What happens to old segments: delete, compact, or both.
    log_cleanup_policy: Vec<String> = "log.cleanup.policy",
        default: "delete", list_of: &["compact", "delete"], importance: Medium, dynamic: ClusterWide;
    /// The directory of the logs where log.dirs is not set.
    log_dir: String = "log.dir", default: "/tmp/kafka-logs", importance: High;
    /// The directories of the logs, parted by commas; by default log.dir.
    log_dirs: Option<String> = "log.dirs", importance: High;
    /// After how many records a partition is forced to disk.
    log_flush_interval_messages: i64 = "log.flush.interval.messages",
        default: "9223372036854775807", at_least: 1, importance: High, dynamic: ClusterWide;
    /// After how long at most a record is forced to disk, in milliseconds; by default log.flush.scheduler.interval.ms.
    log_flush_interval_ms: Option<i64> = "log.flush.interval.ms", importance: High, dynamic: ClusterWide;
    /// How often the recovery points are written, in milliseconds.
    log_flush_offset_checkpoint_interval_ms: i32 = "log.flush.offset.checkpoint.interval.ms",
        default: "60000", at_least: 0, importance: High;
    /// How often it is looked whether a log is to be forced to disk, in milliseconds.
    log_flush_scheduler_interval_ms: i64 = "log.flush.scheduler.interval.ms",
        default: "9223372036854775807", importance: High;
    /// How often the log start offsets are written, in milliseconds.
    log_flush_start_offset_checkpoint_interval_ms: i32 = "log.flush.start.offset.checkpoint.interval.ms",
        default: "60000", at_least: 0, importance: High;
    /// After how many bytes of records an entry is added to the offset index.
    log_index_interval_bytes: i32 = "log.index.interval.bytes",
        default: "4096", at_least: 0, importance: Medium, dynamic: ClusterWide;
    /// How large an index may grow, in bytes.
    log_index_size_max_bytes: i32 = "log.index.size.max.bytes",
        default: "10485760", at_least: 4, importance: Medium, dynamic: ClusterWide;
    /// Whether records are converted for consumers that know only older formats.
    log_message_downconversion_enable: bool = "log.message.downconversion.enable",
        default: "true", importance: Low, dynamic: ClusterWide;
    /// The message format that brokers append with, named by a Kafka version.
    log_message_format_version: KafkaVersion = "log.message.format.version",
        default: "2.7-IV2", check: Version, importance: Medium;
    /// How far a record's own timestamp may be from the broker's clock, in milliseconds; without effect with LogAppendTime.
    log_message_timestamp_difference_max_ms: i64 = "log.message.timestamp.difference.max.ms",
        default: "9223372036854775807", importance: Medium, dynamic: ClusterWide;
    /// Whose clock stamps records: the producer's (CreateTime) or the broker's (LogAppendTime).
    log_message_timestamp_type: String = "log.message.timestamp.type",
        default: "CreateTime", one_of: &["CreateTime", "LogAppendTime"], importance: Medium, dynamic: ClusterWide;
    /// Whether a new segment's file is made at its full size.
    log_preallocate: bool = "log.preallocate", default: "false", importance: Medium, dynamic: ClusterWide;
    /// How large a partition may grow before old segments are deleted, in bytes; -1 for no limit.
    log_retention_bytes: i64 = "log.retention.bytes", default: "-1", importance: High, dynamic: ClusterWide;
    /// How often it is looked for segments to delete, in milliseconds.
    log_retention_check_interval_ms: i64 = "log.retention.check.interval.ms",
        default: "300000", at_least: 1, importance: Medium;
    /// How long records are kept, in hours, where neither log.retention.minutes nor .ms is set.
    log_retention_hours: i32 = "log.retention.hours", default: "168", importance: High;
    /// How long records are kept, in minutes, where log.retention.ms is not set.
    log_retention_minutes: Option<i32> = "log.retention.minutes", importance: High;
    /// How long records are kept, in milliseconds; -1 for ever.
    log_retention_ms: Option<i64> = "log.retention.ms", importance: High, dynamic: ClusterWide;
    /// After how long a new segment is begun, in hours, where log.roll.ms is not set.
    log_roll_hours: i32 = "log.roll.hours", default: "168", at_least: 1, importance: High;
    /// The most that is randomly taken off log.roll.hours, in hours, where log.roll.jitter.ms is not set.
    log_roll_jitter_hours: i32 = "log.roll.jitter.hours", default: "0", at_least: 0, importance: High;
    /// The most that is randomly taken off log.roll.ms, in milliseconds.
    log_roll_jitter_ms: Option<i64> = "log.roll.jitter.ms", importance: High, dynamic: ClusterWide;
    /// After how long a new segment is begun, in milliseconds.
    log_roll_ms: Option<i64> = "log.roll.ms", importance: High, dynamic: ClusterWide;
    /// How large a segment may grow, in bytes.
    log_segment_bytes: i32 = "log.segment.bytes",
        default: "1073741824", at_least: 14, importance: High, dynamic: ClusterWide;
    /// How long a deleted segment's files stay on disk, in milliseconds.
    log_segment_delete_delay_ms: i64 = "log.segment.delete.delay.ms",
        default: "60000", at_least: 0, importance: High, dynamic: ClusterWide;
    /// How many connections may be opened, a second.
    max_connection_creation_rate: i32 = "max.connection.creation.rate",
        default: "2147483647", at_least: 0, importance: Medium, dynamic: ClusterWide;
    /// How many connections may be open at once; the listener between brokers is let in even then.
    max_connections: i32 = "max.connections",
        default: "2147483647", at_least: 0, importance: Medium, dynamic: ClusterWide;
    /// How many connections one address may have open.
    max_connections_per_ip: i32 = "max.connections.per.ip",
        default: "2147483647", at_least: 0, importance: Medium, dynamic: ClusterWide;
    /// Other limits for some hosts or addresses, as host:count pairs.
    max_connections_per_ip_overrides: String = "max.connections.per.ip.overrides",
        default: "", importance: Medium, dynamic: ClusterWide;
    /// How many incremental fetch sessions are kept.
    max_incremental_fetch_session_cache_slots: i32 = "max.incremental.fetch.session.cache.slots",
        default: "1000", at_least: 0, importance: Medium;
    /// The largest batch of records that is accepted, in bytes.
    message_max_bytes: i32 = "message.max.bytes",
        default: "1048588", at_least: 0, importance: High, dynamic: ClusterWide;
    /// Classes that report metrics (Java only).
    metric_reporters: Vec<String> = "metric.reporters",
        default: "", importance: Low, dynamic: ClusterWide;
    /// How many samples a metric keeps.
    metrics_num_samples: i32 = "metrics.num.samples", default: "2", at_least: 1, importance: Low, support: NotYet;
    /// How much is measured: INFO or DEBUG.
    metrics_recording_level: String = "metrics.recording.level", default: "INFO", importance: Low, support: NotYet;
    /// How long a metric's sample is, in milliseconds.
    metrics_sample_window_ms: i64 = "metrics.sample.window.ms",
        default: "30000", at_least: 1, importance: Low, support: NotYet;
    /// How many replicas must have a record before a produce with acks=all is acknowledged.
    min_insync_replicas: i32 = "min.insync.replicas",
        default: "1", at_least: 1, importance: High, dynamic: ClusterWide;
    /// How many threads work on requests.
    num_io_threads: i32 = "num.io.threads", default: "8", at_least: 1, importance: High, dynamic: ClusterWide;
    /// How many threads read requests and write answers.
    num_network_threads: i32 = "num.network.threads",
        default: "3", at_least: 1, importance: High, dynamic: ClusterWide;
    /// How many partitions a topic gets that is created without a number of partitions.
    num_partitions: i32 = "num.partitions", default: "1", at_least: 1, importance: Medium;
    /// How many threads a log directory gets for recovery at start and flushing at stop.
    num_recovery_threads_per_data_dir: i32 = "num.recovery.threads.per.data.dir",
        default: "1", at_least: 1, importance: High, dynamic: ClusterWide;
    /// How many threads move replicas between log directories; by default one a directory.
    num_replica_alter_log_dirs_threads: Option<i32> = "num.replica.alter.log.dirs.threads", importance: High;
    /// How many fetchers replicate from each other broker.
    num_replica_fetchers: i32 = "num.replica.fetchers", default: "1", importance: High, dynamic: ClusterWide;
    /// How long the note beside a committed offset may be, in bytes.
    offset_metadata_max_bytes: i32 = "offset.metadata.max.bytes", default: "4096", importance: High;
    /// The acks that an offset commit is appended with.
    offsets_commit_required_acks: i16 = "offsets.commit.required.acks",
        default: "-1", importance: High;
    /// How long an offset commit waits for its replicas, in milliseconds.
    offsets_commit_timeout_ms: i32 = "offsets.commit.timeout.ms",
        default: "5000", at_least: 1, importance: High;
    /// How much is read at once when a coordinator loads its offsets, in bytes.
    offsets_load_buffer_size: i32 = "offsets.load.buffer.size",
        default: "5242880", at_least: 1, importance: High;
    /// How often it is looked for expired offsets, in milliseconds.
    offsets_retention_check_interval_ms: i64 = "offsets.retention.check.interval.ms",
        default: "600000", at_least: 1, importance: High;
    /// How long the offsets of a group without members are kept, in minutes.
    offsets_retention_minutes: i32 = "offsets.retention.minutes",
        default: "10080", at_least: 1, importance: High;
    /// The codec of the offsets topic, by number: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
    offsets_topic_compression_codec: i32 = "offsets.topic.compression.codec",
        default: "0", importance: High;
    /// How many partitions the offsets topic gets; not to be changed later.
    offsets_topic_num_partitions: i32 = "offsets.topic.num.partitions",
        default: "50", at_least: 1, importance: High;
    /// How many replicas the offsets topic gets; it is not created before that many brokers live.
    offsets_topic_replication_factor: i16 = "offsets.topic.replication.factor",
        default: "3", at_least: 1, importance: High;
    /// How large a segment of the offsets topic may grow, in bytes.
    offsets_topic_segment_bytes: i32 = "offsets.topic.segment.bytes",
        default: "104857600", at_least: 1, importance: High;
    /// The cipher that dynamic passwords are kept in.
    password_encoder_cipher_algorithm: String = "password.encoder.cipher.algorithm",
        default: "AES/CBC/PKCS5Padding", importance: Low;
    /// How many rounds their key is derived with.
    password_encoder_iterations: i32 = "password.encoder.iterations",
        default: "4096", at_least: 1024, importance: Low;
    /// How long that key is, in bits.
    password_encoder_key_length: i32 = "password.encoder.key.length",
        default: "128", at_least: 8, importance: Low;
    /// The algorithm that derives it.
    password_encoder_keyfactory_algorithm: Option<String> = "password.encoder.keyfactory.algorithm",
        importance: Low;
    /// The secret that dynamic passwords were encoded with before, while it is being changed.
    password_encoder_old_secret: Option<Password> = "password.encoder.old.secret",
        importance: Medium;
    /// The secret that dynamic passwords are encoded with.
    password_encoder_secret: Option<Password> = "password.encoder.secret", importance: Medium;
    /// Deprecated, and used only without listeners: the port to listen on.
    port: i32 = "port", default: "9092", importance: High;
    /// The class that names the principal of a connection (Java only).
    principal_builder_class: Option<String> = "principal.builder.class",
        kind: Class, importance: Medium, dynamic: PerBroker, support: NotYet;
    /// After how many finished requests the waiting produces are swept.
    producer_purgatory_purge_interval_requests: i32 = "producer.purgatory.purge.interval.requests",
        default: "1000", importance: Medium, support: Irrelevant;
    /// How many bytes of requests may wait before reading stops; -1 for no limit.
    queued_max_request_bytes: i64 = "queued.max.request.bytes", default: "-1", importance: Medium;
    /// How many requests may wait before reading stops.
    queued_max_requests: i32 = "queued.max.requests", default: "500", at_least: 1, importance: High;
    /// Deprecated: the default quota of consumers, in bytes a second.
    quota_consumer_default: i64 = "quota.consumer.default",
        default: "9223372036854775807", at_least: 1, importance: High;
    /// Deprecated: the default quota of producers, in bytes a second.
    quota_producer_default: i64 = "quota.producer.default",
        default: "9223372036854775807", at_least: 1, importance: High;
    /// How many windows of samples client quotas keep.
    quota_window_num: i32 = "quota.window.num", default: "11", at_least: 1, importance: Low;
    /// How long each window of client quotas is, in seconds.
    quota_window_size_seconds: i32 = "quota.window.size.seconds", default: "1", at_least: 1, importance: Low;
    /// How long a follower waits after a failed fetch, in milliseconds.
    replica_fetch_backoff_ms: i32 = "replica.fetch.backoff.ms", default: "1000", at_least: 0, importance: Medium;
    /// The most that a follower asks for of one partition, in bytes, but always at least one batch.
    replica_fetch_max_bytes: i32 = "replica.fetch.max.bytes", default: "1048576", at_least: 0, importance: Medium;
    /// How many bytes a follower's fetch waits for.
    replica_fetch_min_bytes: i32 = "replica.fetch.min.bytes", default: "1", importance: High;
    /// The most that one answer to a follower carries, in bytes, but always at least one batch.
    replica_fetch_response_max_bytes: i32 = "replica.fetch.response.max.bytes",
        default: "10485760", at_least: 0, importance: Medium;
    /// How long a follower's fetch waits for replica.fetch.min.bytes, in milliseconds; less than replica.lag.time.max.ms.
    replica_fetch_wait_max_ms: i32 = "replica.fetch.wait.max.ms", default: "500", importance: High;
    /// How often high watermarks are written to disk, in milliseconds.
    replica_high_watermark_checkpoint_interval_ms: i64 = "replica.high.watermark.checkpoint.interval.ms",
        default: "5000", importance: High;
    /// After how long without catching up a follower leaves the ISR, in milliseconds.
    replica_lag_time_max_ms: i64 = "replica.lag.time.max.ms", default: "30000", importance: High;
    /// The class that chooses the replica a consumer reads from; by default the leader.
    replica_selector_class: Option<String> = "replica.selector.class", importance: Medium;
    /// The receive buffer of a follower's socket, in bytes.
    replica_socket_receive_buffer_bytes: i32 = "replica.socket.receive.buffer.bytes",
        default: "65536", importance: High, support: NotYet;
    /// How long a follower waits for an answer, in milliseconds; at least replica.fetch.wait.max.ms.
    replica_socket_timeout_ms: i32 = "replica.socket.timeout.ms", default: "30000", importance: High;
    /// How many windows of samples the replication quota keeps.
    replication_quota_window_num: i32 = "replication.quota.window.num", default: "11", at_least: 1, importance: Low;
    /// How long each window of that quota is, in seconds.
    replication_quota_window_size_seconds: i32 = "replication.quota.window.size.seconds",
        default: "1", at_least: 1, importance: Low;
    /// How long this broker as a client waits for an answer, in milliseconds.
    request_timeout_ms: i32 = "request.timeout.ms", default: "30000", importance: High;
    /// The largest id that broker.id may be set to; generated ids begin above it.
    reserved_broker_max_id: i32 = "reserved.broker.max.id", default: "1000", at_least: 0, importance: Medium;
    /// A class that answers the SASL client's questions (Java only).
    sasl_client_callback_handler_class: Option<String> = "sasl.client.callback.handler.class",
        kind: Class, importance: Medium, support: NotYet;
    /// The SASL mechanisms that clients may use.
    sasl_enabled_mechanisms: Vec<String> = "sasl.enabled.mechanisms",
        default: "GSSAPI", importance: Medium, dynamic: PerBroker;
    /// The login of a SASL listener in JAAS form, set with the listener's and mechanism's prefix.
    sasl_jaas_config: Option<Password> = "sasl.jaas.config", importance: Medium, dynamic: PerBroker, support: NotYet;
    /// Where Kerberos' kinit lies.
    sasl_kerberos_kinit_cmd: String = "sasl.kerberos.kinit.cmd",
        default: "/usr/bin/kinit", importance: Medium, dynamic: PerBroker, support: NotYet;
    /// How long the login thread sleeps between renewals, in milliseconds.
    sasl_kerberos_min_time_before_relogin: i64 = "sasl.kerberos.min.time.before.relogin",
        default: "60000", importance: Medium, dynamic: PerBroker, support: NotYet;
    /// Rules that turn Kerberos principals into short names.
    sasl_kerberos_principal_to_local_rules: Vec<String> = "sasl.kerberos.principal.to.local.rules",
        default: "DEFAULT", importance: Medium, dynamic: PerBroker, support: NotYet;
    /// The Kerberos principal name that brokers run as.
    sasl_kerberos_service_name: Option<String> = "sasl.kerberos.service.name",
        importance: Medium, dynamic: PerBroker, support: NotYet;
    /// How much chance is put into the time of renewal, as a share.
    sasl_kerberos_ticket_renew_jitter: f64 = "sasl.kerberos.ticket.renew.jitter",
        default: "0.05", importance: Medium, dynamic: PerBroker, support: NotYet;
    /// After which share of its life a ticket is renewed.
    sasl_kerberos_ticket_renew_window_factor: f64 = "sasl.kerberos.ticket.renew.window.factor",
        default: "0.8", importance: Medium, dynamic: PerBroker, support: NotYet;
    /// A class that answers the login's questions (Java only).
    sasl_login_callback_handler_class: Option<String> = "sasl.login.callback.handler.class",
        kind: Class, importance: Medium, support: NotYet;
    /// A class that logs in (Java only).
    sasl_login_class: Option<String> = "sasl.login.class", kind: Class, importance: Medium, support: NotYet;
    /// How long before a credential ends it is refreshed, in seconds.
    sasl_login_refresh_buffer_seconds: i16 = "sasl.login.refresh.buffer.seconds",
        default: "300", importance: Medium, dynamic: PerBroker, support: NotYet;
    /// How long to wait at least between refreshes, in seconds.
    sasl_login_refresh_min_period_seconds: i16 = "sasl.login.refresh.min.period.seconds",
        default: "60", importance: Medium, dynamic: PerBroker, support: NotYet;
    /// After which share of its life a credential is refreshed.
    sasl_login_refresh_window_factor: f64 = "sasl.login.refresh.window.factor",
        default: "0.8", importance: Medium, dynamic: PerBroker, support: NotYet;
    /// How much chance is put into that time, as a share.
    sasl_login_refresh_window_jitter: f64 = "sasl.login.refresh.window.jitter",
        default: "0.05", importance: Medium, dynamic: PerBroker, support: NotYet;
    /// The SASL mechanism between brokers.
    sasl_mechanism_inter_broker_protocol: String = "sasl.mechanism.inter.broker.protocol",
        default: "GSSAPI", importance: Medium, dynamic: PerBroker;
    /// A class that answers the SASL server's questions (Java only).
    sasl_server_callback_handler_class: Option<String> = "sasl.server.callback.handler.class",
        kind: Class, importance: Medium, support: NotYet;
    /// The security protocol between brokers, where inter.broker.listener.name is not set.
    security_inter_broker_protocol: String = "security.inter.broker.protocol",
        default: "PLAINTEXT", importance: Medium;
    /// Classes that provide security algorithms (Java only).
    security_providers: Option<String> = "security.providers", importance: Low, support: NotYet;
    /// The longest that setting up a connection may take after failures, in milliseconds.
    socket_connection_setup_timeout_max_ms: i64 = "socket.connection.setup.timeout.max.ms",
        default: "127000", importance: Medium, support: NotYet;
    /// How long setting up a connection may take at first, in milliseconds.
    socket_connection_setup_timeout_ms: i64 = "socket.connection.setup.timeout.ms",
        default: "10000", importance: Medium, support: NotYet;
    /// The receive buffer of a server socket, in bytes; -1 for the system's.
    socket_receive_buffer_bytes: i32 = "socket.receive.buffer.bytes", default: "102400", importance: High;
    /// The largest request that is read, in bytes.
    socket_request_max_bytes: i32 = "socket.request.max.bytes", default: "104857600", at_least: 1, importance: High;
    /// The send buffer of a server socket, in bytes; -1 for the system's.
    socket_send_buffer_bytes: i32 = "socket.send.buffer.bytes", default: "102400", importance: High;
    /// The cipher suites that may be used; empty for all that are at hand.
    ssl_cipher_suites: Vec<String> = "ssl.cipher.suites",
        default: "", importance: Medium, dynamic: PerBroker, support: NotYet;
    /// Whether clients must, may or need not show a certificate.
    ssl_client_auth: String = "ssl.client.auth",
        default: "none", one_of: &["required", "requested", "none"],
        importance: Medium, dynamic: PerBroker, support: NotYet;
    /// The TLS versions that may be used.
    ssl_enabled_protocols: Vec<String> = "ssl.enabled.protocols",
        default: "TLSv1.2,TLSv1.3", importance: Medium, dynamic: PerBroker, support: NotYet;
    /// How a server's name is checked against its certificate; empty for not at all.
    ssl_endpoint_identification_algorithm: String = "ssl.endpoint.identification.algorithm",
        default: "https", importance: Low, dynamic: PerBroker, support: NotYet;
    /// A class that makes TLS engines (Java only).
    ssl_engine_factory_class: Option<String> = "ssl.engine.factory.class",
        kind: Class, importance: Low, dynamic: PerBroker, support: NotYet;
    /// The password of the private key.
    ssl_key_password: Option<Password> = "ssl.key.password", importance: Medium, dynamic: PerBroker, support: NotYet;
    /// The algorithm that chooses keys (Java's name).
    ssl_keymanager_algorithm: String = "ssl.keymanager.algorithm",
        default: "SunX509", importance: Medium, dynamic: PerBroker, support: NotYet;
    /// The certificate chain in PEM form.
    ssl_keystore_certificate_chain: Option<Password> = "ssl.keystore.certificate.chain",
        importance: Medium, dynamic: PerBroker, support: NotYet;
    /// The private key in PEM form.
    ssl_keystore_key: Option<Password> = "ssl.keystore.key", importance: Medium, dynamic: PerBroker, support: NotYet;
    /// The key store's file.
    ssl_keystore_location: Option<String> = "ssl.keystore.location",
        importance: Medium, dynamic: PerBroker, support: NotYet;
    /// The key store's password.
    ssl_keystore_password: Option<Password> = "ssl.keystore.password",
        importance: Medium, dynamic: PerBroker, support: NotYet;
    /// The key store's format: JKS, PKCS12 or PEM.
    ssl_keystore_type: String = "ssl.keystore.type",
        default: "JKS", importance: Medium, dynamic: PerBroker, support: NotYet;
    /// Rules that turn a certificate's name into a principal.
    ssl_principal_mapping_rules: String = "ssl.principal.mapping.rules",
        default: "DEFAULT", importance: Low, support: NotYet;
    /// The newest TLS version to use.
    ssl_protocol: String = "ssl.protocol",
        default: "TLSv1.3", importance: Medium, dynamic: PerBroker, support: NotYet;
    /// The security provider of TLS (Java's name).
    ssl_provider: Option<String> = "ssl.provider", importance: Medium, dynamic: PerBroker, support: NotYet;
    /// The random generator of TLS (Java's name).
    ssl_secure_random_implementation: Option<String> = "ssl.secure.random.implementation",
        importance: Low, dynamic: PerBroker, support: NotYet;
    /// The algorithm that judges certificates (Java's name).
    ssl_trustmanager_algorithm: String = "ssl.trustmanager.algorithm",
        default: "PKIX", importance: Medium, dynamic: PerBroker, support: NotYet;
    /// The trusted certificates in PEM form.
    ssl_truststore_certificates: Option<Password> = "ssl.truststore.certificates",
        importance: Medium, dynamic: PerBroker, support: NotYet;
    /// The trust store's file.
    ssl_truststore_location: Option<String> = "ssl.truststore.location",
        importance: Medium, dynamic: PerBroker, support: NotYet;
    /// The trust store's password.
    ssl_truststore_password: Option<Password> = "ssl.truststore.password",
        importance: Medium, dynamic: PerBroker, support: NotYet;
    /// The trust store's format: JKS, PKCS12 or PEM.
    ssl_truststore_type: String = "ssl.truststore.type",
        default: "JKS", importance: Medium, dynamic: PerBroker, support: NotYet;
    /// How often transactions that took too long are aborted, in milliseconds.
    transaction_abort_timed_out_transaction_cleanup_interval_ms: i32 = "transaction.abort.timed.out.transaction.cleanup.interval.ms",
        default: "10000", at_least: 1, importance: Low;
    /// The longest timeout that a transaction may ask for, in milliseconds.
    transaction_max_timeout_ms: i32 = "transaction.max.timeout.ms", default: "900000", at_least: 1, importance: High;
    /// How often expired transactional ids are removed, in milliseconds.
    transaction_remove_expired_transaction_cleanup_interval_ms: i32 = "transaction.remove.expired.transaction.cleanup.interval.ms",
        default: "3600000", at_least: 1, importance: Low;
    /// How much is read at once when a coordinator loads its transactions, in bytes.
    transaction_state_log_load_buffer_size: i32 = "transaction.state.log.load.buffer.size",
        default: "5242880", at_least: 1, importance: High;
    /// min.insync.replicas of the transaction topic.
    transaction_state_log_min_isr: i32 = "transaction.state.log.min.isr",
        default: "2", at_least: 1, importance: High;
    /// How many partitions the transaction topic gets; not to be changed later.
    transaction_state_log_num_partitions: i32 = "transaction.state.log.num.partitions",
        default: "50", at_least: 1, importance: High;
    /// How many replicas the transaction topic gets; it is not created before that many brokers live.
    transaction_state_log_replication_factor: i16 = "transaction.state.log.replication.factor",
        default: "3", at_least: 1, importance: High;
    /// How large a segment of the transaction topic may grow, in bytes.
    transaction_state_log_segment_bytes: i32 = "transaction.state.log.segment.bytes",
        default: "104857600", at_least: 1, importance: High;
    /// How long a producer's state is kept without a sign of it, in milliseconds.
    transactional_id_expiration_ms: i32 = "transactional.id.expiration.ms",
        default: "604800000", at_least: 1, importance: High;
    /// Whether a replica that was not in sync may lead where no other is left, at the price of records.
    unclean_leader_election_enable: bool = "unclean.leader.election.enable",
        default: "false", importance: High, dynamic: ClusterWide;
    /// The class of the ZooKeeper client's socket (Java only; TLS needs it there).
    zookeeper_client_cnxn_socket: Option<String> = "zookeeper.clientCnxnSocket", importance: Medium, support: NotYet;
    /// The ensemble: host:port pairs parted by commas, with a chroot behind the last where wanted.
    zookeeper_connect: String = "zookeeper.connect", required: true, importance: High;
    /// How long to wait for the first connection to ZooKeeper, in milliseconds; by default the session timeout.
    zookeeper_connection_timeout_ms: Option<i32> = "zookeeper.connection.timeout.ms", importance: High;
    /// How many requests to ZooKeeper may be unanswered before the next one waits.
    zookeeper_max_in_flight_requests: i32 = "zookeeper.max.in.flight.requests",
        default: "10", at_least: 1, importance: High;
    /// After how long without a sign of life ZooKeeper ends the session, in milliseconds.
    zookeeper_session_timeout_ms: i32 = "zookeeper.session.timeout.ms", default: "18000", importance: High;
    /// Whether znodes are made so that only brokers may change them.
    zookeeper_set_acl: bool = "zookeeper.set.acl", default: "false", importance: High, support: NotYet;
    /// The cipher suites of the connection to ZooKeeper.
    zookeeper_ssl_cipher_suites: Option<Vec<String>> = "zookeeper.ssl.cipher.suites",
        importance: Low, support: NotYet;
    /// Whether to connect to ZooKeeper with TLS.
    zookeeper_ssl_client_enable: bool = "zookeeper.ssl.client.enable",
        default: "false", importance: Medium, support: NotYet;
    /// Whether revocation lists are checked in TLS to ZooKeeper.
    zookeeper_ssl_crl_enable: bool = "zookeeper.ssl.crl.enable", default: "false", importance: Low, support: NotYet;
    /// The TLS versions to use to ZooKeeper.
    zookeeper_ssl_enabled_protocols: Option<Vec<String>> = "zookeeper.ssl.enabled.protocols",
        importance: Low, support: NotYet;
    /// How ZooKeeper's name is checked against its certificate; empty for not at all.
    zookeeper_ssl_endpoint_identification_algorithm: String = "zookeeper.ssl.endpoint.identification.algorithm",
        default: "HTTPS", importance: Low, support: NotYet;
    /// The key store's file for TLS to ZooKeeper.
    zookeeper_ssl_keystore_location: Option<String> = "zookeeper.ssl.keystore.location",
        importance: Medium, support: NotYet;
    /// Its password.
    zookeeper_ssl_keystore_password: Option<Password> = "zookeeper.ssl.keystore.password",
        importance: Medium, support: NotYet;
    /// Its format.
    zookeeper_ssl_keystore_type: Option<String> = "zookeeper.ssl.keystore.type", importance: Medium, support: NotYet;
    /// Whether OCSP is asked in TLS to ZooKeeper.
    zookeeper_ssl_ocsp_enable: bool = "zookeeper.ssl.ocsp.enable", default: "false", importance: Low, support: NotYet;
    /// The TLS version to use to ZooKeeper.
    zookeeper_ssl_protocol: String = "zookeeper.ssl.protocol", default: "TLSv1.2", importance: Low, support: NotYet;
    /// The trust store's file for TLS to ZooKeeper.
    zookeeper_ssl_truststore_location: Option<String> = "zookeeper.ssl.truststore.location",
        importance: Medium, support: NotYet;
    /// Its password.
    zookeeper_ssl_truststore_password: Option<Password> = "zookeeper.ssl.truststore.password",
        importance: Medium, support: NotYet;
    /// Its format.
    zookeeper_ssl_truststore_type: Option<String> = "zookeeper.ssl.truststore.type",
        importance: Medium, support: NotYet;
    /// How far a ZooKeeper follower may be behind its leader, in milliseconds; nothing depends on it.
    zookeeper_sync_time_ms: i32 = "zookeeper.sync.time.ms", default: "2000", importance: Low, support: Irrelevant;
}

/// A broker's settings as read, and what is to be logged about them.
#[derive(Clone, Debug)]
pub struct ReadConfig {
    /// The settings.
    pub config: BrokerConfig,
    /// Lines to log as warnings: keys that do not exist, keys that are not supported yet.
    pub warnings: Vec<String>,
}

impl BrokerConfig {
    /// Reads and checks a broker's properties.
    ///
    /// # Errors
    /// [`ConfigError`] with Kafka's message, of the first thing that is wrong.
    pub fn parse(properties: &Properties) -> Result<Self, ConfigError> {
        Self::read(properties).map(|read| read.config)
    }

    /// As [`BrokerConfig::parse`], with the warnings.
    ///
    /// # Errors
    /// As there.
    pub fn read(properties: &Properties) -> Result<ReadConfig, ConfigError> {
        let mut config = Self::default();
        let mut unknown = Vec::new();
        for (key, value) in properties.iter() {
            let is_known = super::listener::is_prefixed(key) || super::authorizer::is_setting(key);
            if !config.set(key, value)? && !is_known {
                unknown.push(key);
            }
        }
        let missing = ROWS.iter().find(|row| row.is_required() && properties.get(row.key).is_none());
        if let Some(row) = missing {
            return Err(ConfigError::Missing(row.key.to_owned()));
        }
        config.check(properties)?;
        let mut warnings: Vec<_> = unknown
            .iter()
            .map(|key| format!("The configuration '{key}' was supplied but isn't a known config."))
            .collect();
        warnings.extend(config.not_supported(properties));
        Ok(ReadConfig { config, warnings })
    }

    /// A line for every key whose value is not the default, secrets hidden: a line's end, a tab, `key =
    /// value`.
    pub fn changed(&self) -> Vec<String> {
        let default = Self::default();
        let changed = ROWS.iter().filter(|row| self.get(row.key) != default.get(row.key));
        let line = |key| format!("\n\t{key} = {}", self.get(key).unwrap_or_else(|| "null".to_owned()));
        changed.map(|row| line(row.key)).collect()
    }

    /// One warning that names every key that was given, differs from its default and is not supported yet.
    fn not_supported(&self, properties: &Properties) -> Option<String> {
        let default = Self::default();
        let keys: Vec<_> = ROWS
            .iter()
            .filter(|row| row.support == super::rows::Support::NotYet && properties.get(row.key).is_some())
            .filter(|row| self.get(row.key) != default.get(row.key))
            .map(|row| row.key)
            .collect();
        (!keys.is_empty())
            .then(|| format!("These configurations are accepted but not heeded yet: {}", keys.join(", ")))
    }
}
