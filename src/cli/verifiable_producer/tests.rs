use super::*;

fn records(more: &[&str]) -> NumberedRecords {
    let words = ["--topic", "t", "--broker-list", "b:1"].iter().chain(more).map(|word| (*word).to_owned());
    let words: Vec<_> = words.collect();
    let parser = ArgumentParser::new::<VerifiableProducerOptions>("verifiable-producer");
    NumberedRecords::new(&parser.parse(&words).unwrap(), 1000)
}

#[test]
fn values_count_up_and_keys_repeat() {
    let mut records = records(&["--value-prefix", "7", "--repeating-keys", "2"]);
    let made: Vec<_> = (0..3).map(|number| records.next(number, 1000).0).collect();
    let values: Vec<_> = made.iter().map(|pair| pair.value.as_str()).collect();
    let keys: Vec<_> = made.iter().filter_map(|pair| pair.key.as_deref()).collect();
    assert_eq!((values, keys), (vec!["7.0", "7.1", "7.2"], vec!["0", "1", "0"]));
}

#[test]
fn times_begin_where_they_are_told_to_and_go_on_as_kafkas_do() {
    let mut records = records(&["--message-create-time", "500"]);
    let times: Vec<_> = (0..3).map(|number| records.next(number, 1010).1.timestamp).collect();
    assert_eq!(times, [Some(500), Some(510), Some(520)]);
    assert_eq!(self::records(&[]).next(0, 1010).1.timestamp, None);
}

#[test]
fn settings_are_those_of_the_options_and_the_file_goes_before_them() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "retries=3\nlinger.ms=5\n").unwrap();
    let path = file.path().to_str().unwrap();
    let words = ["--topic", "t", "--bootstrap-server", "b:1", "--acks", "1", "--producer.config", path];
    let words = words.map(str::to_owned);
    let parser = ArgumentParser::new::<VerifiableProducerOptions>("verifiable-producer");
    let settings = parser.parse::<VerifiableProducerOptions>(&words).unwrap().settings().unwrap();
    let expected = [("acks", "1"), ("bootstrap.servers", "b:1"), ("linger.ms", "5"), ("retries", "3")];
    assert_eq!(settings.iter().collect::<Vec<_>>(), expected);
}
