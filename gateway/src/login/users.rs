//! Who there is: the users of the configuration and of the users file.
//!
//! The file is read again when it changes. A file that is wrong is reported and leaves what was
//! known before; sessions go on whatever happens to their users.
//!
//! For names that nobody has, a verifier is made up, so that asking for them looks like asking for
//! anybody: the same salt each time, from a secret of this server.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use skein_config::stamp::Made;
use skein_config::users::read;
use skein_config::{Config, ConfigError, User, Verifier};

use super::scram::hmac;

/// Salt and iterations of a made-up verifier, where there is none to be like.
const SALT_BYTES: usize = 16;
const ITERATIONS: u32 = skein_config::verifier::ITERATIONS_MIN;

/// All users at one time.
#[derive(Debug)]
pub struct Users {
    by_name: BTreeMap<String, User>,
    has_admins: bool,
    /// What made-up verifiers come from.
    secret: [u8; 32],
    salt_bytes: usize,
    iterations: u32,
}

impl Users {
    fn new(users: Vec<User>) -> Self {
        // The first verifier is a secret that stays when users are added, and restarts do not
        // change it: made-up salts then stay, too.
        let first = users.iter().find_map(|user| user.verifier.clone());
        let secret = first.as_ref().map_or_else(rand::random, |verifier| {
            hmac(&verifier.server_key, b"users that nobody is")
        });
        Self {
            has_admins: users.iter().any(|user| user.admin),
            salt_bytes: first.as_ref().map_or(SALT_BYTES, |v| v.salt.len()),
            iterations: first.as_ref().map_or(ITERATIONS, |v| v.iterations),
            by_name: users
                .into_iter()
                .map(|user| (user.name.clone(), user))
                .collect(),
            secret,
        }
    }

    /// The user of that name.
    pub fn get(&self, name: &str) -> Option<&User> {
        self.by_name.get(name)
    }

    /// Every user, by name.
    pub fn all(&self) -> impl Iterator<Item = &User> {
        self.by_name.values()
    }

    /// Whether connections have to be kept for anybody.
    pub fn has_admins(&self) -> bool {
        self.has_admins
    }

    /// A verifier that no password fits.
    pub fn made_up(&self, name: &str) -> Verifier {
        let derive = |purpose: &[u8]| hmac(&self.secret, &[purpose, name.as_bytes()].concat());
        let salt = (0_u8..).flat_map(|block| derive(&[b's', block]));
        Verifier {
            iterations: self.iterations,
            salt: salt.take(self.salt_bytes).collect(),
            stored_key: derive(b"c"),
            server_key: derive(b"v"),
        }
    }
}

/// The users of now.
#[derive(Debug)]
pub struct UserStore {
    configured: Vec<User>,
    file: Option<PathBuf>,
    current: Made<Users>,
}

impl UserStore {
    /// Reads the users file, if there is one.
    pub fn open(config: &Config) -> Result<Self, ConfigError> {
        let file = Some(&config.login.users_file).filter(|file| !file.is_empty());
        let file = file.map(PathBuf::from);
        let configured = config.users.clone();
        let current = Made::of(&file, || load(&configured, file.as_ref()))?;
        Ok(Self {
            configured,
            file,
            current,
        })
    }

    /// The users of now.
    pub fn current(&self) -> Arc<Users> {
        self.current.current()
    }

    /// Reads the users file again if it has changed. Says whether it had.
    pub fn reload(&self) -> Result<bool, ConfigError> {
        let make = || load(&self.configured, self.file.as_ref());
        self.current.renew(make)
    }
}

fn load(configured: &[User], file: Option<&PathBuf>) -> Result<Users, ConfigError> {
    let mut users = configured.to_vec();
    if let Some(file) = file {
        users.extend(read(file, configured)?);
    }
    Ok(Users::new(users))
}

#[cfg(test)]
mod tests {
    use super::super::password;
    use super::*;

    fn user(name: &str) -> String {
        let verifier = password::with_salt(name, vec![1; 20], 5000);
        format!("[[user]]\nname = \"{name}\"\nverifier = \"{verifier}\"\n")
    }

    #[test]
    fn the_file_is_read_again_and_a_wrong_one_changes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("users.toml");
        let write = |text: &str| std::fs::write(&file, text).expect("it can be written");
        write(&user("ann"));
        let text = format!(
            "[gateway.login]\nusers_file = \"users.toml\"\n{}",
            user("root")
        );
        let config = Config::from_toml(&text, folder.path()).expect("a configuration");
        let store = UserStore::open(&config).expect("the file is right");
        let has = |name| store.current().get(name).is_some();
        assert!(has("ann") && has("root") && !has("bob"));
        assert!(!store.reload().expect("nothing has changed"));
        write(&format!("{}{}", user("ann"), user("bob")));
        assert!(store.reload().expect("the file is right"));
        assert!(has("bob"));
        write("[[user]]");
        store.reload().expect_err("a user needs a name");
        write(&user("root"));
        store.reload().expect_err("root is configured already");
        assert!(has("ann") && has("bob"));
    }

    #[test]
    fn made_up_verifiers_look_like_others_and_stay() {
        let config = |text: &str| {
            let config = Config::from_toml(text, std::path::Path::new("/")).expect("right");
            UserStore::open(&config).expect("no file").current()
        };
        let few = config(&user("ann"));
        let more = config(&format!("{}{}", user("ann"), user("bob")));
        let (ghost, spectre) = (few.made_up("ghost"), few.made_up("spectre"));
        assert_eq!((ghost.iterations, ghost.salt.len()), (5000, 20));
        assert_ne!(ghost.salt, spectre.salt);
        assert_eq!(
            more.made_up("ghost"),
            ghost,
            "users that are added change nothing"
        );
    }
}
