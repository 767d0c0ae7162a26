//! The ACLs that the options describe, by resource.
//!
//! Pure. Kafka: `AclCommand.getResourceFilterToAcls`, `getResourceFilter`, `getAcl`, `validateOperation`.

use super::AclsFailure;
use super::options::AclsOptions;
use crate::cli::throwable::JavaThrowable;
use crate::security::{
    AccessControlEntry, AclOperation, AclPermissionType, AclResource, AclResourceType, KafkaPrincipal,
    PatternType, ResourcePattern, ResourcePatternFilter,
};

/// The entries that are added to a resource or removed from it. Each stands once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ResourceEntries {
    pub resource: ResourcePatternFilter,
    pub entries: Vec<AccessControlEntry>,
}

impl ResourceEntries {
    /// The pattern, which the filter names as it stands.
    pub fn pattern(&self) -> ResourcePattern {
        let ResourcePatternFilter { resource_type, name, pattern_type } = self.resource.clone();
        ResourcePattern { resource_type, name: name.unwrap_or_default(), pattern_type }
    }
}

impl AclsOptions {
    /// What is to be added.
    pub(super) fn added(&self) -> Result<Vec<ResourceEntries>, AclsFailure> {
        let pattern_type = self.pattern_type()?;
        if !pattern_type.is_specific() {
            let name = pattern_type.constant();
            return Err(AclsFailure::usage(format!(
                "A '--resource-pattern-type' value of '{name}' is not valid when adding acls."
            )));
        }
        let added = self.described()?;
        if added.iter().any(|it| it.entries.is_empty()) {
            let sentence =
                "You must specify one of: --allow-principal, --deny-principal when trying to add ACLs.";
            return Err(AclsFailure::usage(sentence));
        }
        Ok(added)
    }

    /// The entries of each resource; none where no principal is named.
    pub(super) fn described(&self) -> Result<Vec<ResourceEntries>, AclsFailure> {
        let mut described = match (self.producer, self.consumer) {
            (false, false) => {
                let entries = self.entries(&self.operations())?;
                let of = |resource| ResourceEntries { resource, entries: entries.clone() };
                self.required_resources()?.into_iter().map(of).collect()
            }
            (true, _) => self.of_producer()?,
            (false, true) => Vec::new(),
        };
        if self.consumer {
            for mut consumed in self.of_consumer()? {
                match described.iter_mut().find(|it| it.resource == consumed.resource) {
                    Some(produced) => {
                        consumed.entries.append(&mut produced.entries);
                        produced.entries = each_once(consumed.entries);
                    }
                    None => described.push(consumed),
                }
            }
        }
        described.iter().try_for_each(check_operations)?;
        Ok(described)
    }

    /// The resources that are named.
    pub(super) fn resources(&self) -> Result<Vec<ResourcePatternFilter>, AclsFailure> {
        let pattern_type = self.pattern_type()?;
        let of_type = |resource_type, name: &str| ResourcePatternFilter {
            resource_type,
            name: Some(name.to_owned()),
            pattern_type,
        };
        let mut resources: Vec<_> =
            self.topic.iter().map(|it| of_type(AclResourceType::Topic, it.trim())).collect();
        if pattern_type == PatternType::Literal && (self.cluster || self.idempotent) {
            resources.push(cluster());
        }
        resources.extend(self.group.iter().map(|it| of_type(AclResourceType::Group, it.trim())));
        let transactional_ids = self.transactional_id.iter();
        resources.extend(transactional_ids.map(|it| of_type(AclResourceType::TransactionalId, it)));
        let tokens = self.delegation_token.iter();
        resources.extend(tokens.map(|it| of_type(AclResourceType::DelegationToken, it.trim())));
        Ok(each_once(resources))
    }

    /// The principals whose ACLs are listed; all where there are none.
    pub(super) fn listed_principals(&self) -> Result<Vec<String>, AclsFailure> {
        Ok(each_once(principals(self.principal.as_deref().unwrap_or_default())?))
    }

    fn required_resources(&self) -> Result<Vec<ResourcePatternFilter>, AclsFailure> {
        let resources = self.resources()?;
        if resources.is_empty() {
            let sentence = "You must provide at least one resource: --topic <topic> or --cluster or --group <group> or \
                            --delegation-token <Delegation Token ID>";
            return Err(AclsFailure::usage(sentence));
        }
        Ok(resources)
    }

