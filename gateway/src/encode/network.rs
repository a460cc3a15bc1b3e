//! Addresses of networks and hosts: PostgreSQL's `inet` and `cidr`, which are texts in DuckDB.
//!
//! Invariants: a text that is no address leaves as it is; nothing is computed, only written differently
//! (`network_out`, `network_send`).

use std::net::IpAddr;

/// `PGSQL_AF_INET`, `PGSQL_AF_INET6`
const FAMILIES: [u8; 2] = [2, 3];

/// An address, and how many of its bits are the network's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Reads `192.168.0.1`, `10.0.0.0/8` or `::1/128`.
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.trim().split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().ok()?;
        let bits = bits.unwrap_or(bits_of(&address));
        (bits <= bits_of(&address)).then_some(Self { address, bits })
    }

    /// Reads the binary form; `None` if it is damaged.
    pub(crate) fn receive(bytes: &[u8]) -> Option<Self> {
        let &[family, bits, _, length, ref address @ ..] = bytes else {
            return None;
        };
        if usize::from(length) != address.len() {
            return None;
        }
        let address = if family == FAMILIES[0] {
            IpAddr::from(<[u8; 4]>::try_from(address).ok()?)
        } else if family == FAMILIES[1] {
            IpAddr::from(<[u8; 16]>::try_from(address).ok()?)
        } else {
            return None;
        };
        (bits <= bits_of(&address)).then_some(Self { address, bits })
    }

    /// The text: `cidr` always says how many bits are the network's, `inet` where it is not all.
    pub(crate) fn text(self, is_cidr: bool) -> String {
        if is_cidr || self.bits < bits_of(&self.address) {
            format!("{}/{}", self.address, self.bits)
        } else {
            self.address.to_string()
        }
    }
}

fn bits_of(address: &IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Appends the text of an address.
pub(super) fn text(value: &str, is_cidr: bool, out: &mut Vec<u8>) {
    match Network::parse(value) {
        Some(network) => out.extend_from_slice(network.text(is_cidr).as_bytes()),
        None => out.extend_from_slice(value.as_bytes()),
    }
}

/// Appends the binary form of an address: family, bits of the network, whether it is a `cidr`, and the
/// address with its length.
pub(super) fn binary(value: &str, is_cidr: bool, out: &mut Vec<u8>) {
    let Some(Network { address, bits }) = Network::parse(value) else {
        out.extend_from_slice(value.as_bytes());
        return;
    };
    match address {
        IpAddr::V4(address) => {
            out.extend_from_slice(&[FAMILIES[0], bits, u8::from(is_cidr), 4]);
            out.extend_from_slice(&address.octets());
        }
        IpAddr::V6(address) => {
            out.extend_from_slice(&[FAMILIES[1], bits, u8::from(is_cidr), 16]);
            out.extend_from_slice(&address.octets());
        }
    }
}
