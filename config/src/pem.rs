//! Certificates and private keys in PEM files, for whoever encrypts connections.
//!
//! Invariants: an error names the file, and quotes nothing of it.

use std::os::unix::fs::MetadataExt;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PemError {
    /// It holds no certificates, or some that are none.
    #[error("cannot read certificates from \"{path}\": {message}")]
    Certificates {
        /// The file.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// It holds no private key.
    #[error("cannot read a private key from \"{path}\": {message}")]
    Key {
        /// The file.
        path: String,
        /// What is wrong.
        message: String,
    },
}

impl PemError {
    /// What is wrong with the certificates in `path`.
    pub fn certificates(path: &str, error: &impl ToString) -> Self {
        Self::Certificates {
            path: path.to_owned(),
            message: error.to_string(),
        }
    }
}

/// The certificates of a file; at least one.
pub fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| PemError::certificates(path, &error))?;
    if certificates.is_empty() {
        return Err(PemError::certificates(path, &"there is none in it"));
    }
    Ok(certificates)
}

/// The certificates of a file as roots of trust.
pub fn roots(path: &str) -> Result<RootCertStore, PemError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots
            .add(certificate)
            .map_err(|error| PemError::certificates(path, &error))?;
    }
    Ok(roots)
}

/// The private key of a file. Warns if everybody on this machine may read it.
pub fn private_key(path: &str) -> Result<PrivateKeyDer<'static>, PemError> {
    let key = PrivateKeyDer::from_pem_file(path).map_err(|error| PemError::Key {
        path: path.to_owned(),
        message: error.to_string(),
    })?;
    let mode = std::fs::metadata(path).map(|metadata| metadata.mode());
    if mode.is_ok_and(|mode| mode & 0o007 != 0) {
        tracing::warn!(
            key = path,
            "everybody on this machine may read the private key"
        );
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_file_and_quotes_nothing_of_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret.key");
        std::fs::write(&path, "hunter2").expect("a file");
        let path = path.to_string_lossy();
        for error in [
            certificates(&path).map(drop).expect_err("there is none"),
            roots(&path).map(drop).expect_err("there is none"),
            private_key(&path).map(drop).expect_err("there is none"),
        ] {
            let text = error.to_string();
            assert!(text.contains(&*path) && !text.contains("hunter2"), "{text}");
        }
        let missing = folder.path().join("missing.crt");
        assert!(certificates(&missing.to_string_lossy()).is_err());
    }
}
