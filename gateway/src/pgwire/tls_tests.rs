//! Tests of [`super`], with certificates made for them.

use rcgen::{CertificateParams, KeyPair, SignatureAlgorithm};

use super::*;

fn made(algorithm: &'static SignatureAlgorithm, names: &[&str]) -> (String, String, Vec<u8>) {
    let key = KeyPair::generate_for(algorithm).expect("a key");
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    params.distinguished_name = rcgen::DistinguishedName::new();
    for name in names {
        let kind = rcgen::DnType::CommonName;
        params.distinguished_name.push(kind, *name);
    }
    let certificate = params.self_signed(&key).expect("a certificate");
    (
        certificate.pem(),
        key.serialize_pem(),
        certificate.der().to_vec(),
    )
}

struct Files {
    folder: tempfile::TempDir,
    settings: skein_config::Tls,
}

impl Files {
    fn new(certificate: &str, key: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let settings = skein_config::Tls {
            certificate: path("server.crt"),
            key: path("server.key"),
            ..skein_config::Tls::default()
        };
        let files = Self { folder, settings };
        files.write("server.crt", certificate);
        files.write("server.key", key);
        files
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("it can be written");
    }
}

#[test]
fn the_end_point_has_the_hash_of_the_signature() {
    let length = |algorithm| end_point(&made(algorithm, &["a"]).2).map(|hash| hash.len());
    assert_eq!(length(&rcgen::PKCS_ECDSA_P256_SHA256), Some(32));
    assert_eq!(length(&rcgen::PKCS_ECDSA_P384_SHA384), Some(48));
    assert_eq!(length(&rcgen::PKCS_ED25519), None);
    assert_eq!(end_point(b"no certificate"), None);
    let (_, _, der) = made(&rcgen::PKCS_ECDSA_P256_SHA256, &["a"]);
    assert_eq!(end_point(&der), Some(Sha256::digest(&der).to_vec()));
}

#[test]
fn a_certificate_names_one_user_or_none() {
    let name = |names: &[&str]| common_name(&made(&rcgen::PKCS_ED25519, names).2);
    assert_eq!(name(&["ann"]).as_deref(), Some("ann"));
    assert_eq!(name(&[]), None);
}

#[test]
fn new_files_are_used_and_wrong_ones_are_not() {
    let (certificate, key, der) = made(&rcgen::PKCS_ECDSA_P256_SHA256, &["first"]);
    let files = Files::new(&certificate, &key);
    let tls = Tls::open(&files.settings).expect("they fit");
    let tls = tls.expect("TLS is configured");
    assert_eq!(tls.current.current().end_point, end_point(&der));
    assert!(!tls.reload().expect("nothing has changed"));
    let (other, other_key, other_der) = made(&rcgen::PKCS_ECDSA_P256_SHA256, &["second"]);
    files.write("server.crt", &other);
    let error = tls
        .reload()
        .expect_err("the key is that of another certificate");
    assert!(error.to_string().contains("cannot be used"), "{error}");
    assert_eq!(tls.current.current().end_point, end_point(&der));
    files.write("server.key", &other_key);
    assert!(tls.reload().expect("they fit again"));
    assert_eq!(tls.current.current().end_point, end_point(&other_der));
}

#[test]
fn wrong_files_are_named() {
    let (certificate, key, _) = made(&rcgen::PKCS_ED25519, &["a"]);
    let mut files = Files::new(&certificate, "no key");
    let refusal = |files: &Files| Tls::open(&files.settings).expect_err("refused").to_string();
    assert!(refusal(&files).starts_with("cannot read a private key from"));
    files.write("server.key", &key);
    files.write("server.crt", "no certificate");
    assert!(refusal(&files).ends_with("there is none in it"));
    files.write("server.crt", &certificate);
    files.settings.client_ca = "/nowhere/ca.pem".to_owned();
    assert!(refusal(&files).starts_with("cannot read certificates from \"/nowhere/ca.pem\""));
}
