//! The options of `kafka-acls.sh`, and which of them go together.
//!
//! Pure. Kafka: `AclCommand.AclCommandOptions`.

use clap::Parser;

use crate::base::jvm_order::{hash_code, scala_immutable};
use crate::cli::arguments::{EarlyExit, forbid, require};
use crate::cli::output_format::OutputOption;

/// The options.
#[derive(Debug, Default, Parser)]
pub(crate) struct AclsOptions {
    /// Add ACLs.
    #[arg(long)]
    pub add: bool,
    /// An address from which the principals of --allow-principal are allowed; all where it is left out. May be
    /// repeated.
    #[arg(long, value_name = "host")]
    pub allow_host: Vec<String>,
    /// A principal that is allowed, as type:name; User:* for all users. May be repeated.
    #[arg(long, value_name = "principal")]
    pub allow_principal: Vec<String>,
    /// The class of the authorizer whose ACLs in ZooKeeper are meant: kafka.security.authorizer.AclAuthorizer where it
    /// is left out, or kafka.security.auth.SimpleAclAuthorizer.
    #[arg(long, value_name = "class")]
    pub authorizer: Option<String>,
    /// REQUIRED without --bootstrap-server: a setting of the authorizer, such as zookeeper.connect=localhost:2181. May
    /// be repeated.
    #[arg(long, value_name = "key=value")]
    pub authorizer_properties: Vec<String>,
    /// The brokers to talk to, as host:port[,host:port...].
    #[arg(long, value_name = "servers")]
    pub bootstrap_server: Option<String>,
    /// ACLs about the cluster.
    #[arg(long)]
    pub cluster: bool,
    /// A properties file for the connection to the brokers.
    #[arg(long, value_name = "file", num_args = 0..=1)]
    pub command_config: Option<Option<String>>,
    /// The ACLs of a consumer: Read and Describe of the topics, Read of the groups.
    #[arg(long)]
    pub consumer: bool,
    /// ACLs about a delegation token, by its id; * for all. May be repeated.
    #[arg(long, value_name = "id")]
    pub delegation_token: Vec<String>,
    /// An address from which the principals of --deny-principal are denied; all where it is left out. May be repeated.
    #[arg(long, value_name = "host")]
    pub deny_host: Vec<String>,
    /// A principal that is denied, even where it is allowed elsewhere, as type:name. May be repeated.
    #[arg(long, value_name = "principal")]
    pub deny_principal: Vec<String>,
    /// Remove without asking.
    #[arg(long)]
    pub force: bool,
    /// ACLs about a group; * for all. May be repeated.
    #[arg(long, value_name = "group")]
    pub group: Vec<String>,
    /// With --producer: IdempotentWrite of the cluster, too.
    #[arg(long)]
    pub idempotent: bool,
    /// List ACLs: those of the resources that are named, all where none is.
    #[arg(long)]
    pub list: bool,
    /// An operation that is allowed or denied: All where it is left out, or Read, Write, Create, Delete, Alter,
    /// Describe, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite. May be repeated.
    #[arg(long, value_name = "operation")]
    pub operation: Vec<String>,
    #[command(flatten)]
    pub output: OutputOption,
    /// With --list: the ACLs of a principal, as type:name. May be repeated.
    #[arg(long, value_name = "principal", num_args = 0..=1)]
    pub principal: Option<Vec<String>>,
    /// The ACLs of a producer: Write, Describe and Create of the topics, Write and Describe of the transactional
    /// ids.
    #[arg(long)]
    pub producer: bool,
    /// Remove ACLs: those that are described, all of the resources where no principal is named.
    #[arg(long)]
    pub remove: bool,
    /// How names of resources are meant: literal, or prefixed for all that begin so. Besides, to list and to remove:
    /// any for both, match for all patterns that a resource of the name matches.
    #[arg(long, value_name = "type")]
    pub resource_pattern_type: Option<String>,
    /// ACLs about a topic; * for all. May be repeated.
    #[arg(long, value_name = "topic")]
    pub topic: Vec<String>,
    /// ACLs about a transactional id; * for all. May be repeated.
    #[arg(long, value_name = "id")]
    pub transactional_id: Vec<String>,
    /// A properties file for the connection to ZooKeeper.
    #[arg(long, value_name = "file")]
    pub zk_tls_config_file: Option<String>,
}

/// What is done with ACLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AclsAction {
    Add,
    Remove,
    List,
}

fn refuse_unless(is_right: bool, sentence: &str) -> Result<(), EarlyExit> {
    if is_right { Ok(()) } else { Err(EarlyExit::Usage(sentence.to_owned())) }
}

