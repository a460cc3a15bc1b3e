//! The server's side of SCRAM-SHA-256, with and without channel binding (RFC 5802, RFC 7677).
//!
//! ```text
//! client-first ──► Exchange::first ──► server-first      client-final ──► Proving::last ──► server-final
//! ```
//!
//! Pure: messages in, messages out; the nonce is given. Messages and the order of checks are those
//! of PostgreSQL's `auth-scram.c`.
//!
//! Invariants: each step takes the exchange and gives the next one, so that no message can be
//! replayed or left out. What is compared with a secret is compared in constant time. An exchange
//! that is doomed (nobody has that name) goes the same way with the same work, up to the proof.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use skein_config::Verifier;
use skein_config::verifier::KEY_BYTES;
use subtle::ConstantTimeEq;

/// The mechanism without channel binding.
pub const PLAIN: &str = "SCRAM-SHA-256";
/// The mechanism with channel binding.
pub const PLUS: &str = "SCRAM-SHA-256-PLUS";

const BINDING: &[u8] = b"tls-server-end-point";

/// A message that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScramError {
    /// A mechanism that was not offered.
    #[error("client selected an invalid SASL authentication mechanism")]
    Mechanism,
    /// A message that does not follow the grammar; what is wrong with it is a sentence.
    #[error("malformed SCRAM message")]
    Malformed(&'static str),
    /// The client was made to believe that there is no channel binding.
    #[error("SCRAM channel binding negotiation error")]
    Downgrade,
    /// A kind of channel binding that is not offered.
    #[error("unsupported SCRAM channel-binding type \"{0}\"")]
    BindingType(String),
    /// Client and server see different certificates.
    #[error("SCRAM channel binding check failed")]
    Binding,
    /// The last message says something else about channel binding than the first.
    #[error("unexpected SCRAM channel-binding attribute in client-final-message")]
    BindingChanged,
    /// The client wants to act for somebody else.
    #[error("client uses authorization identity, but it is not supported")]
    AuthorizationIdentity,
    /// An extension that the server has to know.
    #[error("client requires an unsupported SCRAM extension")]
    Extension,
    /// A nonce that is not text.
    #[error("non-printable characters in SCRAM nonce")]
    NonceCharacters,
    /// The last message belongs to another exchange.
    #[error("invalid SCRAM response")]
    Nonce,
}

/// An exchange that awaits its first message.
pub struct Exchange {
    verifier: Verifier,
    doomed: bool,
    end_point: Option<Vec<u8>>,
    nonce: String,
}

/// An exchange that awaits its last message.
pub struct Proving {
    verifier: Verifier,
    doomed: bool,
    /// What the client has to repeat of how the channel is bound.
    binding: Vec<u8>,
    bound: bool,
    client_first_bare: Vec<u8>,
    server_first: String,
    nonce: Vec<u8>,
}

impl Exchange {
    /// Begins. `end_point`: the hash of the server's certificate, where the channel can be bound.
    /// `nonce`: random, printable, without a comma.
    pub fn new(
        verifier: Verifier,
        doomed: bool,
        end_point: Option<Vec<u8>>,
        nonce: String,
    ) -> Self {
        Self {
            verifier,
            doomed,
            end_point,
            nonce,
        }
    }

    /// What is offered, the best first.
    pub fn mechanisms(&self) -> &'static [&'static str] {
        if self.end_point.is_some() {
            &[PLUS, PLAIN]
        } else {
            &[PLAIN]
        }
    }

    /// Whether this is a mechanism that is offered.
    pub fn check_mechanism(&self, mechanism: &[u8]) -> Result<(), ScramError> {
        let offered = |name: &&str| name.as_bytes() == mechanism;
        if self.mechanisms().iter().any(offered) {
            Ok(())
        } else {
            Err(ScramError::Mechanism)
        }
    }

    /// Takes client-first-message and gives server-first-message.
    pub fn first(self, mechanism: &[u8], message: &[u8]) -> Result<(Proving, String), ScramError> {
        self.check_mechanism(mechanism)?;
        let plus = mechanism == PLUS.as_bytes();
        let mut text = Text::new(message)?;
        let flag = text.rest.first().copied().unwrap_or_default();
        match flag {
            b'n' | b'y' if plus => {
                return Err(ScramError::Malformed(
                    "SCRAM-SHA-256-PLUS was chosen without channel binding.",
                ));
            }
            b'y' if self.end_point.is_some() => return Err(ScramError::Downgrade),
            b'n' | b'y' => {
                text.rest = &text.rest[1..];
                text.character(b',')?;
            }
            b'p' if !plus => {
                return Err(ScramError::Malformed(
                    "Channel binding was asked for without choosing SCRAM-SHA-256-PLUS.",
                ));
            }
            b'p' => {
                let kind = text.attribute(b'p')?;
                if kind != BINDING {
                    let kind = String::from_utf8_lossy(kind).into_owned();
                    return Err(ScramError::BindingType(kind));
                }
            }
            _ => {
                return Err(ScramError::Malformed(
                    "The message does not begin with a channel-binding flag.",
                ));
            }
        }
        match text.rest.first() {
            Some(b'a') => return Err(ScramError::AuthorizationIdentity),
            _ => text.character(b',')?,
        }
        let header_bytes = message.len() - text.rest.len();
        let client_first_bare = text.rest.to_vec();
        if text.rest.first() == Some(&b'm') {
            return Err(ScramError::Extension);
        }
        // The user is the one of the startup packet; PostgreSQL does not look at this one either.
        text.attribute(b'n')?;
        let client_nonce = text.attribute(b'r')?;
        if client_nonce.is_empty() {
            return Err(ScramError::Malformed("The nonce is empty."));
        }
        if !client_nonce.iter().all(u8::is_ascii_graphic) {
            return Err(ScramError::NonceCharacters);
        }
        while !text.rest.is_empty() {
            text.any_attribute()?;
        }
        let nonce = [client_nonce, self.nonce.as_bytes()].concat();
        let server_first = format!(
            "r={},s={},i={}",
            String::from_utf8_lossy(&nonce),
            STANDARD.encode(&self.verifier.salt),
            self.verifier.iterations
        );
        let mut binding = message[..header_bytes].to_vec();
        if plus {
            binding.extend(self.end_point.iter().flatten());
        }
        let proving = Proving {
            verifier: self.verifier,
            doomed: self.doomed,
            binding,
            bound: plus,
            client_first_bare,
            server_first: server_first.clone(),
            nonce,
        };
        Ok((proving, server_first))
    }
}

