//! Numbers as Java prints them.
//!
//! Pure. Java: `Formatter`, for `%.2f` and its kin.

/// A number with so many decimals.
pub fn decimal(number: f64, decimals: usize) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    format!("{number:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_has_javas_name() {
        assert_eq!(decimal(2.0 / 3.0, 4), "0.6667");
        assert_eq!(decimal(1.0 / 0.0, 2), "Infinity");
        assert_eq!(decimal(-1.0 / 0.0, 2), "-Infinity");
        assert_eq!(decimal(f64::NAN, 2), "NaN");
    }
}