    fn of_producer(&self) -> Result<Vec<ResourceEntries>, AclsFailure> {
        use AclOperation::{Create, Describe, IdempotentWrite, Write};
        let mut produced = self.of_kind(AclResourceType::Topic, &[Write, Describe, Create])?;
        produced.extend(self.of_kind(AclResourceType::TransactionalId, &[Write, Describe])?);
        if self.idempotent {
            let entries = self.entries(&[IdempotentWrite])?;
            produced.push(ResourceEntries { resource: cluster(), entries });
        }
        Ok(produced)
    }

    fn of_consumer(&self) -> Result<Vec<ResourceEntries>, AclsFailure> {
        use AclOperation::{Describe, Read};
        let mut consumed = self.of_kind(AclResourceType::Topic, &[Read, Describe])?;
        consumed.extend(self.of_kind(AclResourceType::Group, &[Read])?);
        Ok(consumed)
    }

    /// These operations of each resource of a kind that is named.
    fn of_kind(
        &self,
        kind: AclResourceType,
        operations: &[AclOperation],
    ) -> Result<Vec<ResourceEntries>, AclsFailure> {
        let entries = self.entries(operations)?;
        let resources = self.required_resources()?.into_iter().filter(|it| it.resource_type == kind);
        Ok(resources.map(|resource| ResourceEntries { resource, entries: entries.clone() }).collect())
    }

    /// An entry for each principal, operation and host.
    fn entries(&self, operations: &[AclOperation]) -> Result<Vec<AccessControlEntry>, AclsFailure> {
        let mut entries = Vec::new();
        for (permission_type, principal_options, host_options) in [
            (AclPermissionType::Allow, &self.allow_principal, &self.allow_host),
            (AclPermissionType::Deny, &self.deny_principal, &self.deny_host),
        ] {
            let all_hosts = ["*".to_owned()];
            let hosts = if host_options.is_empty() { &all_hosts[..] } else { host_options };
            for principal in principals(principal_options)? {
                for operation in operations {
                    entries.extend(hosts.iter().map(|host| AccessControlEntry {
                        principal: principal.clone(),
                        host: host.trim().to_owned(),
                        operation: *operation,
                        permission_type,
                    }));
                }
            }
        }
        Ok(each_once(entries))
    }

    fn operations(&self) -> Vec<AclOperation> {
        if self.operation.is_empty() {
            return vec![AclOperation::All];
        }
        self.operation.iter().map(|name| AclOperation::from_name(name.trim())).collect()
    }

    fn pattern_type(&self) -> Result<PatternType, AclsFailure> {
        let Some(text) = &self.resource_pattern_type else { return Ok(PatternType::Literal) };
        let reason = match PatternType::from_name(text) {
            PatternType::Unknown if text.eq_ignore_ascii_case(PatternType::Unknown.constant()) => {
                format!("Unknown resource-pattern-type: {text}")
            }
            PatternType::Unknown => format!("Value [{text}] is not one of [ANY|MATCH|LITERAL|PREFIXED]"),
            known => return Ok(known),
        };
        let thrown = JavaThrowable::new(
            "joptsimple.OptionArgumentConversionException",
            format!("Cannot parse argument '{text}' of option resource-pattern-type"),
        );
        Err(thrown.caused_by(JavaThrowable::new("joptsimple.ValueConversionException", reason)).into())
    }
}

fn cluster() -> ResourcePatternFilter {
    let AclResource { resource_type, name } = AclResource::CLUSTER;
    ResourcePatternFilter { resource_type, name: Some(name.to_owned()), pattern_type: PatternType::Literal }
}

fn principals(texts: &[String]) -> Result<Vec<String>, AclsFailure> {
    let parsed = texts.iter().map(|text| text.trim().parse::<KafkaPrincipal>());
    let printed = parsed.map(|parsed| parsed.map(|principal| principal.to_string()));
    printed
        .collect::<Result<_, _>>()
        .map_err(|error| JavaThrowable::new("java.lang.IllegalArgumentException", error.to_string()).into())
}

