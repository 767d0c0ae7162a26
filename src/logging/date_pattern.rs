//! Java's date patterns, as `'.'yyyy-MM-dd-HH`, in the `strftime` form that `jiff` writes. Pure.
//!
//! Java: `SimpleDateFormat`, of which years, months, days, hours, minutes, seconds, milliseconds, zones, AM and PM
//! are known.

/// The `strftime` pattern that writes what this pattern of Java's writes.
///
/// # Errors The letter that is not known.
pub fn to_strftime(pattern: &str) -> Result<String, char> {
    let letters: Vec<char> = pattern.chars().collect();
    let (mut out, mut at) = (String::new(), 0);
    while let Some(&letter) = letters.get(at) {
        if letter == '\'' {
            at = quoted(&letters, at + 1, &mut out);
            continue;
        }
        let length = letters[at..].iter().take_while(|other| **other == letter).count();
        if letter.is_ascii_alphabetic() {
            out.push_str(field(letter, length).ok_or(letter)?);
        } else {
            (0..length).for_each(|_| literal(letter, &mut out));
        }
        at += length;
    }
    Ok(out)
}

/// Writes the quoted text from `at` on; two quotes stand for one. Returns where the pattern goes on behind
/// it.
fn quoted(letters: &[char], mut at: usize, out: &mut String) -> usize {
    if letters.get(at) == Some(&'\'') {
        literal('\'', out);
        return at + 1;
    }
    while let Some(&letter) = letters.get(at) {
        at += 1;
        if letter != '\'' {
            literal(letter, out);
        } else if letters.get(at) == Some(&'\'') {
            literal('\'', out);
            at += 1;
        } else {
            break;
        }
    }
    at
}

fn literal(letter: char, out: &mut String) {
    out.push(letter);
    if letter == '%' {
        out.push('%');
    }
}

fn field(letter: char, length: usize) -> Option<&'static str> {
    Some(match (letter, length) {
        ('y', 2) => "%y",
        ('y', _) => "%Y",
        ('M', 1) => "%-m",
        ('M', 2) => "%m",
        ('M', 3) => "%b",
        ('M', _) => "%B",
        ('d', 1) => "%-d",
        ('d', _) => "%d",
        ('D', _) => "%j",
        ('E', 1..=3) => "%a",
        ('E', _) => "%A",
        ('H', 1) => "%-H",
        ('H', _) => "%H",
        ('h', 1) => "%-I",
        ('h', _) => "%I",
        ('m', 1) => "%-M",
        ('m', _) => "%M",
        ('s', 1) => "%-S",
        ('s', _) => "%S",
        ('S', _) => "%3f",
        ('a', _) => "%p",
        ('w', _) => "%U",
        ('Z', _) => "%z",
        ('X', _) => "%:z",
        ('z', _) => "%Z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn javas_patterns_are_strftimes() {
        assert_eq!(to_strftime("'.'yyyy-MM-dd-HH"), Ok(".%Y-%m-%d-%H".to_owned()));
        assert_eq!(to_strftime("yyyy-MM-dd HH:mm:ss,SSS"), Ok("%Y-%m-%d %H:%M:%S,%3f".to_owned()));
        assert_eq!(to_strftime("d MMM yy 'o''clock' 100%"), Ok("%-d %b %y o'clock 100%%".to_owned()));
        assert_eq!(to_strftime("yyyy-QQ"), Err('Q'));
    }
}
