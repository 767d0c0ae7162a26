//! Filters of ACLs: which of them are described or deleted.
//!
//! Pure. Kafka: `AclBindingFilter`, `ResourcePatternFilter`, `AccessControlEntryFilter`.

use std::fmt;

use super::acl::{AclOperation, AclResourceType};
use super::acl_binding::{AccessControlEntry, AclBinding, AclPermissionType, PatternType, ResourcePattern};

/// Which ACLs are meant. [`AclBindingFilter::any`] and the functions behind it narrow it down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AclBindingFilter {
    /// The resources of the ACLs.
    pub pattern: ResourcePatternFilter,
    /// Their principal; None for all.
    pub principal: Option<String>,
    /// Their host; None for all.
    pub host: Option<String>,
    /// Their operation.
    pub operation: AclOperation,
    /// Their permission.
    pub permission_type: AclPermissionType,
}

/// Which patterns are meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourcePatternFilter {
    /// Their kind of resource.
    pub resource_type: AclResourceType,
    /// Their name, or that of a resource that they match; None for all.
    pub name: Option<String>,
    /// Which of the two, or which type of pattern.
    pub pattern_type: PatternType,
}

impl ResourcePatternFilter {
    /// All patterns.
    pub const ANY: Self =
        Self { resource_type: AclResourceType::Any, name: None, pattern_type: PatternType::Any };

    /// Whether the pattern is among them.
    pub fn matches(&self, pattern: &ResourcePattern) -> bool {
        let of_kind =
            self.resource_type == AclResourceType::Any || self.resource_type == pattern.resource_type;
        let of_type = matches!(self.pattern_type, PatternType::Any | PatternType::Match)
            || self.pattern_type == pattern.pattern_type;
        let Some(name) = &self.name else { return of_kind && of_type };
        let named = match (self.pattern_type, pattern.pattern_type) {
            (PatternType::Match, PatternType::Literal) => *name == pattern.name || pattern.name == "*",
            (PatternType::Match, _) => name.starts_with(&pattern.name),
            _ => *name == pattern.name,
        };
        of_kind && of_type && named
    }

    /// The patterns that are meant, where it names them; None where only the patterns that exist can show it.
    pub fn named_patterns(&self) -> Option<Vec<ResourcePattern>> {
        let name = self.name.as_ref()?;
        let types: &[_] = match self.pattern_type {
            PatternType::Literal => &[PatternType::Literal],
            PatternType::Prefixed => &[PatternType::Prefixed],
            PatternType::Any => &[PatternType::Literal, PatternType::Prefixed],
            PatternType::Match | PatternType::Unknown => return None,
        };
        if matches!(self.resource_type, AclResourceType::Any | AclResourceType::Unknown) {
            return None;
        }
        let pattern = |pattern_type: &PatternType| ResourcePattern {
            resource_type: self.resource_type,
            name: name.clone(),
            pattern_type: *pattern_type,
        };
        Some(types.iter().map(pattern).collect())
    }
}

impl fmt::Display for ResourcePatternFilter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "ResourcePattern(resourceType={}, name={}, patternType={})",
            self.resource_type.constant(),
            self.name.as_deref().unwrap_or("<any>"),
            self.pattern_type.constant()
        )
    }
}

impl AclBindingFilter {
    /// All ACLs.
    pub fn any() -> Self {
        Self {
            pattern: ResourcePatternFilter::ANY,
            principal: None,
            host: None,
            operation: AclOperation::Any,
            permission_type: AclPermissionType::Any,
        }
    }

    /// The one ACL that is this one.
    pub fn exactly(binding: &AclBinding) -> Self {
        let AclBinding { pattern, entry } = binding.clone();
        let ResourcePattern { resource_type, name, pattern_type } = pattern;
        Self::entry(ResourcePatternFilter { resource_type, name: Some(name), pattern_type }, entry)
    }

    /// The ACLs of these patterns that have this entry.
    pub fn entry(pattern: ResourcePatternFilter, entry: AccessControlEntry) -> Self {
        Self {
            pattern,
            principal: Some(entry.principal),
            host: Some(entry.host),
            operation: entry.operation,
            permission_type: entry.permission_type,
        }
    }

    /// Those of these patterns.
    pub fn pattern(self, pattern: ResourcePatternFilter) -> Self {
        Self { pattern, ..self }
    }

    /// Those about resources of a kind.
    pub fn resource_type(mut self, resource_type: AclResourceType) -> Self {
        self.pattern.resource_type = resource_type;
        self
    }

    /// Those about a name, by patterns of this type.
    pub fn resource_name(mut self, name: impl Into<String>, pattern_type: PatternType) -> Self {
        self.pattern.name = Some(name.into());
        self.pattern.pattern_type = pattern_type;
        self
    }

    /// Those of a principal, as `User:name`.
    pub fn principal(self, principal: impl Into<String>) -> Self {
        Self { principal: Some(principal.into()), ..self }
    }

    /// Those of a host.
    pub fn host(self, host: impl Into<String>) -> Self {
        Self { host: Some(host.into()), ..self }
    }

