//! `LOCK TABLE`, from its tokens. The mode is read and forgotten: nobody can change what is locked.

use super::copy;
use super::utility::Cursor;
use super::{LockedRelation, ParseError, Statement};

/// Words of the modes of locks.
const LOCK_MODES: &[&str] = &["access", "exclusive", "row", "share", "update"];

/// `LOCK [TABLE] [ONLY] name, … [IN mode MODE] [NOWAIT]`
pub(super) fn read(mut cursor: Cursor<'_>) -> Result<Statement, ParseError> {
    cursor.skip(&["table"]);
    let mut relations = Vec::new();
    loop {
        cursor.skip(&["only"]);
        let start = cursor.at;
        let (schema, _) = copy::name_in_schema(&mut cursor)?;
        let query = copy::select_from(cursor.source, start..cursor.at, "*")?;
        relations.push(LockedRelation { schema, query });
        cursor.symbol("*");
        if !cursor.symbol(",") {
            break;
        }
    }
    if cursor.take("in") {
        let first = cursor.at;
        while cursor.word().is_some_and(|word| LOCK_MODES.contains(&word)) {
            cursor.at += 1;
        }
        if cursor.at == first {
            return Err(cursor.here().into());
        }
        cursor.expect("mode")?;
    }
    cursor.skip(&["nowait"]);
    cursor.end()?;
    Ok(Statement::Lock(relations))
}
