//! Finds the access rule that fits a client.

use std::net::IpAddr;

use skein_config::AccessRule;
use skein_config::access::{ConnectionKind, Method, Names};

use super::LoginError;

/// What rules are about.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// Where it comes from.
    pub address: IpAddr,
    /// Whether it uses TLS.
    pub encrypted: bool,
    /// What it calls itself.
    pub user: &'a str,
    /// What it asks for.
    pub database: &'a str,
}

/// How a client has to prove who it is: the method of the first rule that fits.
pub fn method(
    rules: &[AccessRule],
    tls_required: bool,
    client: &Client<'_>,
) -> Result<Method, LoginError> {
    let described = || {
        Box::new(Described {
            address: client.address.to_canonical(),
            user: client.user.to_owned(),
            database: client.database.to_owned(),
            encrypted: client.encrypted,
        })
    };
    if tls_required && !client.encrypted {
        return Err(LoginError::NoEntry(described()));
    }
    match rules.iter().find(|rule| fits(rule, client)) {
        None => Err(LoginError::NoEntry(described())),
        Some(rule) if rule.method == Method::Reject => Err(LoginError::Rejected(described())),
        Some(rule) => Ok(rule.method),
    }
}

fn fits(rule: &AccessRule, client: &Client<'_>) -> bool {
    let connection = match rule.connection {
        ConnectionKind::Host => true,
        ConnectionKind::HostSsl => client.encrypted,
        ConnectionKind::HostNoSsl => !client.encrypted,
    };
    let database = |name: &String| match name.as_str() {
        Names::ALL => true,
        Names::SAME_USER => client.user == client.database,
        name => name == client.database,
    };
    let user = |name: &String| name == Names::ALL || name == client.user;
    connection
        && rule.databases.as_slice().iter().any(database)
        && rule.users.as_slice().iter().any(user)
        && rule.addresses.contain(client.address)
}

/// A client in the words of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    address: IpAddr,
    user: String,
    database: String,
    encrypted: bool,
}

impl std::fmt::Display for Described {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let encryption = if self.encrypted {
            "SSL encryption"
        } else {
            "no encryption"
        };
        write!(
            f,
            "host \"{}\", user \"{}\", database \"{}\", {encryption}",
            self.address, self.user, self.database
        )
    }
}

#[cfg(test)]
mod tests {
    use skein_config::Config;

    use super::*;

    fn rules(text: &str) -> Vec<AccessRule> {
        let tls = "[gateway.tls]\ncertificate = \"c\"\nkey = \"k\"\nclient_ca = \"a\"\n";
        let text = format!("{tls}{text}");
        Config::from_toml(&text, std::path::Path::new("/"))
            .expect("the rules are right")
            .access
    }

    fn client<'a>(address: &str, encrypted: bool, user: &'a str) -> Client<'a> {
        Client {
            address: address.parse().expect("an address"),
            encrypted,
            user,
            database: "sales",
        }
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rules = rules(
            "[[access]]\nuser = \"bad\"\nmethod = \"reject\"\n\
             [[access]]\nconnection = \"hostssl\"\nuser = [\"robot\", \"other\"]\nmethod = \"cert\"\n\
             [[access]]\nconnection = \"hostnossl\"\naddress = \"10.0.0.0/8\"\nmethod = \"reject\"\n\
             [[access]]\ndatabase = \"sameuser\"\nmethod = \"trust\"\n\
             [[access]]\ndatabase = [\"sales\"]\naddress = [\"10.0.0.0/8\", \"loopback\"]\n\
             method = \"scram-sha-256\"\n",
        );
        for (address, encrypted, user, expected) in [
            ("10.0.0.1", true, "ann", Some(Method::Scram)),
            ("::ffff:10.0.0.1", true, "ann", Some(Method::Scram)),
            ("::1", false, "ann", Some(Method::Scram)),
            ("10.0.0.1", false, "ann", None),
            ("9.0.0.1", true, "ann", None),
            ("9.0.0.1", true, "robot", Some(Method::Cert)),
            ("127.0.0.1", false, "robot", Some(Method::Scram)),
            ("127.0.0.1", true, "bad", None),
            ("8.8.8.8", true, "sales", Some(Method::Trust)),
        ] {
            let found = method(&rules, false, &client(address, encrypted, user));
            assert_eq!(found.ok(), expected, "{address} {encrypted} {user}");
        }
    }

    #[test]
    fn refusals_have_postgresqls_words() {
        let rules = rules("[[access]]\nuser = \"bad\"\nmethod = \"reject\"");
        let refusal = |encrypted, user| {
            let client = client("::ffff:127.0.0.1", encrypted, user);
            method(&rules, false, &client).map_err(|error| error.to_string())
        };
        assert_eq!(
            refusal(false, "ann"),
            Err(
                "no pg_hba.conf entry for host \"127.0.0.1\", user \"ann\", database \"sales\", \
                 no encryption"
                    .to_owned()
            )
        );
        assert_eq!(
            refusal(true, "bad"),
            Err(
                "pg_hba.conf rejects connection for host \"127.0.0.1\", user \"bad\", \
                 database \"sales\", SSL encryption"
                    .to_owned()
            )
        );
    }

    #[test]
    fn where_tls_is_required_no_rule_helps_a_client_without() {
        let rules = rules("[[access]]\nmethod = \"trust\"");
        assert!(method(&rules, true, &client("::1", false, "ann")).is_err());
        assert!(method(&rules, true, &client("::1", true, "ann")).is_ok());
    }
}
