//! Access rules: which client has to prove itself how.
//!
//! The counterpart of `pg_hba.conf`. Only what rules say stands here; the gateway matches them.
//!
//! Invariants of a checked rule: it has a method; `hostssl` and `cert` only stand where TLS is set
//! up, and `cert` only where client certificates can be checked.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Which connections a rule is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectionKind {
    /// Any.
    #[default]
    Host,
    /// With TLS.
    HostSsl,
    /// Without TLS.
    HostNoSsl,
}

/// How a client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Not at all.
    Trust,
    /// By a password.
    #[serde(rename = "scram-sha-256")]
    Scram,
    /// By a certificate.
    Cert,
    /// It is refused.
    Reject,
}

/// Names that a rule is about; those with a special meaning are kept as they are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Names(Vec<String>);

impl Names {
    /// The word for every name.
    pub const ALL: &str = "all";
    /// The word for the name of the user.
    pub const SAME_USER: &str = "sameuser";

    /// Every name.
    pub fn all() -> Self {
        Self(vec![Self::ALL.to_owned()])
    }

    /// The names and words as they are written.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// One text or a list of them.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let texts = match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(text) => vec![text],
        OneOrMany::Many(texts) => texts,
    };
    if texts.is_empty() || texts.iter().any(String::is_empty) {
        return Err(D::Error::custom("there has to be at least one, none empty"));
    }
    Ok(texts)
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        texts(deserializer).map(Self)
    }
}

/// Client addresses that a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// As it is written.
    texts: Vec<String>,
    /// `None`: all.
    ranges: Option<Vec<IpNet>>,
}

const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];

impl Addresses {
    /// Every address.
    pub fn all() -> Self {
        Self {
            texts: vec![Names::ALL.to_owned()],
            ranges: None,
        }
    }

    /// Addresses of this machine that no other one can have.
    pub fn loopback() -> Self {
        Self::read(vec!["loopback".to_owned()]).expect("the word is known")
    }

    fn read(texts: Vec<String>) -> Result<Self, String> {
        let mut ranges = Some(Vec::new());
        for text in &texts {
            if text == Names::ALL {
                ranges = None;
                continue;
            }
            let read: Vec<IpNet> = if text == "loopback" {
                let ranges = LOOPBACK.iter().map(|range| range.parse());
                ranges.collect::<Result<_, _>>().expect("well formed")
            } else {
                vec![range(text)?]
            };
            if let Some(ranges) = &mut ranges {
                ranges.extend(read);
            }
        }
        Ok(Self { texts, ranges })
    }

    /// Whether `address` is among them. One of IPv4 that came over IPv6 counts as what it is.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let Some(ranges) = &self.ranges else {
            return true;
        };
        ranges.iter().any(|range| range.contains(&address))
    }

    /// Whether other machines can have one of them.
    pub fn leave_loopback(&self) -> bool {
        let Some(ranges) = &self.ranges else {
            return true;
        };
        let loopback = |range: &IpNet| {
            let inside = LOOPBACK.iter().map(|text| text.parse::<IpNet>());
            inside.flatten().any(|whole| whole.contains(range))
        };
        !ranges.iter().all(loopback)
    }
}

fn range(text: &str) -> Result<IpNet, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.into());
    }
    let range: IpNet = text
        .parse()
        .map_err(|_| format!("\"{text}\" is neither an address nor a range such as 10.0.0.0/8"))?;
    if range.trunc() != range {
        return Err(format!(
            "\"{text}\" has bits beyond its length; the range is {}",
            range.trunc()
        ));
    }
    Ok(range)
}

impl Serialize for Addresses {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.texts.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(texts(deserializer)?).map_err(D::Error::custom)
    }
}

/// A rule, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRule {
    /// With or without TLS.
    pub connection: ConnectionKind,
    /// Databases.
    pub databases: Names,
    /// Users.
    pub users: Names,
    /// Client addresses.
    pub addresses: Addresses,
    /// What the client has to do.
    pub method: Method,
}

impl AccessRule {
    /// A rule for every user and database.
    pub fn for_all(addresses: Addresses, method: Method) -> Self {
        Self {
            connection: ConnectionKind::Host,
            databases: Names::all(),
            users: Names::all(),
            addresses,
            method,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Result<Addresses, String> {
        Addresses::read(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    #[test]
    fn addresses_contain_what_they_say() {
        for (texts, inside, outside) in [
            (&["10.0.0.0/8"][..], "10.1.2.3", "11.0.0.0"),
            (&["10.0.0.0/8"], "::ffff:10.1.2.3", "::10.1.2.3"),
            (&["10.0.0.7", "fd00::/8"], "fd00::1", "10.0.0.8"),
            (&["loopback"], "127.9.9.9", "::2"),
            (&["0.0.0.0/0"], "8.8.8.8", "::1"),
        ] {
            let addresses = addresses(texts).unwrap();
            assert!(addresses.contain(inside.parse().unwrap()), "{inside}");
            assert!(!addresses.contain(outside.parse().unwrap()), "{outside}");
        }
        assert!(Addresses::all().contain("::9".parse().unwrap()));
        assert!(!Addresses::loopback().leave_loopback());
        for (text, leaves) in [
            ("127.0.0.1", false),
            ("126.0.0.0/7", true),
            ("::1", false),
            ("::/0", true),
            ("all", true),
        ] {
            let addresses = addresses(&[text]).unwrap();
            assert_eq!(addresses.leave_loopback(), leaves, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (text, error) in [
            ("10.0.0.0/33", "neither an address nor a range"),
            ("example.com", "neither an address nor a range"),
            ("10.0.0.1/8", "the range is 10.0.0.0/8"),
        ] {
            let refused = addresses(&[text]).unwrap_err();
            assert!(refused.contains(error), "{refused}");
        }
    }
}
