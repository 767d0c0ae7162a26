//! `kafka-acls.sh`: adds, removes and lists ACLs (Kafka's `AclCommand`).
//!
//! The commands go through ZooKeeper (`by_znode`) or through a broker (`by_broker`). `entries` makes ACLs of the
//! options, `listing` has what is printed of those that there are.

mod by_broker;
mod by_znode;
mod entries;
mod listing;
mod options;

use std::io::BufRead;
use std::process::ExitCode;

use log::LevelFilter;

use self::by_broker::BrokerAcls;
use self::by_znode::ZnodeAcls;
use self::entries::ResourceEntries;
use self::listing::AclListing;
use self::options::AclsAction;
pub(super) use self::options::AclsOptions;
use super::arguments::{self, EarlyExit};
use super::throwable::JavaThrowable;
use super::{block_on, logging};
use crate::security::{AclBinding, AclBindingFilter, ResourcePatternFilter};

const ABOUT: &str = "This tool helps to manage acls on kafka.";

/// Runs the tool; exit code 0, or 1 with Kafka's words.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    if arguments.is_empty() {
        return EarlyExit::Usage(ABOUT.to_owned()).print::<AclsOptions>();
    }
    let checked = arguments::parse::<AclsOptions>(ABOUT, &arguments).and_then(|options| {
        let action = options.check()?;
        Ok((options, action))
    });
    let (options, action) = match checked {
        Ok(checked) => checked,
        Err(refusal) => return refusal.print::<AclsOptions>(),
    };
    match block_on(async { Ok(options.execute(action).await) }) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(AclsFailure::Usage(sentence))) => EarlyExit::Usage(sentence).print::<AclsOptions>(),
        Ok(Err(AclsFailure::Thrown(thrown))) => options.report(&thrown),
        Err(error) => arguments::thrown("java.lang.RuntimeException", error),
    }
}

/// Why a command ends without its effect.
#[derive(Debug)]
enum AclsFailure {
    /// The options are wrong: a sentence, below which the usage is printed.
    Usage(String),
    /// An exception, which is printed on standard output.
    Thrown(JavaThrowable),
}

impl AclsFailure {
    fn usage(sentence: impl Into<String>) -> Self {
        Self::Usage(sentence.into())
    }
}

impl<T: Into<JavaThrowable>> From<T> for AclsFailure {
    fn from(error: T) -> Self {
        Self::Thrown(error.into())
    }
}

/// The road that commands go.
enum AclsRoad {
    Brokers(BrokerAcls),
    ZooKeeper(ZnodeAcls),
}

impl AclsRoad {
    async fn add(&self, bindings: Vec<AclBinding>, options: &AclsOptions) -> Result<(), JavaThrowable> {
        match self {
            Self::Brokers(road) => road.add(bindings).await,
            Self::ZooKeeper(road) => {
                road.add(&bindings, options).await;
                Ok(())
            }
        }
    }

    async fn remove(
        &self,
        filters: Vec<AclBindingFilter>,
        options: &AclsOptions,
    ) -> Result<(), JavaThrowable> {
        match self {
            Self::Brokers(road) => road.remove(filters).await,
            Self::ZooKeeper(road) => {
                road.remove(&filters, options).await;
                Ok(())
            }
        }
    }

    /// The ACLs of these resources, of all for none.
    async fn find(&self, resources: Vec<ResourcePatternFilter>) -> Result<Vec<AclBinding>, JavaThrowable> {
        let filters = match resources.is_empty() {
            true => vec![AclBindingFilter::any()],
            false => resources.into_iter().map(|it| AclBindingFilter::any().pattern(it)).collect(),
        };
        match self {
            Self::Brokers(road) => road.find(&filters).await,
            Self::ZooKeeper(road) => Ok(road.find(&filters)),
        }
    }

    async fn close(&self) {
        if let Self::ZooKeeper(road) = self {
            road.close().await;
        }
    }
}

impl AclsOptions {
    async fn execute(&self, action: AclsAction) -> Result<(), AclsFailure> {
        let added = if action == AclsAction::Add { self.added()? } else { Vec::new() };
        let road = match &self.bootstrap_server {
            Some(servers) => AclsRoad::Brokers(BrokerAcls::connect(self, servers).await?),
            None => AclsRoad::ZooKeeper(ZnodeAcls::connect(self).await?),
        };
        let changed = match action {
            AclsAction::Add => self.add(&road, added).await,
            AclsAction::Remove => self.remove(&road).await,
            AclsAction::List => Ok(()),
        };
        let outcome = match changed {
            Ok(()) => self.list(&road).await,
            failed => failed,
        };
        road.close().await;
        outcome
    }

    async fn add(&self, road: &AclsRoad, added: Vec<ResourceEntries>) -> Result<(), AclsFailure> {
        for of_resource in added {
            let pattern = of_resource.pattern();
            let lines = listing::lines(&of_resource.entries);
            self.note(&format!("Adding ACLs for resource `{pattern}`: \n {lines} \n"));
            let binding = |entry| AclBinding { pattern: pattern.clone(), entry };
            road.add(of_resource.entries.into_iter().map(binding).collect(), self).await?;
        }
        Ok(())
    }

    async fn remove(&self, road: &AclsRoad) -> Result<(), AclsFailure> {
        for ResourceEntries { resource, entries } in self.described()? {
            let question = match entries.is_empty() {
                true => {
                    format!(
                        "Are you sure you want to delete all ACLs for resource filter `{resource}`? (y/n)"
                    )
                }
                false => format!(
                    "Are you sure you want to remove ACLs: \n {} \n from resource filter `{resource}`? (y/n)",
                    listing::lines(&entries)
                ),
            };
            if !self.force && !self.confirm(&question)? {
                continue;
            }
            let filters = match entries.is_empty() {
                true => vec![AclBindingFilter::any().pattern(resource)],
                false => {
                    let exactly = |entry| AclBindingFilter::entry(resource.clone(), entry);
                    entries.into_iter().map(exactly).collect()
                }
            };
            road.remove(filters, self).await?;
        }
        Ok(())
    }

    async fn list(&self, road: &AclsRoad) -> Result<(), AclsFailure> {
        let resources = self.resources()?;
        let principals = self.listed_principals()?;
        let listing = AclListing::of(road.find(resources).await?, principals);
        let printed =
            self.output.print(&listing, |listing| listing.text().iter().for_each(|it| println!("{it}")));
        printed.map_err(|error| JavaThrowable::new("java.io.IOException", error.to_string()).into())
    }

    /// Whether the question is answered with y.
    fn confirm(&self, question: &str) -> Result<bool, JavaThrowable> {
        self.note(question);
        let mut answer = String::new();
        match std::io::stdin().lock().read_line(&mut answer) {
            Ok(0) => Err(JavaThrowable::new(
                "java.lang.NullPointerException",
                "Cannot invoke \"String.equalsIgnoreCase(String)\" because the return value of \
                 \"scala.io.StdIn.readLine$(scala.io.StdIn)\" is null",
            )),
            Ok(_) => Ok(answer.trim_end_matches(['\r', '\n']).eq_ignore_ascii_case("y")),
            Err(error) => Err(JavaThrowable::new("java.io.IOException", error.to_string())),
        }
    }

    /// Prints a line that is no data.
    fn note(&self, line: &str) {
        self.output.note(format_args!("{line}"));
    }

    /// Prints an exception as Kafka's tool does.
    fn report(&self, thrown: &JavaThrowable) -> ExitCode {
        self.note(&format!("Error while executing ACL command: {}", thrown.message()));
        self.note(&format!("{thrown}\n"));
        ExitCode::FAILURE
    }
}
