//! Times and durations as Java reads them from options.
//!
//! Pure. Kafka: `Utils.getDateTime` with Java's `SimpleDateFormat`, `java.time.Duration.parse`.

use std::sync::LazyLock;

use jiff::civil::Date;
use regex::{Captures, Regex};

use super::throwable::JavaThrowable;
use crate::base::Millis;

static DATE_TIME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)\.(\d+)(?:Z|([+-])(\d{1,2})(?::?(\d{2}))?)").ok()
});

static DURATION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let time = r"T(?:([-+]?\d+)H)?(?:([-+]?\d+)M)?(?:([-+]?\d+)(?:[.,](\d{0,9}))?S)?";
    Regex::new(&format!(r"^(?i)([-+]?)P(?:([-+]?\d+)D)?({time})?$")).ok()
});

/// The milliseconds since the Unix epoch of `YYYY-MM-DDTHH:mm:SS.sss`, in UTC unless a zone follows. Numbers that are
/// too large count on, as in Java: the 32nd of January is the 1st of February.
///
/// # Errors
/// The text is no such time.
pub(super) fn parse_datetime(text: &str) -> Result<Millis, JavaThrowable> {
    let refused = |message: String| JavaThrowable::new("java.text.ParseException", message);
    let parts: Vec<_> = text.trim_end_matches('T').split('T').collect();
    let Some(time) = parts.get(1) else {
        let reason = "Error parsing timestamp. It does not contain a 'T' according to ISO8601 format";
        return Err(refused(reason.to_owned()));
    };
    if time.is_empty() {
        return Err(refused("Error parsing timestamp. Time part after 'T' is null or empty".to_owned()));
    }
    let zoned = if time.contains(['+', '-', 'Z']) { text.to_owned() } else { format!("{text}Z") };
    let found = DATE_TIME.as_ref().and_then(|pattern| pattern.captures(&zoned));
    found
        .and_then(|found| epoch_millis(&found))
        .ok_or_else(|| refused(format!("Unparseable date: \"{zoned}\"")))
}

fn epoch_millis(found: &Captures<'_>) -> Option<Millis> {
    let number = |at: usize| found.get(at).map_or(Some(0), |text| text.as_str().parse::<i64>().ok());
    let month = number(2)?.checked_sub(1)?;
    let year = number(1)?.checked_add(month.div_euclid(12))?;
    let first = Date::new(year.try_into().ok()?, (month.rem_euclid(12) + 1).try_into().ok()?, 1).ok()?;
    let epoch = Date::new(1970, 1, 1).ok()?;
    let days = i64::from(first.since(epoch).ok()?.get_days()).checked_add(number(3)?.checked_sub(1)?)?;
    let sign = if found.get(8).is_some_and(|sign| sign.as_str() == "-") { -1 } else { 1 };
    let offset = sign * (number(9)? * 60 + number(10)?);
    let minutes = days.checked_mul(24)?.checked_add(number(4)?)?.checked_mul(60)?.checked_add(number(5)?)?;
    let seconds = minutes.checked_sub(offset)?.checked_mul(60)?.checked_add(number(6)?)?;
    seconds.checked_mul(1000)?.checked_add(number(7)?)
}

/// The milliseconds of a duration such as `P1DT2H3M4.5S`, rounded towards the past as Java rounds an instant before it.
///
/// # Errors
/// The text is no such duration.
pub(super) fn parse_duration(text: &str) -> Result<Millis, JavaThrowable> {
    let refused = || {
        let class = "java.time.format.DateTimeParseException";
        JavaThrowable::new(class, "Text cannot be parsed to a Duration")
    };
    let found = DURATION.as_ref().and_then(|pattern| pattern.captures(text)).ok_or_else(refused)?;
    let is_given = |at: usize| found.get(at).is_some();
    if !(2..=6).any(|at| at != 3 && is_given(at)) || found.get(3).is_some_and(|time| time.len() == 1) {
        return Err(refused());
    }
    duration_millis(&found).ok_or_else(refused)
}

fn duration_millis(found: &Captures<'_>) -> Option<Millis> {
    let number = |at: usize| found.get(at).map_or(Some(0), |text| text.as_str().parse::<i64>().ok());
    let hours = number(2)?.checked_mul(24)?.checked_add(number(4)?)?;
    let seconds = hours.checked_mul(60)?.checked_add(number(5)?)?.checked_mul(60)?.checked_add(number(6)?)?;
    let fraction =
        format!("{:0<9}", found.get(7).map_or("", |digits| digits.as_str())).parse::<i64>().ok()?;
    let is_below_zero = found.get(6).is_some_and(|seconds| seconds.as_str().starts_with('-'));
    let fraction = if is_below_zero { -fraction } else { fraction };
    let nanos = i128::from(seconds) * 1_000_000_000 + i128::from(fraction);
    let nanos = if found.get(1).is_some_and(|sign| sign.as_str() == "-") { -nanos } else { nanos };
    // The time before which records are left out is `now` less this, in whole milliseconds.
    i64::try_from(nanos.div_euclid(1_000_000)).ok()
}

#[cfg(test)]
mod tests;
