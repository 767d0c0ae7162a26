//! The options of `kafka-configs.sh`, and which of them go together.
//!
//! Pure.

use std::fmt;

use clap::{ArgMatches, Command, CommandFactory, FromArgMatches, Parser};

use super::entities::{EntityKind, NamedEntities};
use crate::cli::arguments::{EarlyExit, forbid};
use crate::cli::output_format::OutputOption;

/// The options.
#[derive(Debug, Default, Parser)]
pub(crate) struct ConfigsOptions {
    /// Configs to set, as key=value with commas between them; a value that has commas itself stands in brackets, as
    /// the list "compact,delete" of cleanup.policy. The keys of topics are those of kafka-topics.sh --config,
    /// those of brokers the dynamic ones of server.properties. Clients and users have producer_byte_rate,
    /// consumer_byte_rate, request_percentage and controller_mutation_rate; users have SCRAM-SHA-256 and
    /// SCRAM-SHA-512 beside them, as [iterations=8192,password=...].
    #[arg(long, value_name = "key=value,...")]
    pub add_config: Option<String>,
    /// A properties file with configs to set.
    #[arg(long, value_name = "file")]
    pub add_config_file: Option<String>,
    /// Describe all configs, not only those that were set for the topic, broker or broker-logger itself.
    #[arg(long)]
    pub all: bool,
    /// Set and remove configs.
    #[arg(long)]
    pub alter: bool,
    /// The brokers to talk to, as host:port[,host:port...].
    #[arg(long, value_name = "servers")]
    pub bootstrap_server: Option<String>,
    /// A broker, by id.
    #[arg(long, value_name = "id")]
    pub broker: Option<String>,
    /// What all brokers have that have not set it for themselves.
    #[arg(long)]
    pub broker_defaults: bool,
    /// The loggers of a broker, by the broker's id.
    #[arg(long, value_name = "id")]
    pub broker_logger: Option<String>,
    /// A client, by client.id.
    #[arg(long, value_name = "client.id")]
    pub client: Option<String>,
    /// All clients without configs of their own.
    #[arg(long)]
    pub client_defaults: bool,
    /// A properties file for the connection to the brokers.
    #[arg(long, value_name = "file")]
    pub command_config: Option<String>,
    /// Keys to remove, with commas between them.
    #[arg(long, value_name = "key,...")]
    pub delete_config: Vec<String>,
    /// Describe configs.
    #[arg(long)]
    pub describe: bool,
    /// The default of the --entity-type that stands at the same position.
    #[arg(long, num_args = 0, default_missing_value = "true")]
    pub entity_default: Vec<bool>,
    /// The name of the --entity-type that stands at the same position: a topic, a client.id, a user, a broker's id.
    #[arg(long, value_name = "name")]
    pub entity_name: Vec<String>,
    /// What has the configs: topics, clients, users, brokers or broker-loggers; users and clients together for the
    /// client.ids of a user.
    #[arg(long, value_name = "type")]
    pub entity_type: Vec<String>,
    /// Accepted for old scripts; it changes nothing.
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub output: OutputOption,
    /// A topic.
    #[arg(long, value_name = "topic")]
    pub topic: Option<String>,
    /// A user, by name.
    #[arg(long, value_name = "user")]
    pub user: Option<String>,
    /// All users without configs of their own.
    #[arg(long)]
    pub user_defaults: bool,
    /// A properties file for TLS to ZooKeeper, which is not built yet.
    #[arg(long, value_name = "file")]
    pub zk_tls_config_file: Option<String>,
    /// The ensemble to talk to, as host:port,host:port/chroot. Deprecated; it is needed only for what must be set
    /// before the first broker starts.
    #[arg(long, value_name = "hosts")]
    pub zookeeper: Option<String>,
}

/// The options, and the values of `--entity-name` and `--entity-default` in the order in which they stand; the latter
/// is an empty name.
#[derive(Debug, Default)]
pub(crate) struct ConfigsArguments {
    pub options: ConfigsOptions,
    pub entity_names: Vec<String>,
}

impl Parser for ConfigsArguments {}

impl CommandFactory for ConfigsArguments {
    fn command() -> Command {
        ConfigsOptions::command()
    }

    fn command_for_update() -> Command {
        ConfigsOptions::command_for_update()
    }
}

