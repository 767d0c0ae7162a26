//! A Java exception as a tool prints it: its class and message, what it was caused by, what it suppressed.
//!
//! The places in Java's code are left out. Kafka: `Throwable.printStackTrace`, `Utils.stackTrace`.

use std::fmt;
use std::process::ExitCode;

use super::arguments::EarlyExit;
use super::block_on;
use super::java::{self, FileException};
use crate::admin::AdminError;
use crate::client::ClientError;
use crate::client::by_znode::{BadFilter, LegacyConfigError};
use crate::config::ConfigError;
use crate::zk::ZkError;

/// The exception that a future of Java's admin client throws; its cause is the call's own.
const EXECUTION: &str = "java.util.concurrent.ExecutionException";

/// A Java exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JavaThrowable {
    class: String,
    message: String,
    cause: Option<Box<JavaThrowable>>,
    suppressed: Vec<JavaThrowable>,
}

impl JavaThrowable {
    /// An exception without a cause.
    pub fn new(class: impl Into<String>, message: impl Into<String>) -> Self {
        Self { class: class.into(), message: message.into(), cause: None, suppressed: Vec::new() }
    }

    /// `kafka.common.AdminCommandFailedException`.
    pub fn command_failed(message: impl Into<String>) -> Self {
        Self::new("kafka.common.AdminCommandFailedException", message)
    }

    /// `kafka.admin.AdminOperationException`.
    pub fn operation(message: impl Into<String>) -> Self {
        Self::new("kafka.admin.AdminOperationException", message)
    }

    /// A client's error as the future of its call throws it.
    pub fn of_future(error: &ClientError) -> Self {
        Self::of_call(error, java::METADATA_CALL)
    }

    /// As [`JavaThrowable::of_future`]; `metadata_call` is the call's name while the client still asks for metadata.
    pub fn of_call(error: &ClientError, metadata_call: &str) -> Self {
        Self::of_failed_future(Self::of_client(error, metadata_call))
    }

    /// What a future throws that failed with this exception.
    pub fn of_failed_future(cause: Self) -> Self {
        Self::new(EXECUTION, cause.head()).caused_by(cause)
    }

    /// What the constructor of a producer or a consumer throws; a value of a setting that cannot be is thrown alone.
    pub fn not_constructed(client: &str, error: &ClientError) -> Self {
        let class = match error {
            ClientError::BadAddress(_) | ClientError::NoneResolvable => {
                "org.apache.kafka.common.config.ConfigException".to_owned()
            }
            other => java::class(other),
        };
        let thrown = Self::new(class, error.to_string());
        match error {
            ClientError::BadSetting { .. } | ClientError::Unsafe(_) => thrown,
            _ => {
                let failed = format!("Failed to construct {client}");
                Self::new("org.apache.kafka.common.KafkaException", failed).caused_by(thrown)
            }
        }
    }

    /// A client's error as the exception of its call; `metadata_call` as for [`JavaThrowable::of_call`].
    pub fn of_client(error: &ClientError, metadata_call: &str) -> Self {
        match error {
            ClientError::BadAddress(_) | ClientError::BadSetting { .. } | ClientError::NoneResolvable => {
                Self::new("org.apache.kafka.common.KafkaException", "Failed to create new KafkaAdminClient")
                    .caused_by(Self::new("org.apache.kafka.common.config.ConfigException", error.to_string()))
            }
            ClientError::Jaas(_) => {
                Self::new("org.apache.kafka.common.KafkaException", "Failed to create new KafkaAdminClient")
                    .caused_by(Self::of_error(error))
            }
            error => {
                let thrown = Self::new(java::admin_class(error), java::admin_message(error, metadata_call));
                match java::admin_cause(error, metadata_call) {
                    Some(reason) => thrown.caused_by(Self::new(java::admin_class(error), reason)),
                    None => thrown,
                }
            }
        }
    }

    /// What Java's producer or consumer throws.
    pub fn of_error(error: &ClientError) -> Self {
        Self::new(java::class(error), error.to_string())
    }

    /// What the constructor of Java's client throws; `client` is `producer` or `consumer`.
    pub fn of_construction(client: &str, error: &ClientError) -> Self {
        let cause = match error {
            ClientError::BadSetting { key: "partition.assignment.strategy", value, .. } => {
                let missing = Self::new("java.lang.ClassNotFoundException", value);
                let message = format!("{value} ClassNotFoundException exception occurred");
                Self::new("org.apache.kafka.common.KafkaException", message).caused_by(missing)
            }
            ClientError::BadSetting { .. } | ClientError::Unsafe(_) => return Self::of_error(error),
            ClientError::BadAddress(_) | ClientError::NoneResolvable => {
                Self::new("org.apache.kafka.common.config.ConfigException", error.to_string())
            }
            other => Self::of_error(other),
        };
        let failed = format!("Failed to construct kafka {client}");
        Self::new("org.apache.kafka.common.KafkaException", failed).caused_by(cause)
    }

    /// What ended a tool's asynchronous part.
    pub fn of_tool(error: &anyhow::Error) -> Self {
        match (error.downcast_ref::<Self>(), error.downcast_ref::<ClientError>()) {
            (Some(thrown), _) => thrown.clone(),
            (None, Some(error)) => Self::of_error(error),
            (None, None) => Self::new("java.lang.RuntimeException", error.to_string()),
        }
    }

    /// An option whose argument is no number.
    pub fn not_a_number(option: &str, text: &str) -> Self {
        let format = Self::new("java.lang.NumberFormatException", format!("For input string: \"{text}\""));
        Self::new(
            "joptsimple.OptionArgumentConversionException",
            format!("Cannot parse argument '{text}' of option {option}"),
        )
        .caused_by(Self::new("joptsimple.internal.ReflectionException", format.head()).caused_by(format))
    }

