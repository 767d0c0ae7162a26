//! ACLs created and deleted: each pattern's znode is written if it has the version that was read, and again otherwise.
//!
//! Kafka: `AclAuthorizer.createAcls`, `deleteAcls`, `updateResourceAcls`, `AclCreateResult`, `AclDeleteResult`.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use futures_util::future::join_all;

use super::store::MOST_RETRIES;
use super::{AclAuthorizer, AclStoreError, AuthorizerClass, TARGET};
use crate::security::acl_binding::{AccessControlEntry, AclBinding, PatternType, ResourcePattern};
use crate::security::acl_filter::AclBindingFilter;
use crate::security::acl_index::PatternAcls;
use crate::security::principal::KafkaPrincipal;

/// Why an ACL was not created or deleted.
#[derive(Debug, thiserror::Error)]
pub enum AclError {
    /// It is none that can be created. The message is Kafka's for all reasons.
    #[error("Failed to create ACL")]
    Refused,
    /// Brokers before 2.0 would not know it.
    #[error(
        "Adding ACLs on prefixed resource patterns requires inter.broker.protocol.version of 2.0-IV1 or greater"
    )]
    PrefixesNotAllowed,
    /// Its principal is none; only the older class has this answer.
    #[error("{0}")]
    MalformedPrincipal(String),
    /// It could not be written.
    #[error("{0}")]
    Failed(String),
}

/// An ACL that a filter meant, and whether it was deleted.
#[derive(Debug)]
pub struct DeletedAcl {
    /// The ACL.
    pub binding: AclBinding,
    /// Whether it was deleted.
    pub outcome: Result<(), AclError>,
}

impl AclAuthorizer {
    /// Creates ACLs; what exists already stays as it is. The results are in the order of the ACLs.
    pub async fn create_acls(&self, bindings: &[AclBinding]) -> Vec<Result<(), AclError>> {
        let mut results: Vec<_> = bindings.iter().map(|binding| self.admit(binding)).collect();
        let mut by_pattern: BTreeMap<&ResourcePattern, Vec<usize>> = BTreeMap::new();
        for (at, binding) in bindings.iter().enumerate().filter(|(at, _)| results[*at].is_ok()) {
            by_pattern.entry(&binding.pattern).or_default().push(at);
        }
        let _updating = self.updates.lock().await;
        let updates = by_pattern.into_iter().map(|(pattern, positions)| async move {
            let added = || positions.iter().map(|at| bindings[*at].entry.clone());
            let updated = self.update(pattern, |present| union(present, added())).await;
            (positions, updated)
        });
        for (positions, updated) in join_all(updates).await {
            let Err(error) = updated else { continue };
            for at in positions {
                results[at] = Err(AclError::Failed(error.to_string()));
            }
        }
        results
    }

    /// Deletes the ACLs that filters mean; for each filter those that no filter before it means.
    pub async fn delete_acls(&self, filters: &[AclBindingFilter]) -> Vec<Vec<DeletedAcl>> {
        let mut deleted: Vec<_> = filters.iter().map(|_| Vec::new()).collect();
        let _updating = self.updates.lock().await;
        let patterns = self.patterns_meant(filters);
        let updates = patterns.iter().map(|pattern| self.delete_acls_of(pattern, filters));
        for (filter, acl) in join_all(updates).await.into_iter().flatten() {
            deleted[filter].push(acl);
        }
        deleted
    }

    /// Deletes the ACLs of a pattern that filters mean; each stands behind the position of the first filter that means
    /// it.
    async fn delete_acls_of(
        &self,
        pattern: &ResourcePattern,
        filters: &[AclBindingFilter],
    ) -> Vec<(usize, DeletedAcl)> {
        let meant_by = |entry: &AccessControlEntry| {
            filters.iter().position(|it| it.pattern.matches(pattern) && it.matches_entry(entry))
        };
        let mut meant = Vec::new();
        let updated = self
            .update(pattern, |present| {
                meant.clear();
                let left = |entry: &&AccessControlEntry| match meant_by(entry) {
                    Some(filter) => {
                        meant.push((filter, AccessControlEntry::clone(entry)));
                        false
                    }
                    None => true,
                };
                present.iter().filter(left).cloned().collect()
            })
            .await;
        let acl = |entry| DeletedAcl {
            binding: AclBinding { pattern: pattern.clone(), entry },
            outcome: match &updated {
                Ok(()) => Ok(()),
                Err(error) => Err(AclError::Failed(error.to_string())),
            },
        };
        meant.into_iter().map(|(filter, entry)| (filter, acl(entry))).collect()
    }

