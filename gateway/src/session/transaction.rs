//! Transaction status of a session, and what a transaction keeps fixed.
//!
//! Everything is read-only, so that a transaction is only: the status that clients see, the
//! snapshot of files, and the settings that ROLLBACK takes back (in
//! [`super::settings::Settings`]).
//!
//! ```text
//!        BEGIN               error
//!  Idle ───────► InBlock ───────────► Failed
//!   ▲               │ COMMIT, ROLLBACK   │ ROLLBACK, COMMIT (as ROLLBACK)
//!   └───────────────┴────────────────────┘
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;

use skein_catalog::relation::RelationName;
use skein_catalog::snapshot::CatalogSnapshot;

use crate::pgwire::backend::TransactionStatus;

/// Where a session stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Each statement, or each message cycle, is a transaction of its own.
    #[default]
    Idle,
    /// BEGIN was seen.
    InBlock,
    /// Something failed since BEGIN.
    Failed,
}

/// The transaction of a session.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    state: State,
    /// Several statements of one message make a transaction without a block.
    implicit: bool,
    /// When the block began.
    started: Option<String>,
    /// What statements of the block see.
    snapshot: Option<Arc<CatalogSnapshot>>,
    /// Relations that statements of the block have named.
    pinned: BTreeSet<RelationName>,
    /// Relations whose rows statements of the block have read.
    read: BTreeSet<RelationName>,
    /// Savepoint names, outermost first.
    savepoints: Vec<String>,
}

/// What COMMIT or ROLLBACK ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// A block without errors.
    Block,
    /// A block that had failed.
    Failed,
    /// There was no block.
    Nothing,
}

impl Transaction {
    /// What ReadyForQuery says.
    pub fn status(&self) -> TransactionStatus {
        match self.state {
            State::Idle => TransactionStatus::Idle,
            State::InBlock => TransactionStatus::Transaction,
            State::Failed => TransactionStatus::Failed,
        }
    }

    /// Whether a block is open, failed or not.
    pub fn in_block(&self) -> bool {
        self.state != State::Idle
    }

    /// Whether only the end of the block is allowed.
    pub fn is_failed(&self) -> bool {
        self.state == State::Failed
    }

    /// BEGIN; `false` when a block was open already.
    pub fn begin(&mut self) -> bool {
        if self.in_block() {
            return false;
        }
        self.state = State::InBlock;
        self.started.get_or_insert_with(time);
        self.implicit = false;
        true
    }

    /// Several statements of one message begin. BEGIN among them makes a block of what came before,
    /// too.
    pub fn begin_implicit(&mut self) {
        if !self.in_any_block() {
            self.implicit = true;
            self.started = Some(time());
        }
    }

    /// The message is over.
    pub fn end_implicit(&mut self) {
        if self.implicit {
            *self = Self::default();
        }
    }

    /// Whether a block is open, or several statements of one message are one transaction.
    pub fn in_any_block(&self) -> bool {
        self.in_block() || self.implicit
    }

    /// COMMIT or ROLLBACK.
    pub fn end(&mut self) -> Ended {
        let ended = match self.state {
            State::Idle => Ended::Nothing,
            State::InBlock => Ended::Block,
            State::Failed => Ended::Failed,
        };
        *self = Self::default();
        ended
    }

    /// A statement failed.
    pub fn fail(&mut self) {
        if self.in_block() {
            self.state = State::Failed;
        }
    }

    /// SAVEPOINT.
    pub fn savepoint(&mut self, name: &str) {
        self.savepoints.push(name.to_owned());
    }

    /// RELEASE SAVEPOINT; `false` when there is none of that name.
    pub fn release(&mut self, name: &str) -> bool {
        let found = self
            .savepoints
            .iter()
            .rposition(|savepoint| savepoint == name);
        if let Some(index) = found {
            self.savepoints.truncate(index);
        }
        found.is_some()
    }

    /// ROLLBACK TO SAVEPOINT; `false` when there is none of that name.
    pub fn rollback_to(&mut self, name: &str) -> bool {
        let found = self
            .savepoints
            .iter()
            .rposition(|savepoint| savepoint == name);
        if let Some(index) = found {
            self.savepoints.truncate(index + 1);
            self.state = State::InBlock;
        }
        found.is_some()
    }

    /// The time that the current-time functions give: that of the start of the block, or now.
    pub fn now(&self) -> String {
        self.started.clone().unwrap_or_else(time)
    }

