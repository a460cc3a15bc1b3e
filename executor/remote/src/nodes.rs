//! The executors in other processes that statements may use now.
//!
//! A statement takes one snapshot and stays with it; whoever watches executors replaces the list.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use url::Url;

/// An executor in another process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    name: Arc<str>,
    url: Url,
}

/// An address that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no address of an executor; write HOST:PORT")]
pub struct NodeError(String);

impl Node {
    /// The executor at `HOST:PORT`.
    pub fn at(address: &str) -> Result<Self, NodeError> {
        let wrong = || NodeError(address.to_owned());
        let url = Url::parse(&format!("http://{address}")).map_err(|_| wrong())?;
        let plain = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty();
        // A URL leaves out port 80, which an address may name.
        let port = address.rsplit_once(':').map(|(_, port)| port.parse());
        if !plain || url.host().is_none() || !matches!(port, Some(Ok(1_u16..))) {
            return Err(wrong());
        }
        Ok(Self {
            name: address.into(),
            url,
        })
    }

    /// Its name for placement, EXPLAIN and errors: the address as configured.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Where the engine reaches it.
    pub fn url(&self) -> &Url {
        &self.url
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The executors that new statements use. Cheap to clone; all clones share the list.
#[derive(Clone, Debug, Default)]
pub struct Nodes {
    list: Arc<RwLock<Arc<[Node]>>>,
}

impl Nodes {
    /// Starts with these.
    pub fn new(nodes: Vec<Node>) -> Self {
        Self {
            list: Arc::new(RwLock::new(nodes.into())),
        }
    }

    /// The executors for a statement that starts now.
    pub fn snapshot(&self) -> Arc<[Node]> {
        Arc::clone(&self.list.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Statements that start from now on use these.
    pub fn replace(&self, nodes: Vec<Node>) {
        *self.list.write().unwrap_or_else(PoisonError::into_inner) = nodes.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for address in ["127.0.0.1:7070", "[::1]:7070", "executor-1.local:80", "a:1"] {
            let node = Node::at(address).expect(address);
            assert_eq!(&**node.name(), address);
            assert_eq!(node.to_string(), address);
        }
        for address in [
            "",
            "executor",
            ":7070",
            "a:0",
            "a:70707",
            "a:b",
            "http://a:1",
            "a:1/x",
            "u@a:1",
            "a:1?x",
        ] {
            let error = Node::at(address).expect_err(address);
            assert!(error.to_string().contains("HOST:PORT"));
        }
    }

    #[test]
    fn a_statement_keeps_its_snapshot() {
        let nodes = Nodes::new(vec![Node::at("a:1").expect("an address")]);
        let before = nodes.snapshot();
        nodes.clone().replace(Vec::new());
        assert_eq!(before.len(), 1);
        assert!(nodes.snapshot().is_empty());
    }
}