/// Refuses operations that do not exist for the kind of resource.
fn check_operations(described: &ResourceEntries) -> Result<(), AclsFailure> {
    let kind = described.resource.resource_type;
    let valid = || kind.supported_operations().iter().chain(&[AclOperation::All]);
    if described.entries.iter().all(|entry| valid().any(|it| *it == entry.operation)) {
        return Ok(());
    }
    let names: Vec<_> = valid().map(|it| it.constant()).collect();
    let kind = kind.constant();
    Err(AclsFailure::usage(format!("ResourceType {kind} only supports operations {}", names.join(","))))
}

fn each_once<T: PartialEq>(items: Vec<T>) -> Vec<T> {
    let mut once = Vec::with_capacity(items.len());
    for item in items {
        if !once.contains(&item) {
            once.push(item);
        }
    }
    once
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn options(arguments: &str) -> AclsOptions {
        AclsOptions::try_parse_from(["tool"].into_iter().chain(arguments.split(' '))).unwrap()
    }

    /// A line for each resource: its kind, name and type of pattern, and the operations of its entries.
    fn described(arguments: &str) -> Vec<String> {
        let line = |it: ResourceEntries| {
            let operations: Vec<_> = it.entries.iter().map(|entry| entry.operation.name()).collect();
            let ResourcePattern { resource_type, name, pattern_type } = it.pattern();
            format!("{resource_type:?} {name} {pattern_type:?}: {}", operations.join(" "))
        };
        options(arguments).described().unwrap().into_iter().map(line).collect()
    }

    fn refused(arguments: &str) -> String {
        match options(arguments).added() {
            Err(AclsFailure::Usage(sentence)) => sentence,
            Err(AclsFailure::Thrown(thrown)) => thrown.to_string(),
            Ok(added) => panic!("{added:?}"),
        }
    }

    #[test]
    fn principals_operations_and_hosts_are_multiplied() {
        let many = "--allow-principal User:a --allow-principal User:b --allow-host 1 --allow-host 2 --operation read \
                    --operation Read --deny-principal User:c --topic t";
        let [of_topic] =
            &options(&many.split_whitespace().collect::<Vec<_>>().join(" ")).added().unwrap()[..]
        else {
            panic!("one resource")
        };
        let texts: Vec<_> = of_topic
            .entries
            .iter()
            .map(|it| format!("{} {} {:?}", it.principal, it.host, it.permission_type))
            .collect();
        assert_eq!(
            texts,
            ["User:a 1 Allow", "User:a 2 Allow", "User:b 1 Allow", "User:b 2 Allow", "User:c * Deny"]
        );
    }

    #[test]
    fn producers_and_consumers_have_what_they_need() {
        let of = "--allow-principal User:a --topic t --group g --transactional-id x";
        assert_eq!(
            described(&format!("{of} --producer --idempotent")),
            [
                "Topic t Literal: Write Describe Create",
                "TransactionalId x Literal: Write Describe",
                "Cluster kafka-cluster Literal: IdempotentWrite"
            ]
        );
        assert_eq!(
            described(&format!("{of} --consumer --resource-pattern-type Prefixed")),
            ["Topic t Prefixed: Read Describe", "Group g Prefixed: Read"]
        );
        assert_eq!(
            described(&format!("{of} --consumer --producer")),
            [
                "Topic t Literal: Read Describe Write Create",
                "TransactionalId x Literal: Write Describe",
                "Group g Literal: Read"
            ]
        );
    }

    #[test]
    fn what_is_no_acl_is_refused_in_kafkas_words() {
        assert_eq!(
            refused("--allow-principal User:a --group g --operation Write"),
            "ResourceType GROUP only supports operations READ,DESCRIBE,DELETE,ALL"
        );
        assert!(refused("--topic t").starts_with("You must specify one of: --allow-principal"));
        assert!(refused("--allow-principal User:a").starts_with("You must provide at least one resource"));
        assert_eq!(
            refused("--allow-principal Bob --topic t"),
            "java.lang.IllegalArgumentException: expected a string in format principalType:principalName but got Bob"
        );
        assert!(
            refused("--topic t --resource-pattern-type any").contains("'ANY' is not valid when adding acls")
        );
        assert!(described("--topic t").iter().all(|it| it.ends_with(": ")), "all entries are meant");
    }
}
