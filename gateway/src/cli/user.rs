//! `skein user` and `skein hash-password`: users who log in with a password.
//!
//! A password comes from the terminal or from stdin and goes nowhere: what is printed and written is
//! its verifier. It is never an argument, which other users of the machine could see.

use std::fs;
use std::io::{self, BufRead, IsTerminal, Write};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use skein_config::users::{Change, edit, read};
use skein_config::verifier::{ITERATIONS_MAX, ITERATIONS_MIN};
use skein_config::{User, Verifier};

use crate::login::password::verifier;

/// `skein hash-password`
#[derive(Debug, Args)]
pub struct HashArguments {
    #[command(flatten)]
    cost: Cost,
}

/// How hard it is to try passwords on a stolen verifier.
#[derive(Debug, Args)]
struct Cost {
    /// How often the password is hashed, at each login, by the client.
    #[arg(long, default_value_t = ITERATIONS_MIN,
          value_parser = clap::value_parser!(u32).range(i64::from(ITERATIONS_MIN)..=i64::from(ITERATIONS_MAX)))]
    iterations: u32,
}

/// `skein user`
#[derive(Debug, Args)]
pub struct UserArguments {
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Debug, Args)]
struct UsersFile {
    /// File of users, as `gateway.login.users_file` names it.
    #[arg(long, value_name = "FILE")]
    users_file: PathBuf,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Add a user; makes the file if there is none.
    Add {
        /// Name of the user.
        name: String,
        #[command(flatten)]
        file: UsersFile,
        #[command(flatten)]
        cost: Cost,
        /// May use the connections that are kept for administrators.
        #[arg(long)]
        admin: bool,
        /// How many sessions the user may have at once; 0 means no limit.
        #[arg(long, default_value_t = 0, value_name = "COUNT")]
        connections_max: usize,
        /// Ask for no password: the user enters by certificate.
        #[arg(long)]
        no_password: bool,
    },
    /// Give a user another password.
    Password {
        /// Name of the user.
        name: String,
        #[command(flatten)]
        file: UsersFile,
        #[command(flatten)]
        cost: Cost,
    },
    /// Remove a user.
    Remove {
        /// Name of the user.
        name: String,
        #[command(flatten)]
        file: UsersFile,
    },
    /// Print the names of users.
    List {
        #[command(flatten)]
        file: UsersFile,
    },
}

/// Prints the verifier of a password.
#[expect(
    clippy::print_stdout,
    reason = "results of a command line program go to stdout"
)]
pub fn hash(arguments: &HashArguments) -> Result<(), String> {
    println!("{}", new_verifier(&arguments.cost)?);
    Ok(())
}

/// Changes a users file.
#[expect(
    clippy::print_stdout,
    reason = "results of a command line program go to stdout"
)]
pub fn run(arguments: UserArguments) -> Result<(), String> {
    let (file, change) = match arguments.command {
        UserCommand::List { file } => {
            let users = read(&file.users_file, &[]).map_err(|error| error.to_string())?;
            for user in users {
                println!("{}", user.name);
            }
            return Ok(());
        }
        UserCommand::Add {
            name,
            file,
            cost,
            admin,
            connections_max,
            no_password,
        } => {
            // Mistakes are told before a password is asked for.
            let mut user = User {
                name,
                verifier: None,
                admin,
                connections_max,
            };
            changed(&file.users_file, &Change::Add(user.clone()))?;
            if !no_password {
                user.verifier = Some(new_verifier(&cost)?);
            }
            (file, Change::Add(user))
        }
        UserCommand::Password { name, file, cost } => {
            changed(&file.users_file, &Change::Remove(name.clone()))?;
            let verifier = new_verifier(&cost)?;
            (file, Change::Verifier(name, verifier))
        }
        UserCommand::Remove { name, file } => (file, Change::Remove(name)),
    };
    let text = changed(&file.users_file, &change)?;
    replace(&file.users_file, &text)
        .map_err(|error| format!("cannot write \"{}\": {error}", file.users_file.display()))
}

fn new_verifier(cost: &Cost) -> Result<Verifier, String> {
    let password = password().map_err(|error| format!("cannot read the password: {error}"))?;
    if password.is_empty() {
        return Err("the password is empty".to_owned());
    }
    Ok(verifier(&password, cost.iterations))
}

/// Asks twice on a terminal; else takes the first line of stdin.
fn password() -> io::Result<String> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        let mut line = String::new();
        stdin.lock().read_line(&mut line)?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let password = rpassword::prompt_password("Password: ")?;
    if rpassword::prompt_password("Again: ")? != password {
        return Err(io::Error::other("they differ"));
    }
    Ok(password)
}

/// The text of the file after a change.
fn changed(path: &Path, change: &Change) -> Result<String, String> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && is_add(change) => String::new(),
        read => read.map_err(|error| format!("cannot read \"{}\": {error}", path.display()))?,
    };
    edit(&path.display().to_string(), &text, change).map_err(|error| error.to_string())
}

fn is_add(change: &Change) -> bool {
    matches!(change, Change::Add(_))
}

/// Puts a new file in place of the old one at once, with its owner and permissions; one that was not
/// there may be read by its owner only.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // A link goes on to lead to the file.
    let path = match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => std::path::absolute(path)?,
        found => found?,
    };
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Ok(old) = fs::metadata(&path) {
        fs::set_permissions(file.path(), old.permissions())?;
        let new = file.as_file().metadata()?;
        if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
            chown(file.path(), Some(old.uid()), Some(old.gid()))?;
        }
    }
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_keeps_its_permissions() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("users.toml");
        let mode = || {
            fs::metadata(&path)
                .expect("it is there")
                .permissions()
                .mode()
                & 0o777
        };
        replace(&path, "one").expect("a new file");
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("ours");
        replace(&path, "two").expect("an old file");
        assert_eq!(mode(), 0o640);
        assert_eq!(fs::read_to_string(&path).expect("text"), "two");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }
}