impl FromArgMatches for ConfigsArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut read = Self::default();
        read.update_from_arg_matches(matches)?;
        Ok(read)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let at = |id| matches.indices_of(id).into_iter().flatten();
        let names = matches.get_many::<String>("entity_name").into_iter().flatten().cloned();
        let mut all: Vec<_> = at("entity_name").zip(names).collect();
        all.extend(at("entity_default").map(|at| (at, String::new())));
        all.sort();
        self.entity_names = all.into_iter().map(|(_, name)| name).collect();
        self.options = ConfigsOptions::from_arg_matches(matches)?;
        Ok(())
    }
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConfigsAction {
    Alter,
    Describe,
}

/// Where the configs are read and written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConfigsRoad {
    /// This ensemble.
    ZooKeeper(String),
    /// The cluster of these brokers.
    Brokers(String),
}

/// Prints as the option that chooses it.
impl fmt::Display for ConfigsRoad {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::ZooKeeper(_) => "--zookeeper",
            Self::Brokers(_) => "--bootstrap-server",
        })
    }
}

/// Options that were found to go together.
#[derive(Debug)]
pub(crate) struct ConfigsCommand {
    pub action: ConfigsAction,
    pub road: ConfigsRoad,
    pub entities: NamedEntities,
    pub options: ConfigsOptions,
}

fn refuse<T>(sentence: impl Into<String>) -> Result<T, EarlyExit> {
    Err(EarlyExit::Thrown("java.lang.IllegalArgumentException", sentence.into()))
}

impl ConfigsCommand {
    /// Checks which options go together, in Kafka's order (`ConfigCommandOptions.checkArgs`).
    pub fn check(arguments: ConfigsArguments) -> Result<Self, EarlyExit> {
        let ConfigsArguments { options, entity_names } = arguments;
        let action = match (options.alter, options.describe) {
            (true, false) => ConfigsAction::Alter,
            (false, true) => ConfigsAction::Describe,
            _ => {
                let sentence = "Command must include exactly one action: --describe, --alter";
                return Err(EarlyExit::Usage(sentence.to_owned()));
            }
        };
        let changes = [
            ("add-config", options.add_config.is_some()),
            ("delete-config", !options.delete_config.is_empty()),
        ];
        forbid(("describe", action == ConfigsAction::Describe), &changes)?;
        let kinds = kinds(&options)?;
        check_flags(&options, &entity_names)?;
        let road = road(&options)?;
        let flags = flags(&options);
        let names = entity_names.iter().cloned();
        let entities = NamedEntities {
            kinds,
            names: names.chain(flags.iter().filter_map(|(_, name)| name.map(str::to_owned))).collect(),
        };
        check_broker_ids(&options, &entities)?;
        let command = Self { action, road, entities, options };
        command.check_names()?;
        command.check_changes()?;
        Ok(command)
    }

    fn check_names(&self) -> Result<(), EarlyExit> {
        let Self { action, entities, .. } = self;
        let has = |wanted: fn(&String) -> bool| entities.names.iter().any(wanted);
        let (has_name, has_default) = (has(|name| !name.is_empty()), has(String::is_empty));
        let kinds = || entities.kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(",");
        let loggers = entities.kinds.contains(&EntityKind::BrokerLoggers);
        if *action == ConfigsAction::Describe {
            return match loggers && !has_name {
                true => refuse(format!("an entity name must be specified with --describe of {}", kinds())),
                false => Ok(()),
            };
        }
        let has_defaults = [EntityKind::Users, EntityKind::Clients, EntityKind::Brokers];
        if entities.kinds.iter().any(|kind| has_defaults.contains(kind)) {
            if !has_name && !has_default {
                return refuse(
                    "an entity-name or default entity must be specified with --alter of users, clients or brokers",
                );
            }
        } else if !has_name {
            return refuse(format!("an entity name must be specified with --alter of {}", kinds()));
        }
        Ok(())
    }

    fn check_changes(&self) -> Result<(), EarlyExit> {
        let Self { action, options, .. } = self;
        let (given, from_file) = (options.add_config.is_some(), options.add_config_file.is_some());
        match action {
            ConfigsAction::Describe => Ok(()),
            ConfigsAction::Alter if given && from_file => {
                refuse("Only one of --add-config or --add-config-file must be specified")
            }
            ConfigsAction::Alter if !given && !from_file && options.delete_config.is_empty() => refuse(
                "At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter",
            ),
            ConfigsAction::Alter => Ok(()),
        }
    }
}

