//! Tests of [`super`].

use std::os::unix::fs::PermissionsExt;

use skein_config::ExecutorTls;
use skein_remote::tls::Identity;

use super::*;

fn arguments(directory: &Path, gateway: &[&str], executor: &[&str]) -> CertsArguments {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    CertsArguments {
        directory: directory.to_path_buf(),
        gateway: owned(gateway),
        executor: owned(executor),
        days: 30,
    }
}

fn settings(directory: &Path, name: &str) -> ExecutorTls {
    let path = |name: &str| directory.join(name).to_string_lossy().into_owned();
    ExecutorTls {
        ca: path("ca.crt"),
        certificate: path(&format!("{name}.crt")),
        key: path(&format!("{name}.key")),
        ..ExecutorTls::default()
    }
}

#[test]
fn processes_can_use_what_is_made_and_more_can_be_made_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = folder.path().join("certs");
    let said = make(
        &arguments(&directory, &["g"], &["db1.example.com"]),
        today(),
    )
    .expect("made");
    assert!(said.contains("ca.key: signs certificates"), "{said}");
    assert!(!said.contains("PRIVATE"), "{said}");
    let ca = fs::read(directory.join("ca.crt")).expect("it is there");
    make(&arguments(&directory, &[], &["late"]), today()).expect("made");
    assert_eq!(fs::read(directory.join("ca.crt")).expect("it is there"), ca);
    for (name, part) in [
        ("g", Part::Gateway),
        ("db1.example.com", Part::Executor),
        ("late", Part::Executor),
    ] {
        let opened = Identity::open(&settings(&directory, name), part);
        assert!(opened.expect("a good certificate").is_some(), "{name}");
    }
    let wrong = Identity::open(&settings(&directory, "g"), Part::Executor);
    let wrong = wrong
        .expect_err("a gateway cannot be an executor")
        .to_string();
    assert!(wrong.contains("skein certs --executor"), "{wrong}");
}

#[test]
fn keys_are_private_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = folder.path();
    make(&arguments(directory, &["a"], &[]), today()).expect("made");
    for (name, expected) in [("ca.key", 0o600), ("a.key", 0o600), ("a.crt", 0o644)] {
        let mode = fs::metadata(directory.join(name)).expect("it is there");
        // The umask of the test may take more away.
        assert_eq!(mode.permissions().mode() & 0o777 & !expected, 0, "{name}");
    }
    let before = fs::read(directory.join("a.key")).expect("it is there");
    let refused = make(&arguments(directory, &[], &["b", "a"]), today()).unwrap_err();
    assert!(refused.contains("a.crt\" is already there"), "{refused}");
    assert_eq!(
        fs::read(directory.join("a.key")).expect("it is there"),
        before
    );
    // Not even a part of what was asked for.
    assert!(!directory.join("b.crt").exists());
}

#[test]
fn what_cannot_be_made_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = folder.path();
    let refusal = |gateway: &[&str], executor: &[&str]| {
        make(&arguments(directory, gateway, executor), today())
    };
    for (gateway, executor, expected) in [
        (&[][..], &[][..], "at least one process"),
        (&["../a"], &[], "cannot be the name of a process"),
        (&["ca"], &[], "cannot be the name of a process"),
        (&["a"], &["a"], "named twice"),
    ] {
        let message = refusal(gateway, executor).unwrap_err();
        assert!(message.contains(expected), "{message}");
        assert_eq!(fs::read_dir(directory).expect("a folder").count(), 0);
    }
    refusal(&["a"], &[]).expect("made");
    fs::write(directory.join("ca.key"), "hunter2").expect("it can be written");
    let message = refusal(&[], &["b"]).unwrap_err();
    assert!(message.contains("cannot read a private key"), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
    let other = KeyPair::generate().expect("a key");
    fs::write(directory.join("ca.key"), other.serialize_pem()).expect("it can be written");
    let message = refusal(&[], &["b"]).unwrap_err();
    assert!(message.contains("is not the key of"), "{message}");
}

#[test]
fn nothing_outlives_its_ca() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = folder.path();
    make(&arguments(directory, &["a"], &[]), today()).expect("made");
    let nearly = plus_days(today(), CA_DAYS - 7).expect("a date");
    let end = plus_days(today(), CA_DAYS).expect("a date");
    let said = make(&arguments(directory, &["b"], &[]), nearly).expect("made");
    assert!(said.contains(&format!("valid until {end}")), "{said}");
    let message = make(&arguments(directory, &["c"], &[]), end).unwrap_err();
    assert!(message.contains("has expired"), "{message}");
}
