use super::*;

fn read_text(text: &str) -> Setup {
    let properties = Properties::parse(text.as_bytes()).unwrap();
    read(&properties, |name| (name == "kafka.logs.dir").then(|| "/var/log/kafka".to_owned()))
}

#[test]
fn kafkas_own_file_configures_as_log4j_does() {
    let setup = read_text(
        "log4j.rootLogger=INFO, stdout, kafkaAppender\n\
         log4j.appender.stdout=org.apache.log4j.ConsoleAppender\n\
         log4j.appender.stdout.layout=org.apache.log4j.PatternLayout\n\
         log4j.appender.stdout.layout.ConversionPattern=[%d] %p %m (%c)%n\n\
         log4j.appender.kafkaAppender=org.apache.log4j.DailyRollingFileAppender\n\
         log4j.appender.kafkaAppender.DatePattern='.'yyyy-MM-dd-HH\n\
         log4j.appender.kafkaAppender.File=${kafka.logs.dir}/server.log\n\
         log4j.appender.controllerAppender=org.apache.log4j.RollingFileAppender\n\
         log4j.appender.controllerAppender.file=${kafka.logs.dir}/controller.log\n\
         log4j.appender.controllerAppender.maxFileSize=100MB\n\
         log4j.appender.controllerAppender.threshold=warn\n\
         log4j.appender.unused=com.example.Unused\n\
         log4j.logger.kafka=INFO\n\
         log4j.logger.kafka.controller=TRACE, controllerAppender\n\
         log4j.additivity.kafka.controller=false\n",
    );
    assert_eq!(setup.complaints, Vec::<String>::new());
    let route = setup.hierarchy.route("kafka.controller.KafkaController");
    assert_eq!((route.level, route.appenders), (Level::Trace, vec!["controllerAppender".to_owned()]));
    let route = setup.hierarchy.route("kafka.server.KafkaServer");
    assert_eq!((route.level, route.appenders.join(",")), (Level::Info, "stdout,kafkaAppender".to_owned()));
    let destination = |name: &str| setup.appenders[name].destination.clone();
    assert_eq!(destination("stdout"), Destination::Stdout);
    let hourly = Rolling::ByDate(".%Y-%m-%d-%H".to_owned());
    assert_eq!(destination("kafkaAppender"), Destination::File("/var/log/kafka/server.log".into(), hourly));
    let sized = Rolling::BySize { most: 100 << 20, kept: 1 };
    let controller = Destination::File("/var/log/kafka/controller.log".into(), sized);
    assert_eq!(destination("controllerAppender"), controller);
    assert_eq!(setup.appenders["controllerAppender"].threshold, Level::Warn);
    assert_eq!(setup.appenders.len(), 3);
}

#[test]
fn invalid_settings_of_a_file_are_reported_and_left_out() {
    let setup = read_text(
        "log4j.rootLogger=LOUD, stdout, gelf, gone\n\
         log4j.appender.stdout=org.apache.log4j.ConsoleAppender\n\
         log4j.appender.gelf=org.graylog2.log.GelfAppender\n\
         log4j.logger.kafka=${level}\n\
         level=ERROR\n",
    );
    assert_eq!(
        setup.complaints,
        [
            "The level LOUD of the logger root does not exist.",
            "The appender gelf is left out: there is no class org.graylog2.log.GelfAppender here.",
            "The appender gone is left out: it is not defined.",
        ]
    );
    assert_eq!(setup.appenders.keys().collect::<Vec<_>>(), ["stdout"]);
    assert_eq!(setup.hierarchy.route("kafka.log.Log").level, Level::Error);
}

#[test]
fn every_logger_of_a_broker_can_be_given_a_level() {
    let setup = read_text("log4j.rootLogger=INFO\n");
    assert!(LOGGERS.iter().all(|logger| setup.hierarchy.contains(logger)));
    assert!(!setup.hierarchy.contains("no.such.Logger"));
}
