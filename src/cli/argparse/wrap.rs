//! Text in lines of 75 letters whose spaces are spread so that the lines end alike.
//!
//! Pure. argparse4j: `TextHelper`.

/// The letters of a line.
pub(super) const WIDTH: usize = 75;

/// Breaks a text into lines. The first begins at column `offset`, each further one behind `indent`.
pub(super) fn wrap(text: &str, offset: usize, indent: &str) -> String {
    let (mut done, mut line) = (String::new(), String::new());
    let mut column = offset;
    for piece in pieces(text) {
        let size = piece.chars().count();
        if column + size > WIDTH {
            done.push_str(&justified(&line, WIDTH - (column - line.chars().count())));
            done.push('\n');
            done.push_str(indent);
            line.clear();
            column = indent.len();
        }
        line.push_str(piece);
        column += size;
    }
    done + &line
}

/// The pieces between which a line may be broken: behind spaces, and behind a hyphen before a letter.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let breaks = match (letter, letters.peek()) {
            (' ', Some((_, next))) => *next != ' ',
            ('-', Some((_, next))) => next.is_alphabetic(),
            _ => false,
        };
        if breaks {
            pieces.push(&text[start..=at]);
            start = at + 1;
        }
    }
    pieces.push(&text[start..]);
    pieces
}

/// A line without spaces at its ends, made so wide by more spaces where it has some; the middle ones grow first.
fn justified(line: &str, width: usize) -> String {
    let line = line.trim_matches(' ');
    let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
    let gaps = words.len().saturating_sub(1);
    let missing = width.saturating_sub(line.chars().count());
    if gaps == 0 {
        return line.to_owned();
    }
    let (each, rest) = (missing / gaps, missing % gaps);
    let first = (gaps - rest).div_ceil(2);
    let mut out = String::new();
    let mut at = line;
    for (gap, word) in words.iter().enumerate() {
        // The spaces that the text has itself stay.
        let own = at.len() - at.trim_start_matches(' ').len();
        at = &at[own + word.len()..];
        if gap > 0 {
            let more = each + usize::from((first..first + rest).contains(&(gap - 1)));
            out.push_str(&" ".repeat(own + more));
        }
        out.push_str(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_alike_and_break_behind_hyphens() {
        let text =
            "producer-performance: error: one of the arguments --record-size --payload-file is required\n";
        let lines =
            "producer-performance: error: one of  the arguments --record-size --payload-\nfile is required\n";
        assert_eq!(wrap(text, 0, ""), lines);
    }

    #[test]
    fn the_middle_gaps_grow_first() {
        assert_eq!(justified("a b c d ", 9), "a b  c  d");
        assert_eq!(justified("a b c d", 10), "a  b  c  d");
        assert_eq!(justified("word", 10), "word");
    }
}