    /// What the block has seen so far, and which relations of it must not change any more.
    pub fn seen(&self) -> Option<(&Arc<CatalogSnapshot>, &BTreeSet<RelationName>)> {
        self.snapshot
            .as_ref()
            .map(|snapshot| (snapshot, &self.pinned))
    }

    /// A statement has begun to read these relations: the block sees no other version of them.
    pub fn has_read(&mut self, names: impl IntoIterator<Item = RelationName>) {
        if self.in_any_block() {
            self.read.extend(names);
        }
    }

    /// Lets the next statement see these relations as they are then; `false` if a statement of the
    /// block has read one of them.
    pub fn unpin(&mut self, names: &[RelationName]) -> bool {
        if names.iter().any(|name| self.read.contains(name)) {
            return false;
        }
        for name in names {
            self.pinned.remove(name);
        }
        true
    }

    /// Takes in what a statement of the block sees: relations seen before stay as they were, others
    /// are added, and the result is what the statement gets.
    pub fn pin(
        &mut self,
        fresh: Arc<CatalogSnapshot>,
        names: impl IntoIterator<Item = RelationName>,
    ) -> Arc<CatalogSnapshot> {
        if !self.in_any_block() {
            return fresh;
        }
        let kept = match self.snapshot.take() {
            None => fresh,
            Some(seen) if Arc::ptr_eq(&seen, &fresh) => seen,
            Some(seen) => {
                // Columns are those of the first statement; a relation that has others by now
                // stays as it was last known then.
                let mut merged = (*seen).clone();
                if seen.schema_version == fresh.schema_version {
                    for (name, relation) in &fresh.relations {
                        if !self.pinned.contains(name) {
                            merged.relations.insert(name.clone(), Arc::clone(relation));
                        }
                    }
                } else if names_only_in(&fresh, &seen) {
                    merged = (*fresh).clone();
                    for name in &self.pinned {
                        if let Some(relation) = seen.relations.get(name) {
                            merged.relations.insert(name.clone(), Arc::clone(relation));
                        }
                    }
                }
                Arc::new(merged)
            }
        };
        self.pinned.extend(names);
        self.snapshot = Some(Arc::clone(&kept));
        kept
    }
}

/// Whether the fresh snapshot differs by additional relations only.
fn names_only_in(fresh: &CatalogSnapshot, seen: &CatalogSnapshot) -> bool {
    seen.relations.iter().all(|(name, relation)| {
        fresh
            .relations
            .get(name)
            .is_some_and(|known| known.columns == relation.columns)
    })
}

/// The time as a timestamp with its offset, to the microsecond.
fn time() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%d %H:%M:%S%.6f+00")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_block_is_left_by_its_end_or_by_a_savepoint() {
        let mut transaction = Transaction::default();
        transaction.fail();
        assert_eq!(
            transaction.status(),
            TransactionStatus::Idle,
            "no block can fail"
        );
        assert!(transaction.begin());
        assert!(!transaction.begin());
        transaction.begin_implicit();
        transaction.end_implicit();
        assert!(transaction.in_block(), "a block is no implicit transaction");
        transaction.savepoint("a");
        transaction.fail();
        assert_eq!(transaction.status(), TransactionStatus::Failed);
        assert!(!transaction.rollback_to("b"));
        assert!(transaction.rollback_to("a"));
        assert_eq!(transaction.status(), TransactionStatus::Transaction);
        assert!(transaction.release("a"));
        assert!(!transaction.release("a"));
        transaction.fail();
        assert_eq!(transaction.end(), Ended::Failed);
        assert_eq!(transaction.end(), Ended::Nothing);
    }

    #[test]
    fn a_block_keeps_only_what_it_has_read() {
        let name = |name: &str| RelationName {
            schema: "public".to_owned(),
            name: name.to_owned(),
        };
        let mut transaction = Transaction::default();
        transaction.has_read([name("a")]);
        assert!(transaction.unpin(&[name("a")]), "there is no block");
        transaction.begin();
        transaction.pin(Arc::default(), [name("a"), name("b")]);
        transaction.has_read([name("a")]);
        assert!(!transaction.unpin(&[name("a"), name("b")]));
        assert!(transaction.unpin(&[name("b")]));
        let (_, pinned) = transaction.seen().expect("a snapshot");
        assert_eq!(*pinned, BTreeSet::from([name("a")]));
        transaction.end();
        assert!(transaction.unpin(&[name("a")]));
    }
}