    /// Those about an operation.
    pub fn operation(self, operation: AclOperation) -> Self {
        Self { operation, ..self }
    }

    /// Those with a permission.
    pub fn permission_type(self, permission_type: AclPermissionType) -> Self {
        Self { permission_type, ..self }
    }

    /// Whether it has no unknown element, of which no broker can have a notion.
    pub fn is_known(&self) -> bool {
        self.pattern.resource_type != AclResourceType::Unknown
            && self.pattern.pattern_type != PatternType::Unknown
            && self.operation != AclOperation::Unknown
            && self.permission_type != AclPermissionType::Unknown
    }

    /// Whether an entry of a pattern that is meant is meant.
    pub fn matches_entry(&self, entry: &AccessControlEntry) -> bool {
        self.principal.as_ref().is_none_or(|it| *it == entry.principal)
            && self.host.as_ref().is_none_or(|it| *it == entry.host)
            && (self.operation == AclOperation::Any || self.operation == entry.operation)
            && (self.permission_type == AclPermissionType::Any
                || self.permission_type == entry.permission_type)
    }

    /// Whether the ACL is meant.
    pub fn matches(&self, binding: &AclBinding) -> bool {
        self.pattern.matches(&binding.pattern) && self.matches_entry(&binding.entry)
    }
}

impl fmt::Display for AclBindingFilter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "(patternFilter={}, entryFilter=(principal={}, host={}, operation={}, permissionType={}))",
            self.pattern,
            self.principal.as_deref().unwrap_or("<any>"),
            self.host.as_deref().unwrap_or("<any>"),
            self.operation.constant(),
            self.permission_type.constant()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(name: &str, pattern_type: PatternType) -> ResourcePattern {
        ResourcePattern { resource_type: AclResourceType::Topic, name: name.to_owned(), pattern_type }
    }

    fn matched(name: &str, pattern_type: PatternType) -> Vec<&'static str> {
        use PatternType::{Literal, Prefixed};
        let filter = AclBindingFilter::any().resource_name(name, pattern_type).pattern;
        let all = [("abc", Literal), ("ab", Prefixed), ("abc", Prefixed), ("*", Literal), ("b", Prefixed)];
        let texts = ["abc", "ab..", "abc..", "*", "b.."];
        let found = all.into_iter().zip(texts).filter(|((name, it), _)| filter.matches(&pattern(name, *it)));
        found.map(|(_, text)| text).collect()
    }

    #[test]
    fn a_filter_names_patterns_or_a_resource_that_they_match() {
        assert_eq!(matched("abc", PatternType::Literal), ["abc"]);
        assert_eq!(matched("abc", PatternType::Prefixed), ["abc.."]);
        assert_eq!(matched("abc", PatternType::Any), ["abc", "abc.."]);
        assert_eq!(matched("abc", PatternType::Match), ["abc", "ab..", "abc..", "*"]);
        assert_eq!(matched("*", PatternType::Any), ["*"]);
        assert_eq!(matched("abc", PatternType::Unknown), [""; 0]);
        assert!(ResourcePatternFilter::ANY.matches(&pattern("x", PatternType::Prefixed)));
    }

    #[test]
    fn a_filter_that_names_patterns_means_them_though_they_are_not_known() {
        let filter = AclBindingFilter::any().resource_type(AclResourceType::Topic);
        let named = |pattern_type| {
            let named = filter.clone().resource_name("t", pattern_type).pattern.named_patterns();
            named.map(|all| all.iter().map(|it| it.pattern_type).collect::<Vec<_>>())
        };
        assert_eq!(named(PatternType::Any), Some(vec![PatternType::Literal, PatternType::Prefixed]));
        assert_eq!(named(PatternType::Prefixed), Some(vec![PatternType::Prefixed]));
        assert_eq!(named(PatternType::Match), None);
        assert_eq!(filter.pattern.named_patterns(), None);
        let of_all_kinds = AclBindingFilter::any().resource_name("t", PatternType::Literal);
        assert_eq!(of_all_kinds.pattern.named_patterns(), None);
    }

    #[test]
    fn an_entry_is_meant_where_nothing_about_it_is_excluded() {
        let acl = AclBinding::allow("User:a", AclOperation::Read, AclResourceType::Topic, "t");
        assert!(AclBindingFilter::any().matches(&acl) && AclBindingFilter::exactly(&acl).matches(&acl));
        assert!(AclBindingFilter::any().principal("User:a").host("*").matches(&acl));
        assert!(!AclBindingFilter::any().principal("User:b").matches(&acl));
        assert!(!AclBindingFilter::any().host("127.0.0.1").matches(&acl), "a filter's host is no client's");
        assert!(!AclBindingFilter::any().operation(AclOperation::All).matches(&acl));
        assert!(!AclBindingFilter::any().permission_type(AclPermissionType::Deny).matches(&acl));
        assert!(!AclBindingFilter::any().resource_type(AclResourceType::Group).matches(&acl));
    }

    #[test]
    fn a_filter_has_no_unknown_element() {
        assert!(AclBindingFilter::any().is_known());
        assert!(!AclBindingFilter::any().operation(AclOperation::Unknown).is_known());
    }
}
