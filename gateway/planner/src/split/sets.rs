//! Set operations whose operands are exchanged by the hash of the whole row.
//!
//! ```text
//! SELECT a FROM t EXCEPT SELECT b FROM u
//!
//! stage 0, by file of t: SELECT DISTINCT <hash of __c0> AS __h, __c0 FROM (SELECT a FROM t) AS __o(__c0)  ─hash─┐
//! stage 1, by file of u: SELECT DISTINCT <hash of __c0> AS __h, __c0 FROM (SELECT b FROM u) AS __o(__c0)  ─hash─┤
//! stage 2, by hash:      SELECT __c0 AS a FROM (SELECT __c0 FROM __s0 EXCEPT SELECT __c0 FROM __s1) AS __u(__c0)
//! ```
//!
//! Equal rows meet in one fragment, so each fragment does the operation on its part. Columns are cast
//! to the types of the result before they are hashed, as DuckDB does before it compares them.

use super::block::{Block, Modifiers, RowOrder};
use super::choice;
use super::cost::Size;
use super::env::Env;
use super::exchange::{EXCHANGED, hash_of, with_own_ctes};
use super::stage::{input_name, not_bound};
use super::{Outcome, Splitter, reads_relation, refusal};
use crate::ast::visit::Node;
use crate::ast::{Expr, Query, QueryBody, SetOperationKind, TableRefKind};
use crate::build::{column, named, query, select, sql, table};
use skein_executor_api::Column;

impl Splitter<'_> {
    /// Divides a set operation by exchanging its operands. `None`: it is not one that needs this, or
    /// it does not pay. `env` includes the query's own common table expressions.
    pub(super) fn divide_set_by_hash(
        &mut self,
        statement: &Query,
        env: &Env,
    ) -> Outcome<Option<Query>> {
        let QueryBody::SetOperation {
            kind,
            all,
            operands,
        } = &statement.body
        else {
            return Ok(None);
        };
        let name = match (kind, all) {
            // It needs no comparison of rows.
            (SetOperationKind::Union | SetOperationKind::UnionByName, true) => return Ok(None),
            (SetOperationKind::UnionByName, false) => {
                return Err(refusal("UNION BY NAME", "its operands have other columns"));
            }
            (SetOperationKind::Union, false) => "UNION",
            (SetOperationKind::Intersect, _) => "INTERSECT",
            (SetOperationKind::Except, _) => "EXCEPT",
        };
        if !operands.iter().any(|operand| reads_relation(operand, env)) {
            return Ok(None);
        }
        let bare = Query {
            ctes: Vec::new(),
            ..statement.clone()
        };
        let outputs = self
            .describe(&bare, env)
            .map_err(|error| not_bound(&error))?;
        let bytes = |operand: &Query| choice::largest_read(Node::Query(operand), env);
        let bytes: u64 = operands.iter().map(bytes).sum();
        let size = Size::of_files(bytes, outputs.len(), outputs.len());
        let Some(reason) = self.options.exchanges_set(size) else {
            return Ok(None);
        };
        let env = self.materialize_ctes(&bare, env);
        let names: Vec<String> = (0..outputs.len())
            .map(|index| format!("__c{index}"))
            .collect();
        let mut parts = Vec::new();
        for operand in operands {
            let stage = self.operand_stage(operand, &outputs, &names, !all, &env)?;
            self.hashed.insert(stage);
            let list = names.iter().map(|name| column(name)).collect();
            let name = input_name(stage);
            let from = table(TableRefKind::Input { name }, "");
            parts.push(query(select(list, from), Vec::new()));
        }
        let operation = Query {
            ctes: Vec::new(),
            body: QueryBody::SetOperation {
                kind: *kind,
                all: *all,
                operands: parts,
            },
            modifiers: Vec::new(),
        };
        let newest = self.stages.len() - 1;
        self.exchange(newest, format!("{name} by hash of its rows"), reason);
        let mut from = table(TableRefKind::Subquery(Box::new(operation)), "__u");
        from.column_aliases.clone_from(&names);
        let list = names
            .iter()
            .zip(&outputs)
            .map(|(name, output)| named(column(name), &output.name))
            .collect();
        let combine = self.divide_rows(Block {
            select: select(list, from),
            modifiers: Modifiers::of(&statement.modifiers)?,
            outputs,
            env: env.clone(),
            rows_estimate: size.rows,
            order: RowOrder::None(EXCHANGED),
            located: Vec::new(),
            may_exchange: false,
        })?;
        Ok(Some(with_own_ctes(combine, statement, &env)))
    }

    fn operand_stage(
        &mut self,
        operand: &Query,
        outputs: &[Column],
        names: &[String],
        distinct: bool,
        env: &Env,
    ) -> Outcome<usize> {
        let described = self
            .describe(operand, env)
            .map_err(|error| not_bound(&error))?;
        let values: Vec<Expr> = described
            .iter()
            .zip(outputs)
            .zip(names)
            .map(|((own, output), name)| {
                if own.ty == output.ty {
                    column(name)
                } else {
                    sql(format!("CAST({name} AS {})", output.ty))
                }
            })
            .collect();
        let mut list = vec![hash_of(values.clone())];
        list.extend(
            values
                .into_iter()
                .zip(names)
                .map(|(value, name)| named(value, name)),
        );
        let mut from = table(TableRefKind::Subquery(Box::new(operand.clone())), "__o");
        from.column_aliases = names.to_vec();
        self.rows_stage(query(select(list, from), Vec::new()), distinct, env)
    }
}
