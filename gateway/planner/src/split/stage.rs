//! Makes stages of finished queries: names become scans and inputs, and DuckDB describes the result.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use skein_catalog::snapshot::File;
use skein_executor_api::{Column, InputSpec};

use super::env::Env;
use super::{Outcome, Splitter, is_single, refusal};
use crate::ast::visit::{self, Descend, Node, NodeMut};
use crate::ast::{Expr, ExprKind, Modifier, Query, QueryBody, TableRef, TableRefKind, print};
use crate::build::{no_table, query, select, sql, table};
use crate::joined;
use crate::plan::{BYTES_PER_ROW, Exchange, Partitioning, Scan, Stage, StageInput, carried_as};
use crate::prune;
use crate::repairs;

/// Name of the column by which rows are exchanged.
pub(super) const HASH: &str = "__h";

/// Scans that [`Splitter::divide`] has chosen are numbered from here until their stage is made.
const DIVIDED: usize = 1 << 32;

/// An occurrence of a relation of which each fragment reads some files.
#[derive(Clone, Debug)]
pub(super) struct Divided {
    pub(super) relation: Arc<skein_catalog::snapshot::RelationSnapshot>,
    /// The files of each fragment; `None`: whichever placement gives it.
    lists: Option<Vec<Vec<Arc<File>>>>,
}