impl AclsOptions {
    /// Checks which options go together, in Kafka's order (`AclCommandOptions.checkArgs`).
    ///
    /// # Errors
    /// The refusal, in Kafka's words.
    pub(super) fn check(&self) -> Result<AclsAction, EarlyExit> {
        let by_broker = self.bootstrap_server.is_some();
        refuse_unless(
            !(by_broker && self.authorizer.is_some()),
            "Only one of --bootstrap-server or --authorizer must be specified",
        )?;
        let has_properties = !self.authorizer_properties.is_empty();
        require(by_broker || has_properties, "authorizer-properties")?;
        refuse_unless(
            by_broker || self.command_config.is_none(),
            "The --command-config option can only be used with --bootstrap-server option",
        )?;
        refuse_unless(
            !(by_broker && has_properties),
            "The --authorizer-properties option can only be used with --authorizer option",
        )?;
        let action = self.action()?;
        self.check_roles(action)?;
        Ok(action)
    }

    fn action(&self) -> Result<AclsAction, EarlyExit> {
        match (self.add, self.remove, self.list) {
            (true, false, false) => Ok(AclsAction::Add),
            (false, true, false) => Ok(AclsAction::Remove),
            (false, false, true) => Ok(AclsAction::List),
            _ => {
                let sentence = "Command must include exactly one action: --list, --add, --remove. ";
                Err(EarlyExit::Usage(sentence.to_owned()))
            }
        }
    }

    /// Checks what cannot stand beside `--list`, `--producer` and `--consumer`, and what has to.
    fn check_roles(&self, action: AclsAction) -> Result<(), EarlyExit> {
        let denials =
            [("deny-principal", !self.deny_principal.is_empty()), ("deny-host", !self.deny_host.is_empty())];
        let of_changes = [
            ("producer", self.producer),
            ("consumer", self.consumer),
            ("allow-host", !self.allow_host.is_empty()),
            ("allow-principal", !self.allow_principal.is_empty()),
            denials[1],
            denials[0],
        ];
        // Kafka names the first in the order of a hash set of options.
        let hashed = of_changes.iter().map(|option| (hash_code(option.0).wrapping_add(31), *option));
        forbid(("list", action == AclsAction::List), &scala_immutable(hashed.collect()))?;
        let of_roles = [("operation", !self.operation.is_empty()), denials[0], denials[1]];
        forbid(("producer", self.producer), &of_roles)?;
        forbid(("consumer", self.consumer), &of_roles)?;
        refuse_unless(
            self.principal.is_none() || action == AclsAction::List,
            "The --principal option is only available if --list is set",
        )?;
        refuse_unless(
            !self.producer || !self.topic.is_empty(),
            "With --producer you must specify a --topic",
        )?;
        refuse_unless(
            !self.idempotent || self.producer,
            "The --idempotent option is only available if --producer is set",
        )?;
        let of_producers = self.cluster || !self.transactional_id.is_empty();
        let is_complete = !self.topic.is_empty() && !self.group.is_empty();
        refuse_unless(
            !self.consumer || is_complete && (self.producer || !of_producers),
            "With --consumer you must specify a --topic and a --group and no --cluster or --transactional-id option \
             should be specified.",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(arguments: &str) -> String {
        let options = AclsOptions::try_parse_from(["tool"].into_iter().chain(arguments.split(' '))).unwrap();
        match options.check() {
            Err(EarlyExit::Usage(sentence)) => sentence,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_that_do_not_go_together_are_refused_in_kafkas_order() {
        assert_eq!(refused("--list"), "Missing required argument \"[authorizer-properties]\"");
        assert!(refused("--bootstrap-server b --list --add").starts_with("Command must include exactly one"));
        assert!(
            refused("--authorizer-properties a=b --command-config f --list")
                .starts_with("The --command-config")
        );
        assert_eq!(
            refused("--bootstrap-server b --list --allow-host h --deny-principal User:x"),
            "Option \"[list]\" can't be used with option \"[deny-principal]\""
        );
        assert_eq!(
            refused("--bootstrap-server b --remove --consumer --topic t --operation Read"),
            "Option \"[consumer]\" can't be used with option \"[operation]\""
        );
        assert!(
            refused("--bootstrap-server b --add --consumer --topic t --group g --cluster")
                .starts_with("With --consumer")
        );
    }

    #[test]
    fn a_consumer_that_is_a_producer_may_have_transactions() {
        let both =
            "tool --bootstrap-server b --add --consumer --producer --topic t --group g --transactional-id x";
        let options = AclsOptions::try_parse_from(both.split(' ')).unwrap();
        assert_eq!(options.check().unwrap(), AclsAction::Add);
    }
}
