//! `memory_limit`: a share of the machine's memory, or an amount.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// How much memory executors may use together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MemoryLimit {
    /// Percent of the machine's memory, above 0 and at most 100.
    Percent(f64),
    /// An amount.
    Bytes(u64),
}

impl MemoryLimit {
    /// The part of one of `executors`, in the words of DuckDB's setting `memory_limit`. Where the
    /// machine's memory cannot be found out there is none, and DuckDB takes its own default.
    pub fn duckdb_setting(self, executors: usize) -> Option<String> {
        self.share(executors).map(|bytes| format!("{bytes}B"))
    }

    /// The part of one of `executors`, in bytes, where it can be found out.
    pub fn share(self, executors: usize) -> Option<u64> {
        let bytes = self.bytes(machine_bytes())?;
        Some(bytes / executors.max(1) as u64)
    }

    fn bytes(self, machine_bytes: Option<u64>) -> Option<u64> {
        match self {
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of memory is positive and need not be exact to the byte"
            )]
            Self::Percent(percent) => {
                machine_bytes.map(|bytes| (bytes as f64 * percent / 100.0) as u64)
            }
            Self::Bytes(bytes) => Some(bytes),
        }
    }
}

/// Memory of this machine, or of the container that this process is in.
fn machine_bytes() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let meminfo = read("/proc/meminfo");
    let total = meminfo.as_deref().and_then(|text| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        kilobytes.checked_mul(1024)
    });
    // A limit that is not set is the word `max`, or a number beyond any machine.
    let limits = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ];
    let limits = limits
        .iter()
        .filter_map(|path| read(path)?.trim().parse::<u64>().ok());
    limits.chain(total).min()
}

impl Default for MemoryLimit {
    fn default() -> Self {
        Self::Percent(80.0)
    }
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Bytes(bytes) => write!(f, "{bytes}B"),
        }
    }
}

impl FromStr for MemoryLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || {
            format!(
                "\"{text}\" is not an amount of memory; write a share such as \"80%\" or an amount \
                 such as \"4GB\" or \"512MiB\""
            )
        };
        let text = text.trim();
        let digits = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let number: f64 = number.parse().map_err(|_| refuse())?;
        let unit = unit.trim().to_ascii_lowercase();
        if unit == "%" {
            return if number > 0.0 && number <= 100.0 {
                Ok(Self::Percent(number))
            } else {
                Err(format!("\"{text}\" is not above 0% and at most 100%"))
            };
        }
        let power = |base: u64, exponent: u32| base.pow(exponent);
        let factor = match unit.as_str() {
            "" | "b" => 1,
            "k" | "kb" => power(1000, 1),
            "m" | "mb" => power(1000, 2),
            "g" | "gb" => power(1000, 3),
            "t" | "tb" => power(1000, 4),
            "kib" => power(1024, 1),
            "mib" => power(1024, 2),
            "gib" => power(1024, 3),
            "tib" => power(1024, 4),
            _ => return Err(refuse()),
        };
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an amount of memory is positive and need not be exact to the byte"
        )]
        let bytes = (number * factor as f64) as u64;
        if bytes == 0 {
            Err(refuse())
        } else {
            Ok(Self::Bytes(bytes))
        }
    }
}

impl Serialize for MemoryLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MemoryLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "expected a text such as \"80%\" or \"4GB\", or a number of bytes"
        )]
        enum Written {
            Bytes(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Bytes(bytes) => Ok(Self::Bytes(bytes)),
            Written::Text(text) => text.parse().map_err(de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_amounts_are_read() {
        assert_eq!("80%".parse(), Ok(MemoryLimit::Percent(80.0)));
        assert_eq!(" 12.5 %".parse(), Ok(MemoryLimit::Percent(12.5)));
        assert_eq!("4GB".parse(), Ok(MemoryLimit::Bytes(4_000_000_000)));
        assert_eq!("1.5 GiB".parse(), Ok(MemoryLimit::Bytes(1_610_612_736)));
        assert_eq!("1048576".parse(), Ok(MemoryLimit::Bytes(1_048_576)));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "much", "0%", "101%", "-1GB", "4 parsecs", "0"] {
            text.parse::<MemoryLimit>().unwrap_err();
        }
    }

    #[test]
    fn executors_share_the_limit() {
        assert_eq!(
            MemoryLimit::Bytes(1000).duckdb_setting(4).as_deref(),
            Some("250B")
        );
        assert_eq!(MemoryLimit::Percent(80.0).bytes(Some(1000)), Some(800));
        assert_eq!(MemoryLimit::Percent(80.0).bytes(None), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_machine_has_memory() {
        assert!(machine_bytes().unwrap() > 1 << 20);
    }
}
