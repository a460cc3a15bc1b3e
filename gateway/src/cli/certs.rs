//! `skein certs`: a private CA and a certificate for each process of a first cluster.
//!
//! Certificates are as [`skein_remote::tls`] wants them: each names the part that its process plays.
//! The CA's key stays in the folder, so that later calls can sign for further processes.
//!
//! Invariants: no file is overwritten, and either all files of a call are new or none is made. Keys
//! may be read by their owner only, and are never printed.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use skein_config::pem;
use skein_remote::tls::Part;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::pgwire::tls;

/// How long the CA itself is valid.
const CA_DAYS: i32 = 3650;
/// The CA's files.
const CA: &str = "ca";

/// `skein certs`
#[derive(Debug, Args)]
pub struct CertsArguments {
    /// Folder for the files; made if it is not there.
    #[arg(long, value_name = "DIR")]
    directory: PathBuf,
    /// Gateway to make a certificate for; can be repeated.
    #[arg(long, value_name = "NAME")]
    gateway: Vec<String>,
    /// Executor to make a certificate for; can be repeated.
    #[arg(long, value_name = "NAME")]
    executor: Vec<String>,
    /// How long the certificates are valid.
    #[arg(long, value_name = "DAYS", default_value_t = 365,
          value_parser = clap::value_parser!(i32).range(1..=i64::from(CA_DAYS)))]
    days: i32,
}

/// Makes the files and says what they are for.
#[expect(
    clippy::print_stdout,
    reason = "results of a command line program go to stdout"
)]
pub fn run(arguments: &CertsArguments) -> Result<(), String> {
    print!("{}", make(arguments, today())?);
    Ok(())
}

fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// A file that is to be written.
struct File {
    path: PathBuf,
    text: String,
    is_key: bool,
}

fn make(arguments: &CertsArguments, today: Date) -> Result<String, String> {
    let CertsArguments {
        directory, days, ..
    } = arguments;
    let gateways = arguments.gateway.iter().map(|name| (Part::Gateway, name));
    let executors = (arguments.executor.iter()).map(|name| (Part::Executor, name));
    let processes: Vec<(Part, &String)> = gateways.chain(executors).collect();
    if processes.is_empty() {
        return Err("name at least one process with --gateway NAME or --executor NAME".to_owned());
    }
    for (index, (_, name)) in processes.iter().enumerate() {
        check_name(name)?;
        if processes[..index].iter().any(|(_, other)| other == name) {
            return Err(format!("\"{name}\" is named twice"));
        }
    }
    let mut files = Vec::new();
    let mut said = String::new();
    let (ca, ca_until) = match known_ca(directory, today)? {
        Some(known) => known,
        None => new_ca(directory, today, &mut files, &mut said)?,
    };
    let until = plus_days(today, *days)?.min(ca_until);
    for (part, name) in processes {
        let (certificate, key) = signed(&ca, part, name, today, until)
            .map_err(|error| format!("cannot make a certificate for \"{name}\": {error}"))?;
        let of = |extension: &str| directory.join(format!("{name}.{extension}"));
        let _ = writeln!(
            said,
            "{}, {}: for the {part} \"{name}\", valid until {until}",
            of("crt").display(),
            of("key").display()
        );
        files.push(File {
            path: of("crt"),
            text: certificate,
            is_key: false,
        });
        files.push(File {
            path: of("key"),
            text: key,
            is_key: true,
        });
    }
    write_all(directory, &files)?;
    let example = files.last().map_or("NAME", |file| {
        file.path
            .file_stem()
            .and_then(|name| name.to_str())
            .unwrap_or("NAME")
    });
    let _ = write!(
        said,
        "\nGive each process ca.crt and its own two files, and name them in its configuration:\n\n\
         [executors.tls]\nca = \"ca.crt\"\ncertificate = \"{example}.crt\"\nkey = \"{example}.key\"\n"
    );
    Ok(said)
}

/// Names become names of files.
fn check_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.starts_with('.') || !name.chars().all(plain) || name.is_empty() || name == CA {
        return Err(format!(
            "\"{name}\" cannot be the name of a process; use letters, digits, \"-\", \"_\" and \".\", \
             such as executor-1 or db1.example.com"
        ));
    }
    Ok(())
}

fn plus_days(date: Date, days: i32) -> Result<Date, String> {
    date.checked_add(days.days())
        .map_err(|error| format!("cannot find the day after {days} days: {error}"))
}

type Ca = (Issuer<'static, KeyPair>, Date);

fn issuer(name: &str, key: KeyPair) -> Issuer<'static, KeyPair> {
    Issuer::new(ca_params(name), key)
}