impl Splitter<'_> {
    /// Registers a chosen occurrence.
    pub(super) fn mark_divided(
        &mut self,
        relation: &Arc<skein_catalog::snapshot::RelationSnapshot>,
    ) -> TableRefKind {
        self.mark(Divided {
            relation: Arc::clone(relation),
            lists: None,
        })
    }

    /// Registers an occurrence of which fragment `i` reads the files of list `i`.
    pub(super) fn mark_listed(
        &mut self,
        relation: &Arc<skein_catalog::snapshot::RelationSnapshot>,
        lists: Vec<Vec<Arc<File>>>,
    ) -> TableRefKind {
        self.mark(Divided {
            relation: Arc::clone(relation),
            lists: Some(lists),
        })
    }

    fn mark(&mut self, divided: Divided) -> TableRefKind {
        self.divided.push(divided);
        TableRefKind::Scan {
            scan: DIVIDED + self.divided.len() - 1,
        }
    }

    /// Makes a stage of `query` and gives its index. Its common table expressions are added here.
    pub(super) fn finish_stage(
        &mut self,
        query: Query,
        env: &Env,
        in_file_order: bool,
        rows_estimate: u64,
    ) -> Outcome<usize> {
        let mut query = Self::attach_ctes(query, env);
        let columns = self
            .describe_attached(&query)
            .map_err(|error| not_bound(&error))?;
        if let Some(cast) = Self::shippable(&query, &columns) {
            query = cast;
        }
        let mut scans = Vec::new();
        let (mut divided, mut ranged) = (Vec::new(), BTreeMap::new());
        let pruned = prune::files(&query, &|scan| self.divided_relation(scan), self.bind);
        repairs::repair(&mut query);
        number_scans(&mut query, env, &mut |found| match found {
            Found::Relation(relation) => {
                scans.push(Scan {
                    files: relation.files.clone(),
                    relation,
                });
                scans.len() - 1
            }
            Found::Divided(scan) => {
                let Divided { relation, lists } = self.divided[scan - DIVIDED].clone();
                if let Some(lists) = lists {
                    let listed: HashSet<*const File> =
                        lists.iter().flatten().map(Arc::as_ptr).collect();
                    let files = relation.files.iter();
                    let files = files.filter(|file| listed.contains(&Arc::as_ptr(file)));
                    let files = files.cloned().collect();
                    scans.push(Scan { relation, files });
                    ranged.insert(scans.len() - 1, lists);
                    return scans.len() - 1;
                }
                let files = pruned
                    .get(&scan)
                    .cloned()
                    .unwrap_or_else(|| relation.files.clone());
                scans.push(Scan { relation, files });
                divided.push(scans.len() - 1);
                scans.len() - 1
            }
        });
        let by_hash = self.reads_hashed(&query);
        let partitioning = match (divided.is_empty(), by_hash) {
            _ if !ranged.is_empty() && (by_hash || !divided.is_empty()) => {
                return Err(refusal("query", "it would be divided in two ways at once"));
            }
            _ if !ranged.is_empty() => Partitioning::ByRange {
                fragments: self.options.ranges(),
                files: ranged,
            },
            (true, false) => Partitioning::Single,
            (true, true) => Partitioning::ByHash {
                fragments: self.options.partitions,
            },
            (false, false) => Partitioning::ByFile {
                scans: divided,
                in_file_order,
            },
            (false, true) => {
                return Err(refusal(
                    "query",
                    "it would be divided by files and by hash at once",
                ));
            }
        };
        let inputs = self.inputs_of(&query, &partitioning);
        let joined_rows = joined_rows(&query, &scans, &inputs, &self.stages);
        self.stages.push(Stage {
            template: print::sql(&query),
            scans,
            inputs,
            columns,
            partitioning,
            joined_rows,
        });
        self.rows_estimates.push(rows_estimate);
        Ok(self.stages.len() - 1)
    }

    fn divided_relation(
        &self,
        scan: usize,
    ) -> Option<Arc<skein_catalog::snapshot::RelationSnapshot>> {
        let divided = self.divided.get(scan.checked_sub(DIVIDED)?)?;
        Some(Arc::clone(&divided.relation))
    }

    /// Whether a query reads a stage whose rows are exchanged by hash.
    fn reads_hashed(&self, query: &Query) -> bool {
        let mut found = false;
        each_input(Node::Query(query), &mut |name| {
            found |= self.hashed.contains(&stage_of_input(name));
        });
        found
    }

    /// The inputs that a query names.
    fn inputs_of(&self, query: &Query, partitioning: &Partitioning) -> Vec<StageInput> {
        let mut names: Vec<(String, bool)> = Vec::new();
        let mut note =
            |name: &str, reread: bool| match names.iter_mut().find(|(known, _)| known == name) {
                Some((_, again)) => *again = true,
                None => names.push((name.to_owned(), reread)),
            };
        for cte in &query.ctes {
            each_input(Node::Query(&cte.query), &mut |name| note(name, true));
        }
        let body = Query {
            ctes: Vec::new(),
            ..query.clone()
        };
        visit::walk(Node::Query(&body), &mut |node| match node {
            // A subquery may be evaluated more than once.
            Node::Expr(Expr {
                kind: ExprKind::Subquery(subquery),
                ..
            }) => {
                each_input(Node::Query(&subquery.query), &mut |name| note(name, true));
                if let Some(child) = &subquery.child {
                    each_input(Node::Expr(child), &mut |name| note(name, true));
                }
                Descend::Over
            }
            Node::Table(TableRef {
                kind: TableRefKind::Input { name },
                ..
            }) => {
                note(name, false);
                Descend::Into
            }
            _ => Descend::Into,
        });
        names
            .into_iter()
            .map(|(name, reread)| {
                let stage = stage_of_input(&name);
                StageInput {
                    stage,
                    exchange: if self.hashed.contains(&stage) {
                        let column = HASH.to_owned();
                        Exchange::Hash { column }
                    } else if is_single(partitioning) {
                        Exchange::Gather
                    } else {
                        Exchange::Broadcast
                    },
                    spec: InputSpec {
                        name,
                        columns: self.stages[stage].columns.clone(),
                        reread,
                        rows_estimate: self.rows_estimates[stage],
                    },
                }
            })
            .collect()
    }

    /// The one stage of a statement that is not split.
    pub(super) fn whole(&mut self, statement: &Query, columns: &[Column], env: &Env) {
        let mut query = statement.clone();
        repairs::repair(&mut query);
        let mut scans = Vec::new();
        number_scans(&mut query, env, &mut |found| match found {
            Found::Relation(relation) => {
                scans.push(Scan {
                    files: relation.files.clone(),
                    relation,
                });
                scans.len() - 1
            }
            Found::Divided(_) => unreachable!("nothing is divided in a whole statement"),
        });
        let joined_rows = joined_rows(&query, &scans, &[], &[]);
        self.stages.push(Stage {
            template: print::sql(&query),
            scans,
            inputs: Vec::new(),
            columns: columns.to_vec(),
            partitioning: Partitioning::Single,
            joined_rows,
        });
    }

    /// Makes the last stage, whose columns must have the types that bind reported.
    pub(super) fn finish_root(
        &mut self,
        mut query: Query,
        columns: &[Column],
        env: &Env,
    ) -> Outcome<()> {
        if let Some(stage) = passes_through(&query)
            && stage + 1 == self.stages.len()
            && same_types(&self.stages[stage].columns, columns)
        {
            columns.clone_into(&mut self.stages[stage].columns);
            return Ok(());
        }
        let described = self
            .describe(&query, env)
            .map_err(|error| not_bound(&error))?;
        if described.len() != columns.len() {
            return Err(refusal("query", "the combine query has other columns"));
        }
        if !same_types(&described, columns) {
            query = cast_to(query, columns);
        }
        let stage = self.finish_stage(query, env, false, 0)?;
        columns.clone_into(&mut self.stages[stage].columns);
        Ok(())
    }

    /// The same query with the definitions it needs from `env` before its own.
    fn attach_ctes(mut query: Query, env: &Env) -> Query {
        let mut ctes = env.needed(&query);
        ctes.append(&mut query.ctes);
        query.ctes = ctes;
        query
    }

    /// Result columns of a query that may name common table expressions of `env`.
    pub(super) fn describe(
        &self,
        query: &Query,
        env: &Env,
    ) -> Result<Vec<Column>, skein_executor_api::FragmentError> {
        self.describe_attached(&Self::attach_ctes(query.clone(), env))
    }

    fn describe_attached(
        &self,
        query: &Query,
    ) -> Result<Vec<Column>, skein_executor_api::FragmentError> {
        let mut query = query.clone();
        let mut shadows = Vec::new();
        visit::walk_mut(NodeMut::Query(&mut query), &mut |node| {
            if let NodeMut::Table(table) = node {
                match &table.kind {
                    TableRefKind::Scan { scan } => {
                        let relation = self
                            .divided_relation(*scan)
                            .expect("only divided scans are numbered");
                        shadows.push(shadow_name(&relation.name));
                        table.kind = TableRefKind::Scan {
                            scan: shadows.len() - 1,
                        };
                    }
                    TableRefKind::Input { name } => {
                        let columns = &self.stages[stage_of_input(name)].columns;
                        if table.alias.is_empty() {
                            table.alias.clone_from(name);
                        }
                        table.kind = TableRefKind::Subquery(Box::new(typed_empty(columns)));
                    }
                    _ => {}
                }
            }
            Descend::Into
        });
        self.bind.describe(&print::sql(&query).render(&shadows, 0))
    }

    /// Casts what Arrow cannot carry between executors; `None` when nothing has to be cast.
    fn shippable(query: &Query, columns: &[Column]) -> Option<Query> {
        if !columns
            .iter()
            .any(|column| carried_as(&column.ty).is_some())
        {
            return None;
        }
        let names: Vec<String> = (0..columns.len())
            .map(|index| format!("__v{index}"))
            .collect();
        let list = columns
            .iter()
            .zip(&names)
            .map(|(column, name)| {
                let text = match carried_as(&column.ty) {
                    Some(ty) => format!("CAST({name} AS {ty})"),
                    None => name.clone(),
                };
                crate::build::named(sql(text), &column.name)
            })
            .collect();
        let mut from = table(TableRefKind::Subquery(Box::new(query.clone())), "__v");
        from.column_aliases = names;
        Some(crate::build::query(select(list, from), Vec::new()))
    }
}

