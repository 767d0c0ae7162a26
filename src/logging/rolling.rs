//! The file that lines are appended to, and when it rolls: by date, by size, or never.
//!
//! log4j: `FileAppender`, `DailyRollingFileAppender`, `RollingFileAppender`. Blocks as long as the disk does.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Zoned;
use jiff::tz::TimeZone;

/// When a file rolls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rolling {
    /// Never.
    Never,
    /// When this `strftime` pattern gives a text that differs from the one at the last write. The old text
    /// becomes the suffix of the old file's name.
    ByDate(String),
    /// When the file has grown to `most`. `kept` old files stay, numbered from 1, the newest.
    BySize {
        /// The size that the file may reach, in bytes.
        most: u64,
        /// How many old files are kept.
        kept: u32,
    },
}

/// A file that lines are appended to.
#[derive(Debug)]
pub(super) struct RollingFile {
    path: PathBuf,
    rolling: Rolling,
    file: File,
    /// How large the file is, in bytes.
    size: u64,
    /// The text of the date pattern at the last write.
    period: String,
    /// The second in which that text was last computed.
    looked_at: i64,
}

impl RollingFile {
    /// Opens the file; creates it and its folder if they are missing.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(path: &Path, rolling: Rolling) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = append(path)?;
        let metadata = file.metadata()?;
        let written = metadata.modified().ok().and_then(|time| jiff::Timestamp::try_from(time).ok());
        let written = written.map_or_else(Zoned::now, |time| time.to_zoned(TimeZone::system()));
        let period = rolling.period(&written);
        Ok(Self { path: path.to_owned(), rolling, file, size: metadata.len(), period, looked_at: i64::MIN })
    }

    /// Rolls the file if it is time to.
    fn roll_if_due(&mut self, now: &Zoned) -> io::Result<()> {
        match self.rolling {
            Rolling::Never => Ok(()),
            Rolling::ByDate(_) => self.roll_by_date(now),
            Rolling::BySize { most, kept } if self.size >= most => self.roll_by_size(kept),
            Rolling::BySize { .. } => Ok(()),
        }
    }

    fn roll_by_date(&mut self, now: &Zoned) -> io::Result<()> {
        let second = now.timestamp().as_second();
        if second == self.looked_at {
            return Ok(());
        }
        self.looked_at = second;
        let period = self.rolling.period(now);
        if period == self.period {
            return Ok(());
        }
        let old = with_ending(&self.path, &self.period);
        self.period = period;
        self.start_anew(&old)
    }

    fn roll_by_size(&mut self, kept: u32) -> io::Result<()> {
        if kept == 0 {
            self.file.set_len(0)?;
            self.size = 0;
            return Ok(());
        }
        let numbered = |number: u32| with_ending(&self.path, &format!(".{number}"));
        for number in (1..kept).rev().filter(|number| numbered(*number).exists()) {
            fs::rename(numbered(number), numbered(number + 1))?;
        }
        let newest = numbered(1);
        self.start_anew(&newest)
    }

    /// Begins a new file; the present one is kept as `old`.
    fn start_anew(&mut self, old: &Path) -> io::Result<()> {
        fs::rename(&self.path, old)?;
        self.file = append(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

impl Rolling {
    fn period(&self, time: &Zoned) -> String {
        match self {
            Self::ByDate(pattern) => time.strftime(pattern).to_string(),
            _ => String::new(),
        }
    }
}

impl Write for RollingFile {
    /// Writes whole lines. A file that cannot roll is still written to.
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        // Rolling is tried again with a later line.
        let _ = self.roll_if_due(&Zoned::now());
        self.file.write_all(lines)?;
        self.size += lines.len() as u64;
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn the_file_of_an_hour_that_is_over_is_put_aside_under_that_hour() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs/server.log");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "old\n").unwrap();
        let before = SystemTime::now() - Duration::from_secs(7200);
        File::options().write(true).open(&path).unwrap().set_modified(before).unwrap();
        let hourly = Rolling::ByDate(".%Y-%m-%d-%H".to_owned());
        let hour = jiff::Timestamp::try_from(before).unwrap().to_zoned(TimeZone::system());
        let old = with_ending(&path, &hourly.period(&hour));

        let mut file = RollingFile::open(&path, hourly).unwrap();
        file.write_all(b"new\n").unwrap();
        file.write_all(b"newer\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new\nnewer\n");
        assert_eq!(fs::read_to_string(old).unwrap(), "old\n");

        drop(file);
        let mut again = RollingFile::open(&path, Rolling::Never).unwrap();
        again.write_all(b"appended\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new\nnewer\nappended\n");
    }

    #[test]
    fn a_file_that_has_grown_is_put_aside_and_only_some_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.log");
        let mut file = RollingFile::open(&path, Rolling::BySize { most: 4, kept: 2 }).unwrap();
        for line in ["one\n", "two\n", "three\n", "four\n"] {
            file.write_all(line.as_bytes()).unwrap();
        }
        let text = |ending| fs::read_to_string(with_ending(&path, ending)).unwrap();
        assert_eq!([text(""), text(".1"), text(".2")], ["four\n", "three\n", "two\n"]);
        assert!(!with_ending(&path, ".3").exists());
    }
}
