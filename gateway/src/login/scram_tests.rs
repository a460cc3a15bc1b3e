//! Tests of [`super`]: the vectors of RFC 7677, and everything that a client may get wrong.

use super::super::password;
use super::*;

const SERVER_NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const CLIENT_FIRST: &[u8] = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const SERVER_FIRST: &str = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                            s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const WITHOUT_PROOF: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const PROOF: &str = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const SERVER_FINAL: &str = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

fn exchange(end_point: Option<&[u8]>, doomed: bool) -> Exchange {
    let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").expect("base64");
    let verifier = password::with_salt("pencil", salt, 4096);
    let end_point = end_point.map(<[u8]>::to_vec);
    Exchange::new(verifier, doomed, end_point, SERVER_NONCE.to_owned())
}

fn first(message: &[u8]) -> Result<Proving, ScramError> {
    let (proving, _) = exchange(None, false).first(PLAIN.as_bytes(), message)?;
    Ok(proving)
}

fn last(message: &str) -> Result<Option<String>, ScramError> {
    first(CLIENT_FIRST)?.last(message.as_bytes())
}

#[test]
fn the_exchange_is_that_of_rfc_7677() {
    let (proving, server_first) = exchange(None, false)
        .first(PLAIN.as_bytes(), CLIENT_FIRST)
        .expect("well formed");
    assert_eq!(server_first, SERVER_FIRST);
    let server_final = proving.last(format!("{WITHOUT_PROOF},p={PROOF}").as_bytes());
    assert_eq!(server_final, Ok(Some(SERVER_FINAL.to_owned())));
}

#[test]
fn a_right_proof_of_a_doomed_exchange_is_wrong() {
    let (proving, server_first) = exchange(None, true)
        .first(PLAIN.as_bytes(), CLIENT_FIRST)
        .expect("well formed");
    assert_eq!(server_first, SERVER_FIRST);
    let server_final = proving.last(format!("{WITHOUT_PROOF},p={PROOF}").as_bytes());
    assert_eq!(server_final, Ok(None));
}

#[test]
fn wrong_first_messages_are_refused() {
    let malformed = |message: &[u8]| {
        let refused = first(message).err();
        assert!(
            matches!(refused, Some(ScramError::Malformed(_))),
            "{}: {refused:?}",
            String::from_utf8_lossy(message)
        );
    };
    for message in [
        &b""[..],
        b"n",
        b"n,",
        b"n,,",
        b"n,,n=user",
        b"n,,r=abc,n=user",
        b"n,,n=user,r=",
        b"n,,n=user,r",
        b"n,,nuser,r=abc",
        b"n,,n=user,r=abc,1=x",
        b"n,,n=user,r=abc\0",
        b"x,,n=user,r=abc",
        b"n;,n=user,r=abc",
        b"p=tls-server-end-point,,n=user,r=abc",
        b"n,n=user,,r=abc",
    ] {
        malformed(message);
    }
    for (message, expected) in [
        (
            &b"n,a=other,n=user,r=abc"[..],
            ScramError::AuthorizationIdentity,
        ),
        (b"n,,m=ext,n=user,r=abc", ScramError::Extension),
        (b"n,,n=user,r=a\x01c", ScramError::NonceCharacters),
        ("n,,n=user,r=é".as_bytes(), ScramError::NonceCharacters),
    ] {
        assert_eq!(first(message).err(), Some(expected));
    }
    for mechanism in [&b"SCRAM-SHA-1"[..], b"SCRAM-SHA-256-PLUS", b"", b"PLAIN"] {
        let refused = exchange(None, false).first(mechanism, CLIENT_FIRST).err();
        assert_eq!(refused, Some(ScramError::Mechanism));
    }
    first(b"n,,n=,r=abc,x=unknown").expect("extensions that may be ignored are");
    first(b"y,,n=user,r=abc").expect("nothing is offered that the client could miss");
}

