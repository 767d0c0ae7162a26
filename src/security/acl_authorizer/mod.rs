//! The authorizer whose ACLs lie in ZooKeeper.
//!
//! It decides from a copy of all ACLs in memory, which notices keep up to date. It also changes ACLs, for brokers and
//! for tools. Kafka: `AclAuthorizer`, `SimpleAclAuthorizer`.

mod audit;
mod changes;
mod settings;
mod store;

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use self::store::AclStore;
use super::acl_binding::AclBinding;
use super::acl_filter::AclBindingFilter;
use super::acl_index::{AclIndex, AclQuestion, AclVerdict};
use super::authorizer::{AclAction, AuthorizationResult, Authorizer, RequestContext};
use super::principal::KafkaPrincipal;
use crate::base::time::millis;
use crate::base::{Clock, host_address};
use crate::zk::notices::Notices;
use crate::zk::znode::{acl_change, acl_extended_change};
use crate::zk::{ConnectOptions, SessionState, ZkError, ZnodeChange, ZooKeeper};

pub use self::changes::{AclError, DeletedAcl};
pub use self::settings::{AclAuthorizerSettings, AuthorizerClass, AuthorizerZooKeeper};
pub use self::store::AclStoreError;

const TARGET: &str = "kafka.security.authorizer.AclAuthorizer";

/// Decides by ACLs that lie in ZooKeeper.
#[doc(alias = "SimpleAclAuthorizer")]
#[derive(Debug)]
pub struct AclAuthorizer {
    store: AclStore,
    class: AuthorizerClass,
    super_users: HashSet<KafkaPrincipal>,
    /// The result for a resource that no ACL is about.
    without_acls: AuthorizationResult,
    /// Whether patterns of prefixes may be created: brokers before 2.0 do not know them.
    prefixes_allowed: bool,
    index: RwLock<AclIndex>,
    /// Locked by whatever brings a znode and the index together.
    updates: Mutex<()>,
}

impl AclAuthorizer {
    /// Creates the paths that are missing and reads all ACLs.
    ///
    /// # Errors
    /// Failures of ZooKeeper, and a znode that cannot be read: without its ACLs too much might be allowed.
    pub async fn open(zk: ZooKeeper, settings: AclAuthorizerSettings) -> Result<Self, AclStoreError> {
        let store = AclStore { zk };
        store.make_paths().await?;
        let index = store.load().await?;
        let without_acls = match settings.allow_everyone_if_no_acl_found {
            true => AuthorizationResult::Allowed,
            false => AuthorizationResult::Denied,
        };
        Ok(Self {
            store,
            class: settings.class,
            super_users: settings.super_users,
            without_acls,
            prefixes_allowed: settings.prefixes_allowed,
            index: RwLock::new(index),
            updates: Mutex::new(()),
        })
    }

    /// The ACLs that a filter means.
    pub fn acls(&self, filter: &AclBindingFilter) -> Vec<AclBinding> {
        self.index.read().find(filter)
    }

    /// Reads the ACLs of every notice until `stop`, and all of them after a session has ended: notices may have been
    /// deleted meanwhile.
    pub async fn follow(self: Arc<Self>, clock: Clock, stop: CancellationToken) {
        let zk = self.store.zk.clone();
        let mut of_parents = [
            Notices::new(acl_change::PARENT, acl_change::PREFIX),
            Notices::new(acl_extended_change::PARENT, acl_extended_change::PREFIX),
        ];
        let mut generation = zk.generation();
        let mut watches = zk.watches();
        watches.watch_children(acl_change::PARENT);
        watches.watch_children(acl_extended_change::PARENT);
        let following = async {
            while let Some(change) = watches.next().await {
                match change {
                    ZnodeChange::Session(SessionState { generation: now, connected: true })
                        if now != generation =>
                    {
                        generation = now;
                        self.reload().await;
                    }
                    ZnodeChange::Children { path, children: Some(children), .. } => {
                        let of_parent = &mut of_parents[usize::from(path != acl_change::PARENT)];
                        for (notice, data) in of_parent.unread(&zk, &children).await {
                            self.take_notice(&path, &notice, &data).await;
                        }
                        of_parent.sweep(&zk, &children, clock.now()).await;
                    }
                    _ => {}
                }
            }
        };
        stop.run_until_cancelled(following).await;
    }

