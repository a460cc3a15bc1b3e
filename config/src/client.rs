//! What PostgreSQL's environment variables and password file tell a client.
//!
//! Here because this crate is where the environment is read. Names and forms are libpq's.

use std::path::{Path, PathBuf};

/// What the environment says to a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientEnvironment {
    /// `PGSSLMODE`
    pub ssl_mode: Option<String>,
    /// `PGSSLROOTCERT`, or `root.crt` in `~/.postgresql` if that exists.
    pub root_certificate: Option<PathBuf>,
    /// `PGPASSWORD`
    password: Option<Secret>,
    /// `PGPASSFILE`, or `~/.pgpass`.
    password_file: Option<PathBuf>,
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// Whom a client connects to, as the password file tells them apart.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Host as given.
    pub host: &'a str,
    /// Port.
    pub port: u16,
    /// Database.
    pub database: &'a str,
    /// User.
    pub user: &'a str,
}

impl ClientEnvironment {
    /// Reads the environment.
    pub fn read() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "this crate is where the environment is read"
        )]
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let home = variable("HOME").map(PathBuf::from);
        let at_home = |path: &str| home.as_ref().map(|home| home.join(path));
        let root = at_home(".postgresql/root.crt").filter(|path| path.is_file());
        Self {
            ssl_mode: variable("PGSSLMODE"),
            root_certificate: variable("PGSSLROOTCERT").map(PathBuf::from).or(root),
            password: variable("PGPASSWORD").map(Secret),
            password_file: variable("PGPASSFILE")
                .map(PathBuf::from)
                .or_else(|| at_home(".pgpass")),
        }
    }

    /// The password for a server. `Err` says why the password file is not read.
    pub fn password(&self, target: &Target<'_>) -> Result<Option<String>, String> {
        if let Some(Secret(password)) = &self.password {
            return Ok(Some(password.clone()));
        }
        let Some(path) = self.password_file.as_deref().filter(|path| path.is_file()) else {
            return Ok(None);
        };
        if others_may_read(path) {
            return Err(format!(
                "password file \"{}\" is ignored: others may read it; run chmod 0600 on it",
                path.display()
            ));
        }
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("password file \"{}\": {error}", path.display()))?;
        Ok(find(&text, target))
    }
}

fn others_may_read(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

/// The password of the first line `host:port:database:user:password` that fits.
fn find(text: &str, target: &Target<'_>) -> Option<String> {
    let port = target.port.to_string();
    let wanted = [target.host, &port, target.database, target.user];
    text.lines().find_map(|line| {
        if line.starts_with('#') {
            return None;
        }
        let mut fields = fields(line).into_iter();
        let fits = wanted
            .iter()
            .all(|wanted| (fields.next()).is_some_and(|field| field == "*" || field == *wanted));
        if fits { fields.next() } else { None }
    })
}

/// Divides at colons; a backslash keeps the next character.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let kept = match character {
            ':' => {
                fields.push(String::new());
                continue;
            }
            '\\' => characters.next(),
            other => Some(other),
        };
        if let (Some(kept), Some(field)) = (kept, fields.last_mut()) {
            field.push(kept);
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_gives_the_password() {
        let text = "# host:port:database:user:password\n\
                    db:5433:sales:ann:a\\:b\\\\c\n\
                    *:*:*:bob:second\n\
                    db:*:*:bob:third\n";
        let target = |host, user| Target {
            host,
            port: 5433,
            database: "sales",
            user,
        };
        assert_eq!(find(text, &target("db", "ann")).as_deref(), Some("a:b\\c"));
        assert_eq!(find(text, &target("db", "bob")).as_deref(), Some("second"));
        assert_eq!(find(text, &target("other", "ann")), None);
    }

    #[test]
    fn a_password_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        std::fs::write(&path, "*:*:*:*:secret").unwrap();
        let environment = ClientEnvironment {
            password_file: Some(path.clone()),
            ..ClientEnvironment::default()
        };
        let target = Target {
            host: "h",
            port: 1,
            database: "d",
            user: "u",
        };
        for (mode, expected) in [(0o600, Some("secret")), (0o644, None)] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let found = environment.password(&target).unwrap_or_default();
            assert_eq!(found.as_deref(), expected);
        }
    }
}