    /// What ends a tool before it has begun, thrown where Java's tool throws it: while it works.
    pub fn of_early_exit(exit: EarlyExit) -> Self {
        match exit {
            EarlyExit::Thrown(class, message) => Self::new(class, message),
            EarlyExit::Argument { option, no_number: Some(text), .. } => Self::not_a_number(&option, &text),
            EarlyExit::Argument { class, message, .. } => Self::new(class, message),
            EarlyExit::Usage(sentence) | EarlyExit::Refused(sentence) => {
                Self::new("java.lang.IllegalArgumentException", sentence)
            }
            EarlyExit::Version => Self::new("java.lang.IllegalArgumentException", ""),
        }
    }

    /// A file that the streams of `java.io` cannot open.
    pub fn of_file(path: &str, error: &std::io::Error) -> Self {
        let text = error.to_string();
        let reason = text.split(" (os error").next().unwrap_or_default();
        Self::new("java.io.FileNotFoundException", format!("{path} ({reason})"))
    }

    /// The same exception with this cause.
    pub fn caused_by(self, cause: impl Into<Self>) -> Self {
        Self { cause: Some(Box::new(cause.into())), ..self }
    }

    /// The same exception, which suppressed these.
    pub fn suppressing(self, suppressed: Vec<JavaThrowable>) -> Self {
        Self { suppressed, ..self }
    }

    /// Prints what Java prints of an exception that leaves `main`, and returns the exit code.
    pub fn leave_main(&self) -> ExitCode {
        eprintln!("Exception in thread \"main\" {self}");
        ExitCode::FAILURE
    }

    /// Its class.
    pub fn class(&self) -> &str {
        &self.class
    }

    /// Its message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Its class and message (`Throwable.toString`).
    pub fn head(&self) -> String {
        if self.message.is_empty() { self.class.clone() } else { format!("{}: {}", self.class, self.message) }
    }
}

/// What `printStackTrace` prints, without the places in the code; no line's end at the end.
impl fmt::Display for JavaThrowable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.head())?;
        for suppressed in &self.suppressed {
            write!(out, "\n\tSuppressed: {}", suppressed.head())?;
        }
        match &self.cause {
            Some(cause) => write!(out, "\nCaused by: {cause}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for JavaThrowable {}

impl From<&ClientError> for JavaThrowable {
    fn from(error: &ClientError) -> Self {
        Self::of_client(error, java::METADATA_CALL)
    }
}

impl From<ClientError> for JavaThrowable {
    fn from(error: ClientError) -> Self {
        Self::from(&error)
    }
}

impl From<AdminError> for JavaThrowable {
    fn from(error: AdminError) -> Self {
        Self::new(java::znode_exception(&error), error.to_string())
    }
}

impl From<ConfigError> for JavaThrowable {
    fn from(error: ConfigError) -> Self {
        Self::new(error.class(), error.to_string())
    }
}

impl From<FileException> for JavaThrowable {
    fn from(error: FileException) -> Self {
        Self::new(error.class, error.message)
    }
}

impl From<ZkError> for JavaThrowable {
    fn from(error: ZkError) -> Self {
        match error {
            ZkError::ConnectString(error) => {
                Self::new(java::connect_string_exception(&error), error.to_string())
            }
            error => AdminError::from(error).into(),
        }
    }
}

impl From<BadFilter> for JavaThrowable {
    fn from(error: BadFilter) -> Self {
        Self::new("java.lang.RuntimeException", error.to_string())
    }
}

impl From<LegacyConfigError> for JavaThrowable {
    fn from(error: LegacyConfigError) -> Self {
        Self::new(java::legacy_config_class(&error), error.to_string())
    }
}

/// Runs a tool's asynchronous part to its end.
///
/// # Errors
/// Its exception.
pub(super) fn outcome_of<T>(
    work: impl Future<Output = Result<T, JavaThrowable>>,
) -> Result<T, JavaThrowable> {
    let outcome = block_on(async { Ok(work.await) });
    outcome.unwrap_or_else(|error| Err(JavaThrowable::new("java.lang.RuntimeException", error.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::by_znode::{FilterKind, TopicFilter};
    use crate::wire::error_code::ErrorCode;

    #[test]
    fn a_future_throws_what_its_call_failed_with() {
        let message = ErrorCode::UnknownTopicOrPartition.message().to_owned();
        let error = ClientError::Refused { error: ErrorCode::UnknownTopicOrPartition, message };
        let cause = "org.apache.kafka.common.errors.UnknownTopicOrPartitionException: This server does not host this \
                     topic-partition.";
        let thrown = JavaThrowable::of_future(&error);
        assert_eq!(thrown.message(), cause);
        assert_eq!(
            thrown.to_string(),
            format!("java.util.concurrent.ExecutionException: {cause}\nCaused by: {cause}")
        );
    }

    #[test]
    fn a_filter_that_is_no_regular_expression_is_an_exception() {
        let bad = TopicFilter::new(FilterKind::Whitelist, "*").unwrap_err();
        assert_eq!(JavaThrowable::from(bad).head(), "java.lang.RuntimeException: * is an invalid regex.");
    }

    #[test]
    fn what_was_suppressed_stands_before_the_cause() {
        let thrown = JavaThrowable::command_failed("no")
            .suppressing(vec![JavaThrowable::operation(""), JavaThrowable::operation("b")])
            .caused_by(JavaThrowable::operation("c"));
        assert_eq!(
            thrown.to_string(),
            "kafka.common.AdminCommandFailedException: no\n\tSuppressed: kafka.admin.AdminOperationException\n\
             \tSuppressed: kafka.admin.AdminOperationException: b\n\
             Caused by: kafka.admin.AdminOperationException: c"
        );
    }
}