    /// Whether an ACL can be created.
    fn admit(&self, binding: &AclBinding) -> Result<(), AclError> {
        let refused = match self.class {
            _ if binding.indefinite_field().is_some() => AclError::Refused,
            class if !self.prefixes_allowed && binding.pattern.pattern_type == PatternType::Prefixed => {
                match class {
                    AuthorizerClass::Acl => AclError::Refused,
                    AuthorizerClass::Simple => AclError::PrefixesNotAllowed,
                }
            }
            AuthorizerClass::Simple => match binding.entry.principal.parse::<KafkaPrincipal>() {
                Ok(_) => return Ok(()),
                Err(error) => AclError::MalformedPrincipal(error.to_string()),
            },
            AuthorizerClass::Acl => return Ok(()),
        };
        Err(refused)
    }

    /// The patterns that any of the filters means: those that it names, and of those that are known the others.
    fn patterns_meant(&self, filters: &[AclBindingFilter]) -> Vec<ResourcePattern> {
        let mut meant: Vec<ResourcePattern> = Vec::new();
        if filters.iter().any(|filter| filter.pattern.named_patterns().is_none()) {
            let known = self.index.read().patterns().into_iter();
            meant.extend(known.filter(|it| filters.iter().any(|filter| filter.pattern.matches(it))));
        }
        meant.extend(filters.iter().filter_map(|filter| filter.pattern.named_patterns()).flatten());
        let mut seen = HashSet::new();
        meant.retain(|pattern| seen.insert(pattern.clone()));
        meant
    }

    /// Changes the entries of a pattern, in ZooKeeper and here, and notifies the other brokers if that makes a
    /// difference.
    async fn update(
        &self,
        pattern: &ResourcePattern,
        mut change: impl FnMut(&[AccessControlEntry]) -> Vec<AccessControlEntry>,
    ) -> Result<(), AclStoreError> {
        let known = self.index.read().get(pattern).cloned();
        let mut present = match known {
            Some(known) => Some(known),
            None => self.store.read(pattern).await?,
        };
        for _ in 0..=MOST_RETRIES {
            let before = present.as_ref().map_or(&[][..], PatternAcls::entries);
            let entries = change(before);
            let is_changed = before.len() != entries.len();
            let version = present.as_ref().map(PatternAcls::version);
            let acls =
                PatternAcls::new(entries, 0).map_err(|error| AclStoreError::Malformed(error.to_string()))?;
            let written = match (acls.entries(), version) {
                ([], None) => Some(0),
                ([], Some(version)) => self.store.delete(pattern, version).await?.then_some(0),
                (entries, version) => self.store.write(pattern, entries, version).await?,
            };
            if let Some(version) = written {
                self.index.write().set(pattern, acls.at_version(version));
                return if is_changed { self.store.notify(pattern).await } else { Ok(()) };
            }
            log::trace!(target: TARGET, "Failed to update ACLs for {pattern}. Used version {version:?}. Reading data and retrying update.");
            tokio::time::sleep(Duration::from_millis(fastrand::u64(100..150))).await;
            present = self.store.read(pattern).await?;
        }
        Err(AclStoreError::Contended(pattern.clone()))
    }
}

/// The entries, and behind them those of the others that are not among them.
fn union(
    present: &[AccessControlEntry],
    others: impl Iterator<Item = AccessControlEntry>,
) -> Vec<AccessControlEntry> {
    let mut seen: HashSet<_> = present.iter().cloned().collect();
    let added = others.filter(|it| seen.insert(it.clone()));
    let mut all = present.to_vec();
    all.extend(added.collect::<Vec<_>>());
    all
}