impl Proving {
    /// Takes client-final-message and gives server-final-message; `None` if the proof is wrong.
    pub fn last(self, message: &[u8]) -> Result<Option<String>, ScramError> {
        let mut text = Text::new(message)?;
        let binding = text.attribute(b'c')?;
        let expected = STANDARD.encode(&self.binding);
        if !bool::from(binding.ct_eq(expected.as_bytes())) {
            return Err(if self.bound {
                ScramError::Binding
            } else {
                ScramError::BindingChanged
            });
        }
        let nonce = text.attribute(b'r')?;
        let proof = loop {
            let before = message.len() - text.rest.len();
            let (name, value) = text.any_attribute()?;
            if name == b'p' {
                // The comma before the proof is not part of what it proves.
                break (value, &message[..before.saturating_sub(1)]);
            }
        };
        let (proof, without_proof) = proof;
        let proof: [u8; KEY_BYTES] = STANDARD
            .decode(proof)
            .ok()
            .and_then(|proof| proof.try_into().ok())
            .ok_or(ScramError::Malformed(
                "The proof is not 32 bytes in base64.",
            ))?;
        if !text.rest.is_empty() {
            return Err(ScramError::Malformed("There is something after the proof."));
        }
        if !bool::from(nonce.ct_eq(&self.nonce)) {
            return Err(ScramError::Nonce);
        }
        let auth_message = [
            &self.client_first_bare,
            self.server_first.as_bytes(),
            without_proof,
        ]
        .join(&b',');
        let signature = hmac(&self.verifier.stored_key, &auth_message);
        let mut client_key = [0; KEY_BYTES];
        for ((key, proof), signature) in client_key.iter_mut().zip(proof).zip(signature) {
            *key = proof ^ signature;
        }
        let stored_key: [u8; KEY_BYTES] = Sha256::digest(client_key).into();
        let right = stored_key.ct_eq(&self.verifier.stored_key);
        let signature = hmac(&self.verifier.server_key, &auth_message);
        let right = bool::from(right) && !self.doomed;
        Ok(right.then(|| format!("v={}", STANDARD.encode(signature))))
    }
}

/// HMAC with SHA-256.
pub(super) fn hmac(key: &[u8], message: &[u8]) -> [u8; KEY_BYTES] {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("keys of HMAC have any length");
    hmac.update(message);
    hmac.finalize().into_bytes().into()
}

/// What is left of a message.
struct Text<'a> {
    rest: &'a [u8],
}

impl<'a> Text<'a> {
    fn new(message: &'a [u8]) -> Result<Self, ScramError> {
        if message.is_empty() {
            return Err(ScramError::Malformed("The message is empty."));
        }
        if message.contains(&0) {
            return Err(ScramError::Malformed("The message holds a zero byte."));
        }
        Ok(Self { rest: message })
    }

    fn character(&mut self, expected: u8) -> Result<(), ScramError> {
        match self.rest.split_first() {
            Some((found, rest)) if *found == expected => {
                self.rest = rest;
                Ok(())
            }
            _ => Err(ScramError::Malformed(
                "A comma or an equals sign is missing.",
            )),
        }
    }

    /// The value of an attribute that has to come next.
    fn attribute(&mut self, name: u8) -> Result<&'a [u8], ScramError> {
        if self.rest.first() != Some(&name) {
            return Err(ScramError::Malformed(
                "An attribute is missing, or does not stand in its place.",
            ));
        }
        self.any_attribute().map(|(_, value)| value)
    }

    fn any_attribute(&mut self) -> Result<(u8, &'a [u8]), ScramError> {
        let Some((name, rest)) = self.rest.split_first() else {
            return Err(ScramError::Malformed("An attribute is missing at the end."));
        };
        if !name.is_ascii_alphabetic() {
            return Err(ScramError::Malformed("An attribute's name is no letter."));
        }
        self.rest = rest;
        self.character(b'=')?;
        let end = self.rest.iter().position(|byte| *byte == b',');
        let value = &self.rest[..end.unwrap_or(self.rest.len())];
        self.rest = end.map_or(&[], |end| &self.rest[end + 1..]);
        Ok((*name, value))
    }
}

#[cfg(test)]
#[path = "scram_tests.rs"]
mod tests;
