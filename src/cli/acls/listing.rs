//! The ACLs that there are, as text and as JSON.
//!
//! Pure. Kafka: `AclCommand.printResourceAcls`.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;

use serde::Serialize;

use crate::security::{AccessControlEntry, AclBinding, ResourcePattern};

/// The ACLs of a command, by resource.
#[derive(Debug, Serialize)]
pub(super) struct AclListing {
    /// The principals whose ACLs are listed one after another; all ACLs at once where there are none.
    #[serde(skip)]
    principals: Vec<String>,
    #[serde(skip)]
    found: Vec<FoundAcls>,
    resources: Vec<ListedResource>,
}

/// The entries of a pattern.
#[derive(Debug)]
struct FoundAcls {
    pattern: ResourcePattern,
    entries: Vec<AccessControlEntry>,
}

/// A resource with ACLs, in the names of the constants of Kafka's.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedResource {
    resource_type: &'static str,
    name: String,
    pattern_type: &'static str,
    acls: Vec<ListedEntry>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedEntry {
    principal: String,
    host: String,
    operation: &'static str,
    permission_type: &'static str,
}

impl AclListing {
    /// The listing of these ACLs. One that several filters found stands once.
    pub fn of(bindings: Vec<AclBinding>, principals: Vec<String>) -> Self {
        let mut found: Vec<FoundAcls> = Vec::new();
        let mut at = HashMap::new();
        let mut seen = HashSet::new();
        for binding in bindings {
            if !seen.insert(binding.clone()) {
                continue;
            }
            let AclBinding { pattern, entry } = binding;
            let position = *at.entry(pattern.clone()).or_insert(found.len());
            if position == found.len() {
                found.push(FoundAcls { pattern, entries: Vec::new() });
            }
            found[position].entries.push(entry);
        }
        let resources = found.iter().filter_map(|it| ListedResource::of(it, &principals)).collect();
        Self { principals, found, resources }
    }

    /// What Kafka's tool prints.
    pub fn text(&self) -> Vec<String> {
        if self.principals.is_empty() {
            return self.found.iter().filter_map(|it| it.text(|_| true)).collect();
        }
        let of_principal = |principal: &String| {
            let head = format!("ACLs for principal `{principal}`");
            let resources = self.found.iter().filter_map(|it| it.text(|entry| entry.principal == *principal));
            [vec![head], resources.collect()].concat()
        };
        self.principals.iter().flat_map(of_principal).collect()
    }
}

impl FoundAcls {
    /// The entries that are wanted; None where there are none.
    fn text(&self, is_wanted: impl Fn(&&AccessControlEntry) -> bool) -> Option<String> {
        let wanted: Vec<_> = self.entries.iter().filter(is_wanted).collect();
        let text = || format!("Current ACLs for resource `{}`: \n {} \n", self.pattern, lines(&wanted));
        (!wanted.is_empty()).then(text)
    }
}

impl ListedResource {
    fn of(found: &FoundAcls, principals: &[String]) -> Option<Self> {
        let is_wanted =
            |it: &&AccessControlEntry| principals.is_empty() || principals.contains(&it.principal);
        let acls: Vec<_> = found.entries.iter().filter(is_wanted).map(ListedEntry::of).collect();
        let ResourcePattern { resource_type, name, pattern_type } = &found.pattern;
        (!acls.is_empty()).then(|| Self {
            resource_type: resource_type.constant(),
            name: name.clone(),
            pattern_type: pattern_type.constant(),
            acls,
        })
    }
}

impl ListedEntry {
    fn of(entry: &AccessControlEntry) -> Self {
        Self {
            principal: entry.principal.clone(),
            host: entry.host.clone(),
            operation: entry.operation.constant(),
            permission_type: entry.permission_type.constant(),
        }
    }
}

/// Entries, a line each, behind tabs.
pub(super) fn lines(entries: &[impl Display]) -> String {
    entries.iter().map(|entry| format!("\t{entry}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::{AclOperation, AclResourceType};

    fn allowed(principal: &str, topic: &str) -> AclBinding {
        AclBinding::allow(principal, AclOperation::Read, AclResourceType::Topic, topic)
    }

    #[test]
    fn acls_stand_below_their_resource_each_once() {
        let found = vec![
            allowed("User:a", "t"),
            allowed("User:a", "u"),
            allowed("User:b", "t"),
            allowed("User:a", "t"),
        ];
        let text = AclListing::of(found, Vec::new()).text();
        let of_t = "Current ACLs for resource `ResourcePattern(resourceType=TOPIC, name=t, patternType=LITERAL)`: \n \
                    \t(principal=User:a, host=*, operation=READ, permissionType=ALLOW)\n\
                    \t(principal=User:b, host=*, operation=READ, permissionType=ALLOW) \n";
        assert_eq!(text.len(), 2);
        assert_eq!(text[0], of_t);
    }

    #[test]
    fn principals_have_the_resources_that_they_have_acls_of() {
        let found = vec![allowed("User:a", "t"), allowed("User:b", "u")];
        let listing = AclListing::of(found, ["User:b", "User:c"].map(str::to_owned).to_vec());
        let text = listing.text();
        assert_eq!(text.len(), 3);
        assert_eq!((&*text[0], &*text[2]), ("ACLs for principal `User:b`", "ACLs for principal `User:c`"));
        assert!(text[1].contains("name=u"));
        assert_eq!(
            serde_json::to_string(&listing).unwrap(),
            r#"{"resources":[{"resourceType":"TOPIC","name":"u","patternType":"LITERAL","acls":[{"principal":"User:b","host":"*","operation":"READ","permissionType":"ALLOW"}]}]}"#
        );
    }
}
