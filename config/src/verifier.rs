//! What a server keeps in place of a password: the form that PostgreSQL has in `pg_authid`.
//!
//! ```text
//! SCRAM-SHA-256$4096:<salt>$<StoredKey>:<ServerKey>        the last three in base64
//! ```
//!
//! Only the form stands here; how a verifier is made of a password and how it is used are the
//! gateway's work. It is a secret nearly as good as the password, so [`fmt::Debug`] does not show it.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Fewest iterations that RFC 7677 allows.
pub const ITERATIONS_MIN: u32 = 4096;
/// Most iterations: beyond this a client would compute for minutes.
pub const ITERATIONS_MAX: u32 = 10_000_000;
/// Length of SHA-256's hashes.
pub const KEY_BYTES: usize = 32;

const SCHEME: &str = "SCRAM-SHA-256";

/// Proves that a client knows a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    /// How often the password was hashed.
    pub iterations: u32,
    /// What was mixed in.
    pub salt: Vec<u8>,
    /// Hash of the key with which clients prove themselves.
    pub stored_key: [u8; KEY_BYTES],
    /// The key with which the server proves itself.
    pub server_key: [u8; KEY_BYTES],
}

impl FromStr for Verifier {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            "it is no verifier of SCRAM-SHA-256; `skein hash-password` prints one for a password"
                .to_owned()
        };
        let mut parts = text.split('$');
        let (Some(SCHEME), Some(cost), Some(keys), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        let (iterations, salt) = cost.split_once(':').ok_or_else(wrong)?;
        let (stored_key, server_key) = keys.split_once(':').ok_or_else(wrong)?;
        let bytes = |text: &str| STANDARD.decode(text).map_err(|_| wrong());
        let key = |text: &str| bytes(text)?.try_into().map_err(|_| wrong());
        let verifier = Self {
            iterations: iterations.parse().map_err(|_| wrong())?,
            salt: bytes(salt)?,
            stored_key: key(stored_key)?,
            server_key: key(server_key)?,
        };
        if verifier.salt.is_empty() {
            return Err(wrong());
        }
        if !(ITERATIONS_MIN..=ITERATIONS_MAX).contains(&verifier.iterations) {
            return Err(format!(
                "it has {} iterations; use {ITERATIONS_MIN} to {ITERATIONS_MAX}",
                verifier.iterations
            ));
        }
        Ok(verifier)
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{SCHEME}${}:{}${}:{}",
            self.iterations,
            STANDARD.encode(&self.salt),
            STANDARD.encode(self.stored_key),
            STANDARD.encode(self.server_key)
        )
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}$…")
    }
}

impl Serialize for Verifier {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Verifier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // An error must not show the text: it may be a password that was written by mistake.
        let text = String::deserialize(deserializer)
            .map_err(|_| serde::de::Error::custom("expected a text"))?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
                        WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
                        wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

    #[test]
    fn a_verifier_is_read_and_written_and_never_shown() {
        let verifier: Verifier = TEXT.parse().unwrap();
        assert_eq!((verifier.iterations, verifier.salt.len()), (4096, 16));
        assert_eq!(verifier.to_string(), TEXT);
        assert_eq!(format!("{verifier:?}"), "SCRAM-SHA-256$…");
    }

    #[test]
    fn what_is_no_verifier_is_refused_without_being_repeated() {
        for text in [
            "",
            "secret",
            "md5d41d8cd98f00b204e9800998ecf8427e",
            &TEXT.replace("256$", "1$"),
            &TEXT.replace(":W22", "$W22"),
            &TEXT.replace("W22ZaJ0SNY7soEsUEjb6gQ==", ""),
            &TEXT.replace("gQ==", "gQ"),
            &TEXT.replace("4096", "many"),
            &TEXT.replace("WG5d8oPm", ""),
            &format!("{TEXT}$"),
        ] {
            let error = text.parse::<Verifier>().unwrap_err();
            assert!(
                error.starts_with("it is no verifier of SCRAM-SHA-256"),
                "{error}"
            );
        }
        for (iterations, fits) in [("4095", false), ("4096", true), ("10000001", false)] {
            let parsed = TEXT.replace("4096", iterations).parse::<Verifier>();
            assert_eq!(parsed.is_ok(), fits, "{iterations}");
        }
    }
}