#[test]
fn wrong_last_messages_are_refused() {
    let nonce = &WITHOUT_PROOF[7..];
    for message in [
        String::new(),
        WITHOUT_PROOF.to_owned(),
        format!("{nonce},p={PROOF}"),
        format!("{WITHOUT_PROOF},p="),
        format!("{WITHOUT_PROOF},p=dHzb"),
        format!("{WITHOUT_PROOF},p=not base64 but about as long as proof"),
        format!("{WITHOUT_PROOF},p={PROOF},x=y"),
        format!("{WITHOUT_PROOF},p={PROOF}\0"),
        format!("c=biws,c=biws,{nonce},p={PROOF}"),
        format!("p={PROOF},{WITHOUT_PROOF}"),
    ] {
        let refused = last(&message);
        assert!(
            matches!(refused, Err(ScramError::Malformed(_))),
            "{message}: {refused:?}"
        );
    }
    let with = |binding: &str, nonce: &str| last(&format!("c={binding},{nonce},p={PROOF}"));
    assert_eq!(with("eSws", nonce), Err(ScramError::BindingChanged));
    assert_eq!(with("biw=", nonce), Err(ScramError::BindingChanged));
    for other in ["r=", "r=rOprNGfwEbeRWgbNEkqO", &format!("{nonce}x")] {
        assert_eq!(with("biws", other), Err(ScramError::Nonce));
    }
    let wrong = STANDARD.encode([7; 32]);
    assert_eq!(last(&format!("{WITHOUT_PROOF},p={wrong}")), Ok(None));
    // What a proof proves includes everything before it.
    assert_eq!(last(&format!("{WITHOUT_PROOF},x=y,p={PROOF}")), Ok(None));
}

#[test]
fn the_channel_is_bound_or_the_client_knows_that_it_is_not() {
    let hash = [9; 32];
    let begin = |mechanism: &str, message: &[u8]| {
        let (proving, _) = exchange(Some(&hash), false).first(mechanism.as_bytes(), message)?;
        Ok::<_, ScramError>(proving)
    };
    let bare = b"n=user,r=abc";
    let message = |header: &str| [header.as_bytes(), bare].concat();
    assert_eq!(
        begin(PLAIN, &message("y,,")).err(),
        Some(ScramError::Downgrade),
        "the offer was taken out on the way"
    );
    begin(PLAIN, &message("n,,")).expect("a client without channel binding");
    for header in ["n,,", "y,,"] {
        let refused = begin(PLUS, &message(header)).err();
        assert!(matches!(refused, Some(ScramError::Malformed(_))));
    }
    let refused = begin(PLAIN, &message("p=tls-server-end-point,,")).err();
    assert!(matches!(refused, Some(ScramError::Malformed(_))));
    assert_eq!(
        begin(PLUS, &message("p=tls-unique,,")).err(),
        Some(ScramError::BindingType("tls-unique".into()))
    );
    let prove = |bound: &[u8]| {
        let proving = begin(PLUS, &message("p=tls-server-end-point,,"))?;
        let binding = STANDARD.encode([b"p=tls-server-end-point,,", bound].concat());
        proving.last(format!("c={binding},r=abc{SERVER_NONCE},p={PROOF}").as_bytes())
    };
    assert_eq!(prove(&hash), Ok(None), "bound, and then the proof is wrong");
    assert_eq!(prove(&[8; 32]), Err(ScramError::Binding));
    assert_eq!(prove(&[]), Err(ScramError::Binding));
}

#[test]
fn no_message_makes_it_panic() {
    let whole = format!("{WITHOUT_PROOF},p={PROOF}");
    for length in 0..CLIENT_FIRST.len() {
        let _ = first(&CLIENT_FIRST[..length]);
    }
    for length in 0..whole.len() {
        let message = &whole[..length];
        assert!(!matches!(last(message), Ok(Some(_))), "{message}");
    }
}
