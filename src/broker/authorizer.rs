//! The broker's authorizer, by its settings: opened before the broker is registered, so that a broker that cannot read
//! the ACLs is never seen.
//!
//! Kafka: `KafkaConfig.authorizer`, `KafkaServer.startup`.

use std::sync::Arc;

use super::StartError;
use crate::config::LiveConfig;
use crate::security::acl_authorizer::{self, AclAuthorizerSettings, AuthorizerClass};
use crate::security::{AclAuthorizer, Authorization};
use crate::zk::ZooKeeper;

/// The plugin if there is one, or else the authorizer that `authorizer.class.name` asks for.
///
/// # Errors
/// A setting of the authorizer is wrong; its ACLs cannot be read.
pub(super) async fn open(
    live: &LiveConfig,
    plugin: Authorization,
    zk: &ZooKeeper,
) -> Result<Authorization, StartError> {
    let settings = live.current();
    let Some(class) = AuthorizerClass::from_name(&settings.broker.authorizer_class_name) else {
        return Ok(plugin);
    };
    if plugin.is_configured() {
        return Ok(plugin);
    }
    let settings = AclAuthorizerSettings::read(class, &settings.pairs, &settings.broker)?;
    let zk = match settings.zookeeper.is_own {
        true => acl_authorizer::connect(&settings.zookeeper).await?,
        false => zk.clone(),
    };
    Ok(Authorization::ByAcls(Arc::new(AclAuthorizer::open(zk, settings).await?)))
}

/// Ends the session of the authorizer, if it has one of its own.
pub(super) async fn close(authorization: &Authorization) {
    if let Some(authorizer) = authorization.acls() {
        authorizer.close().await;
    }
}
