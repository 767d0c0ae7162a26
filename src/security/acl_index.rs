//! All ACLs, and what they decide about one action of one caller.
//!
//! Pure. The cost of a decision does not depend on the ACLs of other resources, nor on those of other principals: the
//! entries of a pattern lie by principal, and the prefixes of a name are found in a sorted map. Kafka:
//! `AclAuthorizer.aclCache`, `matchingAcls`, `AclAuthorizer.authorizeAction`.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use super::acl::{AclOperation, AclResource, AclResourceType};
use super::acl_binding::{AccessControlEntry, AclBinding, AclPermissionType, PatternType, ResourcePattern};
use super::acl_filter::AclBindingFilter;
use super::principal::{KafkaPrincipal, MalformedPrincipal};

/// The entries of a pattern.
#[doc(alias = "VersionedAcls")]
#[derive(Clone, Debug, Default)]
pub struct PatternAcls {
    entries: Vec<AccessControlEntry>,
    /// The version of their znode.
    version: i32,
    /// The positions of the entries of each principal; of those for all users in `of_all_users` instead.
    by_principal: HashMap<KafkaPrincipal, Vec<usize>>,
    of_all_users: Vec<usize>,
}

impl PatternAcls {
    /// These entries, as their znode has them in this version.
    ///
    /// # Errors
    /// The principal of an entry is none.
    pub fn new(entries: Vec<AccessControlEntry>, version: i32) -> Result<Self, MalformedPrincipal> {
        let (mut by_principal, mut of_all_users) = (HashMap::<_, Vec<_>>::new(), Vec::new());
        for (at, entry) in entries.iter().enumerate() {
            let principal: KafkaPrincipal = entry.principal.parse()?;
            match principal.is_wildcard() {
                true => of_all_users.push(at),
                false => by_principal.entry(principal).or_default().push(at),
            }
        }
        Ok(Self { entries, version, by_principal, of_all_users })
    }

    /// The entries, in their order.
    pub fn entries(&self) -> &[AccessControlEntry] {
        &self.entries
    }

    /// The version of their znode.
    pub fn version(&self) -> i32 {
        self.version
    }

    /// The same entries, whose znode has this version now.
    pub fn at_version(self, version: i32) -> Self {
        Self { version, ..self }
    }

    /// An entry for this caller that allows or denies one of these operations.
    fn find(&self, question: &AclQuestion<'_>, wanted: AclPermissionType) -> Option<&AccessControlEntry> {
        let operations: &[_] = match wanted {
            AclPermissionType::Allow => question.operation.implied_by(),
            _ => &[question.operation],
        };
        let matches = |entry: &&AccessControlEntry| {
            entry.permission_type == wanted
                && (entry.operation == AclOperation::All || operations.contains(&entry.operation))
                && (entry.host == "*" || entry.host == question.host)
        };
        let of_caller = self.by_principal.get(question.principal).into_iter().flatten();
        let positions = of_caller.chain(&self.of_all_users);
        positions.filter_map(|at| self.entries.get(*at)).find(matches)
    }
}

/// An action that a caller asks for.
#[derive(Clone, Copy, Debug)]
pub struct AclQuestion<'a> {
    /// The caller.
    pub principal: &'a KafkaPrincipal,
    /// The address that it comes from, as Java writes addresses.
    pub host: &'a str,
    /// The operation.
    pub operation: AclOperation,
    /// The resource.
    pub resource: AclResource<'a>,
}