    /// Ends the session with the ensemble.
    pub async fn close(&self) {
        self.store.zk.close().await;
    }

    /// Reads all ACLs again. Where that fails, those that were known stay in force.
    async fn reload(&self) {
        let _updating = self.updates.lock().await;
        match self.store.load().await {
            Ok(index) => *self.index.write() = index,
            Err(AclStoreError::ZooKeeper(ZkError::Closed)) => {}
            Err(error) => log::error!(target: TARGET, "The ACLs could not be read again: {error}"),
        }
    }

    /// Reads the ACLs that have changed by a notice. A notice that cannot be read is logged.
    async fn take_notice(&self, parent: &str, path: &str, data: &[u8]) {
        let _updating = self.updates.lock().await;
        let taken = async {
            let pattern = store::pattern_of_notice(parent, data).map_err(|error| error.to_string())?;
            let acls =
                self.store.read(&pattern).await.map_err(|error| error.to_string())?.unwrap_or_default();
            log::info!(
                target: TARGET,
                "Processing Acl change notification for {pattern}, versionedAcls : {}, zkVersion : {}",
                audit::set(acls.entries()),
                acls.version()
            );
            self.index.write().set(&pattern, acls);
            Ok::<_, String>(())
        };
        if let Err(error) = taken.await {
            let notice = String::from_utf8_lossy(data);
            log::error!(
                target: "kafka.common.ZkNodeChangeNotificationListener",
                "error processing change notification {notice} from {path}: {error}"
            );
        }
    }

    fn is_super_user(&self, principal: &KafkaPrincipal) -> bool {
        let is_one = self.super_users.contains(principal);
        if is_one {
            audit::super_user(principal);
        }
        is_one
    }

    fn is_allowed_by_acls(&self, question: &AclQuestion<'_>) -> bool {
        let index = self.index.read();
        match index.judge(question) {
            AclVerdict::NoAcls => {
                let is_allowed = self.without_acls == AuthorizationResult::Allowed;
                audit::without_acls(question, is_allowed);
                is_allowed
            }
            AclVerdict::DeniedBy(entry) => {
                audit::decided_by(question, entry);
                false
            }
            AclVerdict::AllowedBy(entry) => {
                audit::decided_by(question, entry);
                true
            }
            AclVerdict::NoneMatches => false,
        }
    }
}

/// Opens a session of an authorizer's own.
///
/// # Errors
/// The connect string is none; no server answers in time.
pub async fn connect(at: &AuthorizerZooKeeper) -> Result<ZooKeeper, ZkError> {
    let options = ConnectOptions {
        session_timeout: millis(at.session_timeout_ms),
        connection_timeout: millis(at.connection_timeout_ms),
        make_chroot: false,
        max_in_flight: usize::try_from(at.max_in_flight_requests).unwrap_or(1),
    };
    ZooKeeper::connect(&at.connect, options).await
}

impl Authorizer for AclAuthorizer {
    fn authorize(&self, context: &RequestContext<'_>, action: &AclAction<'_>) -> AuthorizationResult {
        let host = host_address(context.address);
        let question = AclQuestion {
            principal: context.principal,
            host: &host,
            operation: action.operation,
            resource: action.resource,
        };
        let is_allowed = self.is_super_user(context.principal) || self.is_allowed_by_acls(&question);
        let result = if is_allowed { AuthorizationResult::Allowed } else { AuthorizationResult::Denied };
        audit::decision(self.class, context, action, &question, result);
        result
    }
}
