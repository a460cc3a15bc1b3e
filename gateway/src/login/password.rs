//! Makes verifiers of passwords, for `skein user` and `skein hash-password`.
//!
//! The server itself never sees a password: only this, run by whoever sets one, does.

use hmac::{Hmac, KeyInit, Mac};
use rand::Rng;
use sha2::{Digest, Sha256};
use skein_config::Verifier;
use skein_config::verifier::KEY_BYTES;

use super::scram::hmac;

/// Length of the salts made here, as in PostgreSQL.
const SALT_BYTES: usize = 16;

/// A verifier with a fresh salt.
pub fn verifier(password: &str, iterations: u32) -> Verifier {
    let mut salt = vec![0; SALT_BYTES];
    rand::rng().fill(&mut salt[..]);
    with_salt(password, salt, iterations)
}

/// A verifier with a given salt.
pub fn with_salt(password: &str, salt: Vec<u8>, iterations: u32) -> Verifier {
    // As PostgreSQL and its clients: what SASLprep forbids is taken as it is.
    let prepared = stringprep::saslprep(password);
    let prepared = prepared.as_deref().unwrap_or(password);
    let salted = stretch(prepared.as_bytes(), &salt, iterations);
    let client_key = hmac(&salted, b"Client Key");
    Verifier {
        iterations,
        salt,
        stored_key: Sha256::digest(client_key).into(),
        server_key: hmac(&salted, b"Server Key"),
    }
}

/// `Hi` of RFC 5802: PBKDF2 for one block.
fn stretch(password: &[u8], salt: &[u8], iterations: u32) -> [u8; KEY_BYTES] {
    // Begun once: the key's own hashing is half of the work.
    let keyed = Hmac::<Sha256>::new_from_slice(password).expect("keys of HMAC have any length");
    let round = |message: &[&[u8]]| -> [u8; KEY_BYTES] {
        let mut hmac = keyed.clone();
        for part in message {
            hmac.update(part);
        }
        hmac.finalize().into_bytes().into()
    };
    let mut block = round(&[salt, &1_u32.to_be_bytes()]);
    let mut sum = block;
    for _ in 1..iterations {
        block = round(&[&block]);
        for (sum, block) in sum.iter_mut().zip(block) {
            *sum ^= block;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Given by PostgreSQL 15's `CREATE ROLE … PASSWORD` for these passwords.
    const FROM_POSTGRESQL: [(&str, &str); 5] = [
        (
            "pencil",
            "SCRAM-SHA-256$4096:akeQVBNMVoHs7UQBsTch5w==$\
             V1ySNurV+jxL/K/ASdrhNt5e/gTI0caRNQnZBXaKUR0=:\
             fTNbrov9keeD7fn5DmmzKICA1u2A2UIiu5UC6Ji1I1A=",
        ),
        (
            "I\u{ad}X",
            "SCRAM-SHA-256$4096:vwoqQBa8eiRW1AF87SMiNQ==$\
             GcTMh8PX1OYK9pnYGT2J8fEpiU4bssTGr5brAOoOqUA=:\
             8E6Grry7W6r178/NfJikkleHWVhirEY+sRXKs+sWTqE=",
        ),
        (
            "\u{2168} \u{a0}\u{aa}",
            "SCRAM-SHA-256$4096:eTBJEtOHHTsqyvgOVz/7xw==$\
             RlhQ+rAYyXiqzBSTytZp/nxkG3hqNR/OZDipRZDtt7M=:\
             5WmvHCBspXk14wlUExgl8JuPehaqswjD5AKkuczzjAY=",
        ),
        (
            "\u{7}bell",
            "SCRAM-SHA-256$4096:V1xf4YkUnPLYNqlVqfYVEg==$\
             +Og00Z3+NtoEgG+H9r3iQAKbW2XbBlSjScZgfFBiyKI=:\
             spANaApdSKCGc/nJHQKNjneTlwcXQ769PWNSH82nNCo=",
        ),
        (
            "pässwörd 日本",
            "SCRAM-SHA-256$4096:3t7BkZmJUwYXkirnKLxWkA==$\
             orNxCpdF4Z2YOt+m+/3gJ85n1kTTVM8oY9uLGxf5N8w=:\
             4DTNyKKei0LYMAle8LyB6duZT16IeG9GIgB4uvd3wzw=",
        ),
    ];

    #[test]
    fn verifiers_are_those_of_postgresql() {
        for (password, text) in FROM_POSTGRESQL {
            let expected: Verifier = text.parse().expect("PostgreSQL's form");
            let made = with_salt(password, expected.salt.clone(), expected.iterations);
            assert_eq!(made.to_string(), text, "{password}");
        }
    }

    #[test]
    fn every_verifier_has_its_own_salt() {
        let (first, second) = (verifier("same", 4096), verifier("same", 4096));
        assert_ne!(first.salt, second.salt);
        assert_ne!(first.stored_key, second.stored_key);
    }
}
