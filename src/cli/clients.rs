//! The producers and consumers of tools: their settings read as Java reads them, their events logged in Java's words.

use std::io;

use super::java::JavaClient;
use super::throwable::JavaThrowable;
use crate::client::client_id::{name_consumer, name_producer};
use crate::client::events::ClientEvent;
use crate::client::settings::{ConsumerSettings, ProducerSettings};
use crate::client::{ClientError, Consumer, Producer};
use crate::config::{Properties, unbuilt};

/// The setting that each client needs.
const BOOTSTRAP: &str = "bootstrap.servers";

/// The properties of a file.
///
/// # Errors
/// What Java throws where the file cannot be read.
pub fn load_properties(file: &str) -> Result<Properties, JavaThrowable> {
    Properties::read(file).map_err(|error| {
        let class = match error.kind() {
            io::ErrorKind::NotFound => "java.nio.file.NoSuchFileException",
            io::ErrorKind::PermissionDenied => "java.nio.file.AccessDeniedException",
            _ => return JavaThrowable::new("java.io.IOException", error.to_string()),
        };
        JavaThrowable::new(class, file)
    })
}

/// A producer with these settings.
///
/// # Errors
/// What the constructor of Java's producer throws.
pub async fn start_producer(properties: &Properties) -> Result<Producer, JavaThrowable> {
    let settings = producer_settings(properties, |_| {})?;
    Producer::new(settings).await.map_err(|error| JavaThrowable::of_construction("producer", &error))
}

/// The settings of a producer. Its events are logged, and `also` sees them, too.
///
/// # Errors
/// What the constructor of Java's producer throws.
pub fn producer_settings(
    properties: &Properties,
    also: impl Fn(&ClientEvent) + Send + Sync + 'static,
) -> Result<ProducerSettings, JavaThrowable> {
    check("producer", properties)?;
    let mut settings = ProducerSettings::read(properties)
        .map_err(|error| JavaThrowable::of_construction("producer", &error))?;
    name_producer(&mut settings);
    JavaClient::Producer.log_ignored(&settings.ignored);
    settings.cluster.events = JavaClient::Producer.log_events_and(&settings.cluster.client_id, also);
    Ok(settings)
}

/// A consumer with these settings.
///
/// # Errors
/// What the constructor of Java's consumer throws.
pub async fn start_consumer(properties: &Properties) -> Result<Consumer, JavaThrowable> {
    check("consumer", properties)?;
    let failed = |error| JavaThrowable::of_construction("consumer", &error);
    let mut settings = ConsumerSettings::read(properties).map_err(failed)?;
    name_consumer(&mut settings);
    JavaClient::Consumer.log_ignored(&settings.ignored);
    settings.cluster.events = JavaClient::Consumer.log_events(&settings.cluster.client_id);
    Consumer::new(settings).await.map_err(failed)
}

/// Refuses settings without servers, and such that ask for security that is not built.
fn check(client: &str, properties: &Properties) -> Result<(), JavaThrowable> {
    if properties.get(BOOTSTRAP).is_none() && properties.get("zookeeper.connect").is_none() {
        return Err(JavaThrowable::of_construction(client, &ClientError::NoneResolvable));
    }
    unbuilt::check_client(properties).map_err(|error| JavaThrowable::new(error.class(), error.to_string()))
}
