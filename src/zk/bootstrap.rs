//! What every cluster has: the persistent parents, created by the first broker, and the cluster's id.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::ZooKeeper;
use super::op::{CreateMode, ZkError};
use super::znode::{
    broker, broker_sequence, cluster_id, config_change, config_entity, delete_topic, isr_change,
    log_dir_event, producer_id_block, topic,
};

/// Creates every persistent path that is missing, in Kafka's order (`KafkaZkClient.createTopLevelPaths`).
///
/// # Errors
/// Failures of ZooKeeper.
pub async fn make_paths(zk: &ZooKeeper) -> Result<(), ZkError> {
    let fixed = [
        "/consumers",
        broker::PARENT,
        topic::PARENT,
        config_change::PARENT,
        delete_topic::PARENT,
        broker_sequence::PATH,
        isr_change::PARENT,
        producer_id_block::PATH,
        log_dir_event::PARENT,
    ];
    let kinds = config_entity::EntityType::ALL.map(config_entity::EntityType::parent);
    for path in fixed.into_iter().chain(kinds.iter().map(String::as_str)) {
        match zk.create_recursive(path, b"", CreateMode::Persistent).await {
            Ok(_) | Err(ZkError::NodeExists) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The cluster's id, which is generated if it has none (`createOrGetClusterId`).
///
/// # Errors
/// Failures of ZooKeeper, and [`ZkError::Other`] where `/cluster/id` holds none.
pub async fn cluster_id(zk: &ZooKeeper) -> Result<String, ZkError> {
    loop {
        if let Some((data, _)) = zk.get(cluster_id::PATH).await? {
            return cluster_id::decode(&data).map_err(|error| ZkError::Other(error.to_string()));
        }
        let proposed = URL_SAFE_NO_PAD.encode(uuid::Uuid::new_v4().as_bytes());
        match zk
            .create_recursive(cluster_id::PATH, &cluster_id::encode(&proposed), CreateMode::Persistent)
            .await
        {
            Ok(_) | Err(ZkError::NodeExists) => {}
            Err(error) => return Err(error),
        }
    }
}