/// An occurrence that becomes a scan.
enum Found {
    Relation(Arc<skein_catalog::snapshot::RelationSnapshot>),
    Divided(usize),
}

/// Replaces relations and divided occurrences by scans, numbered by `number` in the order in which
/// they are printed or otherwise met.
fn number_scans(query: &mut Query, env: &Env, number: &mut dyn FnMut(Found) -> usize) {
    visit::walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Table(table) = node {
            if let TableRefKind::Scan { scan } = table.kind {
                table.kind = TableRefKind::Scan {
                    scan: number(Found::Divided(scan)),
                };
            } else if let Some(relation) = env.relation(table) {
                if table.alias.is_empty() {
                    table.alias.clone_from(&relation.name.name);
                }
                table.kind = TableRefKind::Scan {
                    scan: number(Found::Relation(relation)),
                };
            }
        }
        Descend::Into
    });
}

/// About how many rows a join in the query of a stage keeps in memory; `before` are the stages before it.
fn joined_rows(query: &Query, scans: &[Scan], inputs: &[StageInput], before: &[Stage]) -> u64 {
    joined::rows(query, &|table| match &table.kind {
        TableRefKind::Scan { scan } => scans.get(*scan).map(Scan::rows_estimate),
        TableRefKind::Input { name } => {
            let input = inputs.iter().find(|input| input.spec.name == *name)?;
            Some(input_rows(input, &before[input.stage]))
        }
        _ => None,
    })
}

