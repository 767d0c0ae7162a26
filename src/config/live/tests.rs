use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::*;

/// A part that reads `message.max.bytes`, at most a thousand, and records what it has applied.
#[derive(Debug, Default)]
struct Part {
    applied: Mutex<Vec<(i32, i32)>>,
}

impl BrokerReconfigurable for Part {
    fn takes(&self, key: &str) -> bool {
        key == "message.max.bytes"
    }

    fn validate(&self, change: &SettingsChange) -> Result<(), ConfigError> {
        match change.now.broker.message_max_bytes {
            ..=1000 => Ok(()),
            _ => Err(ConfigError::Combination("too large".to_owned())),
        }
    }

    fn apply<'a>(&'a self, change: &'a SettingsChange) -> BoxFuture<'a, ()> {
        let sizes = (change.before.broker.message_max_bytes, change.now.broker.message_max_bytes);
        self.applied.lock().push(sizes);
        std::future::ready(()).boxed()
    }
}

fn own(key: &str, value: &str) -> OwnConfigs {
    OwnConfigs::from([(key.to_owned(), value.to_owned())])
}

#[tokio::test]
async fn a_part_validates_what_is_asked_and_what_has_changed_and_applies_it_once() {
    let file = [("zookeeper.connect", "localhost"), ("message.max.bytes", "500")];
    let live = LiveConfig::new(file.into_iter().collect()).unwrap();
    let part = Arc::new(Part::default());
    live.add(part.clone()).await;
    assert_eq!(*part.applied.lock(), [(500, 500)], "what is in force at the start");

    assert_eq!(live.check(Layer::Broker, &own("message.max.bytes", "900")).await, Ok(()));
    assert_eq!(part.applied.lock().len(), 1, "a check applies nothing");
    let refusal = live.check(Layer::Broker, &own("message.max.bytes", "1001")).await.unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "Invalid value org.apache.kafka.common.config.ConfigException: too large for configuration Invalid dynamic \
         configuration"
    );

    assert!(live.take(Layer::Broker, own("message.max.bytes", "900")).await.is_empty());
    assert_eq!(part.applied.lock()[1..], [(500, 900)]);
    assert_eq!(live.current().broker.message_max_bytes, 900);

    let ignored = live.take(Layer::Broker, own("message.max.bytes", "1001")).await;
    assert_eq!(ignored, ["Dynamic configs could not be applied: too large"]);
    assert_eq!(live.current().broker.message_max_bytes, 900, "nothing has changed");
    assert!(live.take(Layer::AllBrokers, own("log.retention.ms", "5")).await.is_empty());
    assert_eq!(part.applied.lock().len(), 2, "another key does not concern it");
}