fn ca_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    // It signs for processes itself, never for another CA.
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// The CA that an earlier call has made.
fn known_ca(directory: &Path, today: Date) -> Result<Option<Ca>, String> {
    let [path, key] = ["crt", "key"].map(|kind| directory.join(format!("{CA}.{kind}")));
    let (path, key) = (path.display().to_string(), key.display().to_string());
    let exists =
        |path: &str| fs::exists(path).map_err(|error| format!("cannot read \"{path}\": {error}"));
    match (exists(&path)?, exists(&key)?) {
        (false, false) => return Ok(None),
        (true, true) => {}
        (true, false) => return Err(format!("there is a CA, but not its key, \"{key}\"")),
        (false, true) => {
            return Err(format!(
                "there is the key of a CA, but not its certificate, \"{path}\""
            ));
        }
    }
    let certificates = pem::certificates(&path).map_err(|error| error.to_string())?;
    let certificate = &certificates[0];
    let name = tls::common_name(certificate).filter(|name| name.starts_with(CA_NAME));
    let parsed = Certificate::from_der(certificate);
    let (Some(name), Ok(parsed)) = (name, parsed) else {
        return Err(format!("\"{path}\" was not made by `skein certs`"));
    };
    // What is wrong with a key is never quoted.
    let signing = fs::read_to_string(&key).ok();
    let signing = signing.and_then(|text| KeyPair::from_pem(&text).ok());
    let signing = signing.ok_or_else(|| format!("cannot read a private key from \"{key}\""))?;
    let parsed = parsed.tbs_certificate;
    let public = parsed.subject_public_key_info.subject_public_key;
    if public.as_bytes() != Some(signing.public_key_raw()) {
        return Err(format!("\"{key}\" is not the key of \"{path}\""));
    }
    let end = parsed.validity.not_after.to_unix_duration().as_secs();
    let until = i64::try_from(end)
        .ok()
        .and_then(|end| Timestamp::from_second(end).ok())
        .map(|end| end.to_zoned(TimeZone::UTC).date())
        .filter(|until| *until > today)
        .ok_or_else(|| format!("\"{path}\" has expired; make a new CA in another folder"))?;
    Ok(Some((issuer(&name, signing), until)))
}

/// What the names of CAs begin with.
const CA_NAME: &str = "Skein CA ";

fn new_ca(
    directory: &Path,
    today: Date,
    files: &mut Vec<File>,
    said: &mut String,
) -> Result<Ca, String> {
    let failed = |error: rcgen::Error| format!("cannot make a CA: {error}");
    let key = KeyPair::generate().map_err(failed)?;
    // Two CAs of the same name would be hard to tell apart in messages.
    let name = format!("{CA_NAME}{:08x}", rand::random::<u32>());
    let until = plus_days(today, CA_DAYS)?;
    let mut params = ca_params(&name);
    set_validity(&mut params, today, until)?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    let of = |extension: &str| directory.join(format!("{CA}.{extension}"));
    let _ = writeln!(
        said,
        "{}: the root certificate, valid until {until}\n\
         {}: signs certificates of further processes; keep it away from all of them",
        of("crt").display(),
        of("key").display()
    );
    files.push(File {
        path: of("crt"),
        text: certificate.pem(),
        is_key: false,
    });
    files.push(File {
        path: of("key"),
        text: key.serialize_pem(),
        is_key: true,
    });
    Ok((issuer(&name, key), until))
}

/// From the day before, since clocks differ, until the end of `until`'s first second.
fn set_validity(params: &mut CertificateParams, today: Date, until: Date) -> Result<(), String> {
    let from = plus_days(today, -1)?;
    let time = |date: Date| {
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        rcgen::date_time_ymd(date.year().into(), month, day)
    };
    params.not_before = time(from);
    params.not_after = time(until);
    Ok(())
}

/// A certificate and its key, as texts.
fn signed(
    ca: &Issuer<'static, KeyPair>,
    part: Part,
    name: &str,
    today: Date,
    until: Date,
) -> Result<(String, String), String> {
    let failed = |error: rcgen::Error| error.to_string();
    let key = KeyPair::generate().map_err(failed)?;
    // Where the name is that of a host it is there too, for proxies that look at it.
    let mut params = CertificateParams::new([part.name().to_owned(), name.to_owned()])
        .or_else(|_| CertificateParams::new([part.name().to_owned()]))
        .map_err(failed)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = match part {
        Part::Gateway => vec![ExtendedKeyUsagePurpose::ClientAuth],
        Part::Executor => vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ],
    };
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, today, until)?;
    let certificate = params.signed_by(&key, ca).map_err(failed)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

fn write_all(directory: &Path, files: &[File]) -> Result<(), String> {
    let failed = |path: &Path, error: &io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => format!(
            "\"{}\" is already there; remove it to make a new one",
            path.display()
        ),
        _ => format!("cannot write \"{}\": {error}", path.display()),
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|error| failed(directory, &error))?;
    let mut written: Vec<&Path> = Vec::new();
    for file in files {
        let mode = if file.is_key { 0o600 } else { 0o644 };
        let opened = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&file.path);
        let done = opened.and_then(|mut open| {
            written.push(&file.path);
            open.write_all(file.text.as_bytes())?;
            open.sync_all()
        });
        if let Err(error) = done {
            for path in written {
                let _ = fs::remove_file(path);
            }
            return Err(failed(&file.path, &error));
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "certs_tests.rs"]
mod tests;