/// The options that name an entity and its kind at once, with the name they give, in Kafka's order.
fn flags(options: &ConfigsOptions) -> [(EntityKind, Option<&str>); 8] {
    let default = |given: bool| given.then_some("");
    [
        (EntityKind::Topics, options.topic.as_deref()),
        (EntityKind::Clients, options.client.as_deref()),
        (EntityKind::Users, options.user.as_deref()),
        (EntityKind::Brokers, options.broker.as_deref()),
        (EntityKind::BrokerLoggers, options.broker_logger.as_deref()),
        (EntityKind::Clients, default(options.client_defaults)),
        (EntityKind::Users, default(options.user_defaults)),
        (EntityKind::Brokers, default(options.broker_defaults)),
    ]
}

/// The kinds of the entities, those of `--entity-type` first.
fn kinds(options: &ConfigsOptions) -> Result<Vec<EntityKind>, EarlyExit> {
    let flags = flags(options);
    let of_flags = flags.iter().filter(|(_, name)| name.is_some()).map(|(kind, _)| kind.name());
    let names: Vec<_> = options.entity_type.iter().map(String::as_str).chain(of_flags).collect();
    let twice = (0..names.len()).filter(|at| names[..*at].contains(&names[*at])).map(|at| names[at]);
    let twice: Vec<_> = twice.collect();
    if !twice.is_empty() {
        return refuse(format!("Duplicate entity type(s) specified: {}", twice.join(",")));
    }
    let (allowed, option) = match options.bootstrap_server {
        Some(_) => (&EntityKind::ALL[..], "--bootstrap-server"),
        None => (EntityKind::IN_ZOOKEEPER, "--zookeeper"),
    };
    let kind = |name: &&str| match allowed.iter().find(|kind| kind.name() == *name) {
        Some(kind) => Ok(*kind),
        None => {
            let allowed: Vec<_> = allowed.iter().map(|kind| kind.name()).collect();
            refuse(format!(
                "Invalid entity type {name}, the entity type must be one of {} with the {option} argument",
                allowed.join(",")
            ))
        }
    };
    let kinds = names.iter().map(kind).collect::<Result<Vec<_>, _>>()?;
    let of_quotas = |kind: &EntityKind| matches!(kind, EntityKind::Users | EntityKind::Clients);
    match kinds.len() {
        0 => refuse("At least one entity type must be specified"),
        2.. if !kinds.iter().all(of_quotas) => {
            refuse("Only 'users' and 'clients' entity types may be specified together")
        }
        _ => Ok(kinds),
    }
}

fn check_flags(options: &ConfigsOptions, entity_names: &[String]) -> Result<(), EarlyExit> {
    let by_entity = !entity_names.is_empty() || !options.entity_type.is_empty();
    if by_entity && flags(options).iter().any(|(_, name)| name.is_some()) {
        return refuse(
            "--entity-{type,name,default} should not be used in conjunction with specific entity flags",
        );
    }
    Ok(())
}

fn road(options: &ConfigsOptions) -> Result<ConfigsRoad, EarlyExit> {
    match (&options.bootstrap_server, &options.zookeeper) {
        (None, None) => {
            refuse("One of the required --bootstrap-server or --zookeeper arguments must be specified")
        }
        (Some(_), Some(_)) => refuse("Only one of --bootstrap-server or --zookeeper must be specified"),
        (None, Some(_)) if options.all => refuse("--bootstrap-server must be specified for --all"),
        (None, Some(connect)) => Ok(ConfigsRoad::ZooKeeper(connect.clone())),
        (Some(servers), None) => Ok(ConfigsRoad::Brokers(servers.clone())),
    }
}

/// A broker's name is its id, and a command is about one broker.
fn check_broker_ids(options: &ConfigsOptions, entities: &NamedEntities) -> Result<(), EarlyExit> {
    let Some(kind) = entities.kinds.first().filter(|kind| kind.is_of_brokers()) else { return Ok(()) };
    if entities.names.iter().all(String::is_empty) {
        return Ok(());
    }
    if options.entity_name.len() > 1 {
        return Err(EarlyExit::Thrown(
            "joptsimple.MultipleArgumentsForOptionException",
            "Found multiple arguments for option entity-name, but you asked for only one".to_owned(),
        ));
    }
    let ids = options.entity_name.iter().chain(&options.broker).chain(&options.broker_logger);
    match ids.into_iter().find(|id| id.parse::<i32>().is_err()) {
        Some(id) => refuse(format!(
            "The entity name for {} must be a valid integer broker id, but it is: {id}",
            kind.name()
        )),
        None => Ok(()),
    }
}