/// What the ACLs are to an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AclVerdict<'a> {
    /// There is none about the resource.
    NoAcls,
    /// This one denies it.
    DeniedBy(&'a AccessControlEntry),
    /// This one allows it, and none denies it.
    AllowedBy(&'a AccessControlEntry),
    /// There are some, but none about this action.
    NoneMatches,
}

/// All ACLs.
#[derive(Debug, Default)]
pub struct AclIndex {
    by_kind: HashMap<AclResourceType, AclsOfKind>,
}

/// The ACLs about resources of a kind. No pattern is without entries.
#[derive(Debug, Default)]
struct AclsOfKind {
    literal: HashMap<String, PatternAcls>,
    prefixed: BTreeMap<String, PatternAcls>,
}

impl AclIndex {
    /// What the ACLs are to an action.
    pub fn judge(&self, question: &AclQuestion<'_>) -> AclVerdict<'_> {
        let Some(kind) = self.by_kind.get(&question.resource.resource_type) else {
            return AclVerdict::NoAcls;
        };
        let matching = kind.matching(question.resource.name);
        if matching.is_empty() {
            return AclVerdict::NoAcls;
        }
        let find = |wanted| matching.iter().find_map(|acls| acls.find(question, wanted));
        match find(AclPermissionType::Deny) {
            Some(entry) => AclVerdict::DeniedBy(entry),
            None => find(AclPermissionType::Allow).map_or(AclVerdict::NoneMatches, AclVerdict::AllowedBy),
        }
    }

    /// The entries of a pattern; None where it has none.
    pub fn get(&self, pattern: &ResourcePattern) -> Option<&PatternAcls> {
        let kind = self.by_kind.get(&pattern.resource_type)?;
        match pattern.pattern_type {
            PatternType::Literal => kind.literal.get(&pattern.name),
            PatternType::Prefixed => kind.prefixed.get(&pattern.name),
            _ => None,
        }
    }

    /// Replaces the entries of a pattern.
    pub fn set(&mut self, pattern: &ResourcePattern, acls: PatternAcls) {
        let kind = self.by_kind.entry(pattern.resource_type).or_default();
        let name = pattern.name.clone();
        match (pattern.pattern_type, acls.entries.is_empty()) {
            (PatternType::Literal, false) => drop(kind.literal.insert(name, acls)),
            (PatternType::Literal, true) => drop(kind.literal.remove(&name)),
            (PatternType::Prefixed, false) => drop(kind.prefixed.insert(name, acls)),
            (PatternType::Prefixed, true) => drop(kind.prefixed.remove(&name)),
            _ => {}
        }
    }

    /// The patterns that have entries, in Kafka's order: by kind, by type of pattern, names in reverse.
    pub fn patterns(&self) -> Vec<ResourcePattern> {
        let mut patterns: Vec<_> = self.each().map(|(pattern, _)| pattern).collect();
        patterns.sort_by(|a, b| {
            let order = |it: &ResourcePattern| (it.resource_type, it.pattern_type);
            order(a).cmp(&order(b)).then_with(|| b.name.cmp(&a.name))
        });
        patterns
    }

    /// The ACLs that a filter means, in the order of [`AclIndex::patterns`].
    pub fn find(&self, filter: &AclBindingFilter) -> Vec<AclBinding> {
        let patterns = match filter.pattern.named_patterns() {
            Some(named) => named,
            None => self.patterns().into_iter().filter(|it| filter.pattern.matches(it)).collect(),
        };
        let bindings = patterns.into_iter().flat_map(|pattern| {
            let entries = self.get(&pattern).map_or(&[][..], PatternAcls::entries);
            let meant: Vec<_> = entries.iter().filter(|it| filter.matches_entry(it)).cloned().collect();
            meant.into_iter().map(move |entry| AclBinding { pattern: pattern.clone(), entry })
        });
        bindings.collect()
    }

    fn each(&self) -> impl Iterator<Item = (ResourcePattern, &PatternAcls)> {
        self.by_kind.iter().flat_map(|(kind, acls)| {
            let pattern = |name: &String, pattern_type| ResourcePattern {
                resource_type: *kind,
                name: name.clone(),
                pattern_type,
            };
            let literal =
                acls.literal.iter().map(move |(name, it)| (pattern(name, PatternType::Literal), it));
            let prefixed =
                acls.prefixed.iter().map(move |(name, it)| (pattern(name, PatternType::Prefixed), it));
            literal.chain(prefixed)
        })
    }
}

impl AclsOfKind {
    /// The entries of all patterns that match a name.
    fn matching(&self, name: &str) -> Vec<&PatternAcls> {
        let mut matching = self.prefixes_of(name);
        matching.extend(self.literal.get("*"));
        if name != "*" {
            matching.extend(self.literal.get(name));
        }
        matching
    }

    /// The entries of all prefixes of a name, the longest first.
    ///
    /// The greatest prefix that is not after the name is one of it, or shares its beginning with it. All other
    /// prefixes of the name are then no longer than that beginning.
    fn prefixes_of(&self, name: &str) -> Vec<&PatternAcls> {
        let (mut found, mut longest) = (Vec::new(), Some(name));
        while let Some(beginning) = longest
            && let Some((prefix, acls)) = self.prefixed.range::<str, _>(up_to(beginning)).next_back()
        {
            let shared = shared_beginning(prefix, name);
            longest = Some(shared);
            if shared.len() == prefix.len() {
                found.push(acls);
                longest = shared.char_indices().next_back().map(|(last, _)| &shared[..last]);
            }
        }
        found
    }
}

/// All texts up to this one, with it.
fn up_to(text: &str) -> (Bound<&str>, Bound<&str>) {
    (Bound::Unbounded, Bound::Included(text))
}

/// The beginning that two texts share.
fn shared_beginning<'a>(text: &str, other: &'a str) -> &'a str {
    let mut pairs = other.char_indices().zip(text.chars());
    let end = pairs.find(|((_, here), there)| here != there).map(|((at, _), _)| at);
    &other[..end.unwrap_or(text.len().min(other.len()))]
}
