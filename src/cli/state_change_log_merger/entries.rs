//! Which lines of a state change log are merged, and at which time each was written.
//!
//! Pure. Kafka: `StateChangeLogMerger.getNextLine`.

use std::sync::LazyLock;

use regex::Regex;

/// A time as in log lines, `2020-01-31 23:59:59,999`: milliseconds since the year 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LogTime(i64);

/// The time of a line.
static TIME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2},[0-9]{3}").ok());
/// A partition as logs name it: `[topic,0]` those of old brokers, `partition topic-0` those of 0.10 and later.
static PARTITION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\[([a-zA-Z0-9._-]+),(?: )*([0-9]+)\]|\bpartition ([a-zA-Z0-9._-]+)-([0-9]+)\b").ok()
});

impl LogTime {
    /// Reads a time as Java's lenient `SimpleDateFormat` does: numbers may be out of their ranges, `0000-00-00` is the
    /// last day of the November before the year 0. What follows the time is not read.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let mut numbers = [0i64; 7];
        let ends = ["-", "-", " ", ":", ":", ",", ""];
        for (number, end) in numbers.iter_mut().zip(ends) {
            let digits = rest.len() - rest.trim_start_matches(|it: char| it.is_ascii_digit()).len();
            *number = rest[..digits].parse::<i32>().ok()?.into();
            rest = rest[digits..].strip_prefix(end)?;
        }
        let [year, month, day, hour, minute, second, milli] = numbers;
        let months = year * 12 + month - 1;
        let days = days_before(months.div_euclid(12), months.rem_euclid(12)) + day - 1;
        Some(Self((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + milli))
    }
}

/// How many days lie between the first of January of the year 0 and the first of a month, counted from 0.
fn days_before(year: i64, month: i64) -> i64 {
    const BEFORE_MONTH: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let is_leap = year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0);
    let last = year - 1;
    let leap_days = last.div_euclid(4) - last.div_euclid(100) + last.div_euclid(400);
    let before_month = usize::try_from(month).ok().and_then(|month| BEFORE_MONTH.get(month)).copied();
    year * 365 + leap_days + before_month.unwrap_or_default() + i64::from(is_leap && month > 1)
}

/// Which lines are wanted.
#[derive(Clone, Debug)]
pub(super) struct LineFilter {
    /// The topic; None for any.
    pub topic: Option<String>,
    /// The partitions; empty for any.
    pub partitions: Vec<i32>,
    /// The earliest time.
    pub start: LogTime,
    /// The latest time.
    pub end: LogTime,
}

impl LineFilter {
    /// The time of a line that is wanted.
    pub fn time_of(&self, line: &str) -> Option<LogTime> {
        let time = LogTime::parse(TIME.as_ref()?.find(line)?.as_str())?;
        if time < self.start || time > self.end {
            return None;
        }
        let found = PARTITION.as_ref()?.captures(line)?;
        let topic = found.get(1).or_else(|| found.get(3))?.as_str();
        let partition: i32 = found.get(2).or_else(|| found.get(4))?.as_str().parse().ok()?;
        let wanted = self.topic.as_deref().is_none_or(|wanted| wanted == topic)
            && (self.partitions.is_empty() || self.partitions.contains(&partition));
        wanted.then_some(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> LogTime {
        LogTime::parse(text).unwrap()
    }

    #[test]
    fn times_are_read_as_java_reads_them() {
        assert_eq!(time("2020-02-29 24:00:00,000"), time("2020-03-01 00:00:00,000"));
        assert_eq!(time("2019-02-29 00:00:00,000"), time("2019-03-01 00:00:00,000"));
        assert_eq!(time("2020-13-01 00:00:00,000"), time("2021-01-01 00:00:00,000"));
        assert_eq!(time("2020-1-2 3:4:5,6"), time("2020-01-02 03:04:05,006 and more"));
        assert_eq!(time("2000-03-01 00:00:00,000").0 - time("2000-02-28 00:00:00,000").0, 2 * 86_400_000);
        assert_eq!(time("1900-03-01 00:00:00,000").0 - time("1900-02-28 00:00:00,000").0, 86_400_000);
        assert!(time("0000-00-00 00:00:00,000") < time("0000-01-01 00:00:00,000"));
        for none in ["", "2020", "2020-01-01", "2020-01-01 00:00:00", "99999999999-01-01 00:00:00,000"] {
            assert_eq!(LogTime::parse(none), None, "{none}");
        }
    }

    fn filter(topic: Option<&str>, partitions: &[i32]) -> LineFilter {
        LineFilter {
            topic: topic.map(str::to_owned),
            partitions: partitions.to_vec(),
            start: time("2020-01-01 00:00:00,000"),
            end: time("2020-01-02 00:00:00,000"),
        }
    }

    #[test]
    fn a_line_needs_a_time_and_a_partition() {
        let at = |line: &str| filter(None, &[]).time_of(line);
        let noon = Some(time("2020-01-01 12:00:00,000"));
        assert_eq!(at("[2020-01-01 12:00:00,000] TRACE Broker 1 cached leader info for [t,0] (x)"), noon);
        assert_eq!(at("[2020-01-01 12:00:00,000] TRACE Changed state of partition t-0 from (x)"), noon);
        assert_eq!(at("[2020-01-01 12:00:00,000] TRACE Broker 1 is up"), None);
        assert_eq!(at("[2020-01-02 00:00:00,001] TRACE of [t,0]"), None);
        assert_eq!(at("[2019-12-31 23:59:59,999] TRACE of [t,0]"), None);
        assert_eq!(at("of [t,0] without a time"), None);
    }

    #[test]
    fn a_topic_and_its_partitions_are_chosen() {
        let line = |partition: &str| format!("2020-01-01 00:00:00,000 {partition}");
        let only = filter(Some("a-b.c"), &[1, 2]);
        for (partition, chosen) in [
            ("[a-b.c,1]", true),
            ("[a-b.c, 2]", true),
            ("[a-b.c,3]", false),
            ("[a,1]", false),
            ("partition a-b.c-1", true),
            ("partition a-b-1", false),
            ("partition a-b.c-99999999999", false),
        ] {
            assert_eq!(only.time_of(&line(partition)).is_some(), chosen, "{partition}");
        }
    }
}