/// The rows of an input, whose estimate comes from the bytes of files: in proportion to the rows that
/// these have.
fn input_rows(input: &StageInput, stage: &Stage) -> u64 {
    let bytes: u64 = stage.scans.iter().map(Scan::bytes).sum();
    let rows: u64 = stage.scans.iter().map(Scan::rows_estimate).sum();
    match bytes / BYTES_PER_ROW {
        0 => input.spec.rows_estimate,
        by_bytes => input.spec.rows_estimate.saturating_mul(rows) / by_bytes,
    }
}

fn each_input(node: Node<'_>, f: &mut dyn FnMut(&str)) {
    visit::walk(node, &mut |node| {
        if let Node::Table(TableRef {
            kind: TableRefKind::Input { name },
            ..
        }) = node
        {
            f(name);
        }
        Descend::Into
    });
}

/// The name under which a stage's rows are read.
pub(super) fn input_name(stage: usize) -> String {
    format!("__s{stage}")
}

fn stage_of_input(name: &str) -> usize {
    name.strip_prefix("__s")
        .and_then(|number| number.parse().ok())
        .expect("inputs are named by input_name")
}

/// A relation's name in the shadow database.
pub(crate) fn shadow_name(name: &skein_catalog::relation::RelationName) -> String {
    let quote = |part: &str| format!("\"{}\"", part.replace('"', "\"\""));
    format!("{}.{}", quote(&name.schema), quote(&name.name))
}

/// `SELECT CAST(NULL AS type) AS name, …`
fn typed_empty(columns: &[Column]) -> Query {
    let list = columns
        .iter()
        .map(|column| {
            crate::build::named(sql(format!("CAST(NULL AS {})", column.ty)), &column.name)
        })
        .collect();
    query(select(list, no_table()), Vec::new())
}

/// The stage whose rows a query returns as they are.
pub(super) fn passes_through(query: &Query) -> Option<usize> {
    let QueryBody::Select(select) = &query.body else {
        return None;
    };
    let TableRefKind::Input { name } = &select.from.kind else {
        return None;
    };
    let plain = query.ctes.is_empty()
        && query.modifiers.is_empty()
        && select.where_clause.is_none()
        && select.grouping_sets.is_empty()
        && select.having.is_none()
        && select.qualify.is_none()
        && matches!(
            &select.select_list[..],
            [Expr {
                kind: ExprKind::Star(_),
                ..
            }]
        );
    plain.then(|| stage_of_input(name))
}

fn same_types(left: &[Column], right: &[Column]) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .all(|(left, right)| left.ty == right.ty)
}

/// The same rows with columns cast to the types of `columns`.
fn cast_to(inner: Query, columns: &[Column]) -> Query {
    let names: Vec<String> = (0..columns.len())
        .map(|index| format!("__v{index}"))
        .collect();
    let list = columns
        .iter()
        .zip(&names)
        .map(|(column, name)| {
            crate::build::named(sql(format!("CAST({name} AS {})", column.ty)), &column.name)
        })
        .collect();
    let mut from = table(TableRefKind::Subquery(Box::new(inner)), "__v");
    from.column_aliases = names;
    query(select(list, from), Vec::new())
}

pub(super) fn not_bound(error: &skein_executor_api::FragmentError) -> crate::refusal::Refusal {
    refusal(
        "query",
        format!("its parts do not bind by themselves: {}", error.message),
    )
}

/// `limit + offset`, for fragments.
pub(super) fn limit_of_fragments(limit: &Expr, offset: Option<&Expr>) -> Modifier {
    let limit = match offset {
        None => limit.clone(),
        Some(offset) => Expr::infix("+", limit.clone(), offset.clone()),
    };
    Modifier::Limit {
        limit: Some(limit),
        offset: None,
    }
}
