use super::*;

fn time(text: &str) -> Millis {
    parse_datetime(text).unwrap()
}

#[test]
fn a_time_is_in_utc_unless_it_has_a_zone() {
    assert_eq!(time("2020-01-01T00:00:00.000"), 1_577_836_800_000);
    assert_eq!(time("2020-01-01T00:00:00.000Z"), 1_577_836_800_000);
    assert_eq!(time("2020-01-01T01:30:00.000+01:30"), 1_577_836_800_000);
    assert_eq!(time("2019-12-31T23:00:00.000-01"), 1_577_836_800_000);
    assert_eq!(time("2020-1-1T0:0:0.7"), 1_577_836_800_007, "seven milliseconds");
    assert_eq!(time("2019-12-32T00:00:00.000"), time("2020-01-01T00:00:00.000"));
    assert_eq!(time("2019-13-01T00:00:00.000"), time("2020-01-01T00:00:00.000"));
    assert_eq!(time("1969-12-31T23:59:59.999"), -1);
}

#[test]
fn what_is_no_time_is_refused_in_javas_words() {
    let refused = |text: &str| parse_datetime(text).unwrap_err().message().to_owned();
    let no_time = "Error parsing timestamp. It does not contain a 'T' according to ISO8601 format";
    assert_eq!(refused("yesterday"), no_time);
    assert_eq!(refused("2020-01-01T"), no_time);
    assert_eq!(refused("2020-01-01TT5"), "Error parsing timestamp. Time part after 'T' is null or empty");
    assert_eq!(refused("2020-01-01T00:00:00"), "Unparseable date: \"2020-01-01T00:00:00Z\"");
    assert_eq!(refused("2020-01-01T00:00:00.000+x"), "Unparseable date: \"2020-01-01T00:00:00.000+x\"");
    assert!(parse_datetime("99999999-01-01T00:00:00.000").is_err());
}

#[test]
fn durations_are_read_as_java_reads_them() {
    let millis = |text: &str| parse_duration(text).unwrap();
    assert_eq!(millis("PT1H"), 3_600_000);
    assert_eq!(millis("p1dt2h3m4.5s"), 93_784_500);
    assert_eq!(millis("P-1D"), -86_400_000);
    assert_eq!(millis("-PT1M-2S"), -58_000);
    assert_eq!(millis("PT-0.5S"), -500);
    assert_eq!(millis("PT0.0019S"), 1);
    for wrong in ["", "P", "PT", "P1DT", "1H", "PT1H30", "P1Y", "PT99999999999999999999S"] {
        let error = parse_duration(wrong).unwrap_err();
        assert_eq!(error.message(), "Text cannot be parsed to a Duration", "{wrong}");
    }
}
