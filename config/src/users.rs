//! Users, and the file that holds some of them.
//!
//! The file has the form of the configuration, with `[[user]]` alone, so that users can be moved
//! from one to the other by copying lines. It is changed by [`edit`], which keeps comments.

use std::collections::BTreeSet;
use std::path::Path;

use crate::keys::UserTable;
use crate::verifier::Verifier;
use crate::{ConfigError, load};

/// A user, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// What clients call themselves.
    pub name: String,
    /// Proves that they know the password.
    pub verifier: Option<Verifier>,
    /// May use the connections that are kept for such users.
    pub admin: bool,
    /// How many sessions at once; 0: no limit.
    pub connections_max: usize,
}

/// Checks users and where they stand. `taken`: names of users that stand elsewhere.
pub(crate) fn checked(
    tables: Vec<(String, UserTable)>,
    taken: &[User],
) -> Result<Vec<User>, ConfigError> {
    let mut names: BTreeSet<String> = taken.iter().map(|user| user.name.clone()).collect();
    let mut users = Vec::new();
    for (origin, table) in tables {
        let refuse = |message: String| {
            let origin = origin.clone();
            Err(ConfigError::Invalid { origin, message })
        };
        let Some(name) = table.name.filter(|name| !name.is_empty()) else {
            return refuse("a user needs a name".to_owned());
        };
        if name.contains('\0') || name == crate::access::Names::ALL {
            return refuse(format!(
                "\"{}\" cannot be a user's name",
                name.escape_debug()
            ));
        }
        if !names.insert(name.clone()) {
            return refuse(format!("user \"{name}\" is already configured"));
        }
        users.push(User {
            name,
            verifier: table.verifier,
            admin: table.admin,
            connections_max: table.connections_max,
        });
    }
    Ok(users)
}

/// Reads a users file. `taken`: the users of the configuration, whose names it may not have.
pub fn read(path: &Path, taken: &[User]) -> Result<Vec<User>, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::UsersFile {
        path: path.to_path_buf(),
        source,
    })?;
    parse(&path.display().to_string(), &text, taken)
}

fn parse(name: &str, text: &str, taken: &[User]) -> Result<Vec<User>, ConfigError> {
    checked(load::users_of(name, text)?, taken)
}

/// What to do with a users file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Adds a user who is not there.
    Add(User),
    /// Changes the verifier of one who is.
    Verifier(String, Verifier),
    /// Removes one who is.
    Remove(String),
}

/// The text of a users file after a change, with its comments. `file` is its name in errors.
pub fn edit(file: &str, text: &str, change: &Change) -> Result<String, ConfigError> {
    use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};
    let refuse = |message: String| ConfigError::Invalid {
        origin: file.to_owned(),
        message,
    };
    let known = parse(file, text, &[])?;
    let place = |name: &str| known.iter().position(|user| user.name == name);
    let missing = |name: &str| refuse(format!("there is no user \"{name}\""));
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| refuse(error.message().to_owned()))?;
    let users = document
        .entry("user")
        .or_insert(Item::ArrayOfTables(ArrayOfTables::new()))
        .as_array_of_tables_mut()
        .ok_or_else(|| refuse("write [[user]] for each user".to_owned()))?;
    match change {
        Change::Add(user) => {
            if place(&user.name).is_some() {
                return Err(refuse(format!("there is a user \"{}\" already", user.name)));
            }
            let mut table = Table::new();
            table["name"] = value(&user.name);
            if let Some(verifier) = &user.verifier {
                table["verifier"] = value(verifier.to_string());
            }
            if user.admin {
                table["admin"] = value(true);
            }
            if user.connections_max > 0 {
                let max = i64::try_from(user.connections_max).unwrap_or(i64::MAX);
                table["connections_max"] = value(max);
            }
            users.push(table);
        }
        Change::Verifier(name, verifier) => {
            let table = place(name).and_then(|index| users.get_mut(index));
            let table = table.ok_or_else(|| missing(name))?;
            table["verifier"] = value(verifier.to_string());
        }
        Change::Remove(name) => {
            let index = place(name).ok_or_else(|| missing(name))?;
            users.remove(index);
        }
    }
    let text = document.to_string();
    // What is written has to be what a server will accept.
    parse(file, &text, &[])?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERIFIER: &str = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
                            WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
                            wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

    fn user(name: &str) -> User {
        User {
            name: name.to_owned(),
            verifier: Some(VERIFIER.parse().unwrap()),
            admin: name == "root",
            connections_max: usize::from(name == "root") * 7,
        }
    }

    #[test]
    fn changes_keep_comments_and_give_the_users_that_were_meant() {
        let text = edit("users", "# Ours.\n", &Change::Add(user("ann"))).unwrap();
        assert!(text.contains("# Ours."), "{text}");
        let text = text.replace("name = ", "# Lives in Rome.\nname = ");
        let text = edit("users", &text, &Change::Add(user("root"))).unwrap();
        let other = VERIFIER.replace("4096", "5000").parse().unwrap();
        let text = edit("users", &text, &Change::Verifier("ann".into(), other)).unwrap();
        assert!(text.contains("# Lives in Rome."), "{text}");
        let users = parse("users", &text, &[]).unwrap();
        assert_eq!(users[1], user("root"));
        assert_eq!(users[0].verifier.as_ref().unwrap().iterations, 5000);
        let text = edit("users", &text, &Change::Remove("ann".into())).unwrap();
        assert_eq!(parse("users", &text, &[]).unwrap(), [user("root")]);
    }

    #[test]
    fn mistakes_are_named() {
        let text = edit("users", "", &Change::Add(user("ann"))).unwrap();
        let refusal = |text: &str, change| edit("u", text, &change).unwrap_err().to_string();
        assert_eq!(
            refusal(&text, Change::Add(user("ann"))),
            "u: there is a user \"ann\" already"
        );
        assert_eq!(
            refusal(&text, Change::Remove("bob".into())),
            "u: there is no user \"bob\""
        );
        for (text, message) in [
            ("[[user]]\nname = \"\"", "u, line 2: a user needs a name"),
            (
                "[[user]]\nname = \"all\"",
                "u, line 2: \"all\" cannot be a user's name",
            ),
            (
                "[[user]]\nname = \"a\"\n[[user]]\nname = \"a\"",
                "u, line 4: user \"a\" is already configured",
            ),
            (
                "[[user]]\nnam = \"a\"",
                "u, line 2: unknown key \"user.nam\"; did you mean \"user.name\"?",
            ),
            ("[gateway]", "u, line 1: a users file holds [[user]] only"),
            (
                "[[user]]\nname = \"a\"\nverifier = \"hunter2\"",
                "u, line 3: it is no verifier of SCRAM-SHA-256; `skein hash-password` prints one \
                 for a password",
            ),
        ] {
            assert_eq!(parse("u", text, &[]).unwrap_err().to_string(), message);
        }
        let taken = parse("u", "[[user]]\nname = \"a\"", &[user("a")]).unwrap_err();
        assert!(
            taken
                .to_string()
                .ends_with("user \"a\" is already configured")
        );
    }
}
