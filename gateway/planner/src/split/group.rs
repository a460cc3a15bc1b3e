//! Blocks with aggregates or groups.
//!
//! ```text
//! SELECT b, avg(x) + 1 FROM t GROUP BY b HAVING count(*) > 2
//! fragment: SELECT b AS __g0, sum(x) AS __p0, count(x) AS __p1, count(*) AS __p2 FROM t GROUP BY 1
//! combine:  SELECT __g0 AS b, CAST(sum(__p0) AS DOUBLE) / sum(__p1) + 1 FROM __s0
//!           GROUP BY __g0 HAVING sum(__p2) > 2
//! ```
//!
//! Everything after grouping stays as it was written and runs in the combine query; only group keys
//! and aggregate calls in it are replaced by what fragments return. Window functions over groups are
//! computed there as well. Where it pays, groups are exchanged before ([`super::regroup`]).

use skein_executor_api::Column;

use super::block::{Block, Items, Modifiers, RowOrder, is_constant, position};
use super::choice::outside_subqueries;
use super::cost::Size;
use super::exchange::with_hash;
use super::regroup::Grouping;
use super::rows::FRAGMENT;
use super::scope::{Scope, canonical};
use super::stage::{input_name, not_bound};
use super::windows::windows_of;
use super::{Env, Outcome, SplitMode, Splitter, refusal};
use crate::aggregates::{self, Strategy};
use crate::ast::visit::{self};
use crate::ast::{
    Expr, ExprKind, Function, Modifier, OrderBy, Query, Select, TableRef, TableRefKind, print,
};
use crate::build::{column, named, order_key, query, select, sql, table};
use crate::earlier::StageKey;
use crate::joined::ROWS_PER_GROUP;
use crate::plan::Partitioning;

/// Name of the column that numbers the rows of a fragment.
const ROW: &str = "__r";

/// A list of columns for fragments to return, each expression once.
#[derive(Default)]
pub(super) struct Shipped {
    columns: Vec<(Expr, Expr)>,
    prefix: &'static str,
}

impl Shipped {
    pub(super) fn new(prefix: &'static str) -> Self {
        Self {
            columns: Vec::new(),
            prefix,
        }
    }

    /// The name under which `expr` is returned.
    pub(super) fn name(&mut self, expr: &Expr, scope: &Scope) -> String {
        let key = canonical(expr, scope);
        let known = self.columns.iter().position(|(known, _)| *known == key);
        let index = known.unwrap_or_else(|| {
            self.columns.push((key, expr.clone()));
            self.columns.len() - 1
        });
        format!("{}{index}", self.prefix)
    }

    pub(super) fn select_list(&self) -> impl Iterator<Item = Expr> {
        self.columns
            .iter()
            .enumerate()
            .map(|(index, (_, expr))| named(expr.clone(), &format!("{}{index}", self.prefix)))
    }
}

/// One aggregate call of the block.
pub(super) struct Call {
    pub(super) key: Expr,
    pub(super) function: Function,
    pub(super) ty: String,
    strategy: Strategy,
}

/// How the calls of one block are computed together.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Together {
    /// Every call has partials.
    Partials,
    /// Some calls need the set of their arguments, which become group keys of the fragments.
    Sets,
    /// Some calls need every row.
    Rows,
}

/// What takes the place of expressions in the combine query.
struct Replacement<'a> {
    scope: &'a Scope,
    groups: Vec<Expr>,
    calls: Vec<(Expr, Expr)>,
}

/// What fragments return for the groups and calls of a block.
struct Shipping {
    group_keys: Shipped,
    set_keys: Shipped,
    partials: Shipped,
    /// Fragments hold files in order and say which fragment a row comes from.
    in_order: bool,
    /// Each call with its combine expression.
    replaced: Vec<(Expr, Expr)>,
}

impl Shipping {
    fn of(groups: &[Expr], calls: &[Call], together: Together, scope: &Scope) -> Self {
        let mut shipping = Self {
            group_keys: Shipped::new("__g"),
            set_keys: Shipped::new("__k"),
            partials: Shipped::new("__p"),
            in_order: false,
            replaced: Vec::new(),
        };
        for group in groups {
            // Equal keys keep places of their own, since grouping sets count them.
            let key = (canonical(group, scope), group.clone());
            shipping.group_keys.columns.push(key);
        }
        for call in calls {
            let combined = shipping.combined(call, together, scope);
            shipping.replaced.push((call.key.clone(), combined));
        }
        shipping
    }

    /// Notes what fragments return for one call, and gives its combine expression.
    fn combined(&mut self, call: &Call, together: Together, scope: &Scope) -> Expr {
        if let Strategy::Partials(form) = &call.strategy
            && together != Together::Rows
        {
            self.in_order |= form.ordered;
            let names: Vec<String> = form
                .columns
                .iter()
                .map(|one| self.partials.name(one, scope))
                .collect();
            let text = form.combine_sql(&names, FRAGMENT);
            return sql(if keeps_type(&call.function.name) {
                text
            } else {
                format!("CAST({text} AS {})", call.ty)
            });
        }
        let keys = match together {
            Together::Sets => &mut self.set_keys,
            Together::Partials | Together::Rows => &mut self.partials,
        };
        let mut function = over_columns(&call.function, keys, together, scope);
        let ordered = together == Together::Rows && needs_order(&call.strategy);
        if ordered && function.order_by.is_empty() {
            self.in_order = true;
            function.order_by = vec![order_key(column(FRAGMENT)), order_key(column(ROW))];
        }
        Expr::from(ExprKind::Function(Box::new(function)))
    }

    /// The select list of fragments, and how many of its first columns they group by.
    fn select_list(&self, together: Together) -> (Vec<Expr>, usize) {
        let keys = self
            .group_keys
            .select_list()
            .chain(self.set_keys.select_list());
        let mut list: Vec<Expr> = keys.collect();
        let key_count = list.len();
        list.extend(self.partials.select_list());
        if self.in_order {
            list.push(named(Expr::from(ExprKind::FragmentIndex), FRAGMENT));
            if together == Together::Rows {
                list.push(named(sql("row_number() OVER ()"), ROW));
            }
        }
        if list.is_empty() {
            list.push(named(sql("1"), "__n"));
        }
        (list, key_count)
    }
}

impl Splitter<'_> {
    pub(super) fn divide_groups(&mut self, block: Block) -> Outcome<Query> {
        let whole = block.clone();
        let Block {
            mut select,
            mut modifiers,
            outputs,
            env,
            rows_estimate,
            order,
            located,
            may_exchange,
        } = block;
        let scope = self.scope_of(&select.from, &env)?;
        let items = Items::of(&select.select_list, &scope)?;
        replace_aliases_everywhere(&mut select, &mut modifiers, &items, &scope);
        let groups = group_expressions(&mut select, &items, &scope)?;
        let calls = self.calls_of(&select, &modifiers, &items, &scope, &env)?;
        let grouping = Grouping {
            keys: groups.iter().map(|key| canonical(key, &scope)).collect(),
            sets: select.grouping_sets.clone(),
            windows: windows_of(&select, &modifiers, &items, &scope),
        };
        let located: Vec<Expr> = located.iter().map(|key| canonical(key, &scope)).collect();
        let ordered = calls.iter().any(|call| needs_order(&call.strategy));
        if grouping.is_complete(&located) && !ordered {
            // Every group is in one fragment already.
            return self.divide_rows(Block {
                rows_estimate: rows_estimate / ROWS_PER_GROUP,
                may_exchange: false,
                ..whole
            });
        }
        grouping.tells_keys_apart()?;
        let together = self.together(&calls)?;

        let shipping = Shipping::of(&groups, &calls, together, &scope);
        if let RowOrder::None(reason) = order
            && shipping.in_order
        {
            return Err(refusal("aggregate", reason));
        }
        let (list, key_count) = shipping.select_list(together);
        let mut fragment = crate::build::select(list, select.from.clone());
        fragment.where_clause.clone_from(&select.where_clause);
        if together != Together::Rows && key_count > 0 {
            fragment.group_by = (1..=key_count).map(|key| sql(key.to_string())).collect();
            fragment.grouping_sets = vec![(0..key_count).collect()];
        }
        let estimate = match together {
            Together::Rows => rows_estimate,
            Together::Sets => rows_estimate / 2,
            Together::Partials if key_count == 0 => self.options.executors as u64,
            Together::Partials => rows_estimate / ROWS_PER_GROUP,
        };
        let mut fragment = query(fragment, Vec::new());
        let exchanged = if may_exchange && !modifiers.has_targets() {
            let size = Size {
                rows: rows_estimate,
                width: key_count + shipping.partials.columns.len(),
            };
            self.exchange_of_groups(&grouping, &calls, together, size)
        } else {
            None
        };
        if let Some((keys, _)) = &exchanged {
            let keys = keys.iter().map(|name| column(name)).collect();
            fragment = with_hash(fragment, &[], keys);
        }
        let fragment_env = self.materialize_ctes(&fragment, &env);
        let mut stage = self.finish_stage(fragment, &fragment_env, shipping.in_order, estimate)?;
        if exchanged.is_none() && key_count > 0 {
            self.worth_gathering(stage)?;
        }
        let mut calls_replaced = shipping.replaced;
        let mut by_groups = false;
        if let Some((_, reason)) = exchanged {
            by_groups = !groups.is_empty();
            self.exchange(stage, super::regroup::subject(&groups), reason);
            if !by_groups {
                (stage, calls_replaced) = self.distinct_stage(stage, &calls, calls_replaced)?;
            }
        }

        let replacement = Replacement {
            scope: &scope,
            groups: grouping.keys,
            calls: calls_replaced,
        };
        let combine = self.combine(
            stage,
            &select,
            modifiers,
            &items,
            &outputs,
            &replacement,
            &env,
        )?;
        if by_groups {
            self.divide_combine(combine, outputs, env, estimate)
        } else {
            Ok(combine)
        }
    }

    /// Refuses a stage of groups that were too many to be combined when it last ran.
    fn worth_gathering(&self, stage: usize) -> Outcome<()> {
        let stage = &self.stages[stage];
        let gathered = StageKey::of(stage).and_then(|key| self.known.earlier.rows_of(key));
        let (Some(gathered), Partitioning::ByFile { scans, .. }) = (gathered, &stage.partitioning)
        else {
            return Ok(());
        };
        let rows = scans.iter().map(|scan| {
            let relation = &stage.scans[*scan].relation;
            let guessed = Size::of_files(relation.bytes(), relation.columns.len(), 1).rows;
            relation.rows.unwrap_or(guessed)
        });
        let read = Size {
            rows: rows.sum(),
            width: stage.columns.len(),
        };
        if self.options.gathers_too_much(read, gathered) {
            let reason = format!("{gathered} of them were too many to combine when they last were");
            return Err(refusal("groups", reason));
        }
        Ok(())
    }

    /// The aggregate calls outside subqueries, each once, with their types and strategies.
    fn calls_of(
        &mut self,
        select: &Select,
        modifiers: &Modifiers,
        items: &Items,
        scope: &Scope,
        env: &Env,
    ) -> Outcome<Vec<Call>> {
        let mut functions: Vec<(Expr, Function)> = Vec::new();
        let after_grouping = items
            .exprs
            .iter()
            .chain(&select.having)
            .chain(&select.qualify)
            .chain(modifiers.order_by.iter().map(|order| &order.expr))
            .chain(modifiers.distinct.iter().flatten());
        for expr in after_grouping {
            collect_calls(expr, scope, &mut functions);
        }
        if functions.is_empty() {
            return Ok(Vec::new());
        }
        let mut from = select.from.clone();
        from.alias.clone_from(&select.from.alias);
        let probe = |list: Vec<Expr>| query(crate::build::select(list, from.clone()), Vec::new());
        let results = functions
            .iter()
            .map(|(_, function)| Expr::from(ExprKind::Function(Box::new(function.clone()))))
            .collect();
        let result_types = self
            .describe(&probe(results), env)
            .map_err(|error| not_bound(&error))?;
        let arguments: Vec<Expr> = functions
            .iter()
            .flat_map(|(_, function)| function.args.iter().cloned())
            .collect();
        let argument_types: Vec<Column> = if arguments.is_empty() {
            Vec::new()
        } else {
            self.describe(&probe(arguments), env)
                .map_err(|error| not_bound(&error))?
        };
        let mut argument_types = argument_types.into_iter().map(|column| column.ty);
        Ok(functions
            .into_iter()
            .zip(result_types)
            .map(|((key, function), result)| {
                let types: Vec<String> =
                    argument_types.by_ref().take(function.args.len()).collect();
                let strategy = aggregates::strategy(&function, &types);
                Call {
                    key,
                    function,
                    ty: result.ty,
                    strategy,
                }
            })
            .collect())
    }

    fn together(&mut self, calls: &[Call]) -> Outcome<Together> {
        let sets = calls.iter().any(|call| call.strategy == Strategy::Set);
        let mut together = if sets {
            Together::Sets
        } else {
            Together::Partials
        };
        for call in calls {
            let reason = match &call.strategy {
                Strategy::Rows { reason, .. } => reason,
                Strategy::Partials(form) if sets && form.ordered => {
                    "it depends on row order beside an aggregate over distinct values"
                }
                _ => continue,
            };
            together = Together::Rows;
            let subject = print::expr_sql(&Expr::from(ExprKind::Function(Box::new(
                call.function.clone(),
            ))));
            if self.options.mode != SplitMode::Always {
                return Err(refusal(
                    &subject,
                    format!("{reason}, and moving every row costs more than it saves"),
                ));
            }
            self.refuse(refusal(&subject, format!("pulled up because {reason}")));
        }
        Ok(together)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one block, used once"
    )]
    fn combine(
        &mut self,
        stage: usize,
        block: &Select,
        modifiers: Modifiers,
        items: &Items,
        outputs: &[Column],
        replacement: &Replacement<'_>,
        env: &Env,
    ) -> Outcome<Query> {
        let mut combine = select(Vec::new(), from_stage(stage));
        for (item, output) in items.exprs.iter().zip(outputs) {
            let item = self.replace(item, replacement, env)?;
            combine.select_list.push(named(item, &output.name));
        }
        combine.group_by = (0..replacement.groups.len())
            .map(|index| column(&format!("__g{index}")))
            .collect();
        combine.grouping_sets.clone_from(&block.grouping_sets);
        combine.having = block
            .having
            .as_ref()
            .map(|one| self.replace(one, replacement, env))
            .transpose()?;
        combine.qualify = block
            .qualify
            .as_ref()
            .map(|one| self.replace(one, replacement, env))
            .transpose()?;
        let mut result = Modifiers {
            limit: modifiers.limit,
            ..Modifiers::default()
        };
        for order in modifiers.order_by {
            let key = if stays(&order.expr, items) {
                order.expr.clone()
            } else {
                self.replace(&order.expr, replacement, env)?
            };
            result.order_by.push(OrderBy { expr: key, ..order });
        }
        if let Some(targets) = modifiers.distinct {
            let mut replaced = Vec::new();
            for target in targets {
                replaced.push(if stays(&target, items) {
                    target
                } else {
                    self.replace(&target, replacement, env)?
                });
            }
            result.distinct = Some(replaced);
        }
        let modifiers: Vec<Modifier> = result.into_list();
        Ok(query(combine, modifiers))
    }

    /// `expr` with group keys and aggregate calls replaced by what the stage returns.
    fn replace(&mut self, node: &Expr, with: &Replacement<'_>, env: &Env) -> Outcome<Expr> {
        let key = canonical(node, with.scope);
        if let Some(index) = with.groups.iter().position(|group| *group == key) {
            return Ok(column(&format!("__g{index}")));
        }
        if let Some((_, combined)) = with.calls.iter().find(|(call, _)| *call == key) {
            return Ok(combined.clone());
        }
        let mut copy = node.clone();
        match &mut copy.kind {
            ExprKind::ColumnRef(names) => {
                let name = names.join(".");
                return Err(refusal(
                    &name,
                    "it is neither a group key nor inside an aggregate",
                ));
            }
            ExprKind::Subquery(subquery) => {
                if !self.stands_alone(&subquery.query, env) {
                    return Err(refusal(
                        "subquery",
                        "it refers to groups of the block around it",
                    ));
                }
                if let Some(split) = self.split_part(&subquery.query, env) {
                    subquery.query = split;
                }
                if let Some(child) = &mut subquery.child {
                    *child = self.replace(child, with, env)?;
                }
                return Ok(copy);
            }
            ExprKind::Lambda { .. } => {
                return Err(refusal("lambda", "its names cannot be told from columns"));
            }
            _ => {}
        }
        for child in visit::children_mut(&mut copy) {
            let alias = std::mem::take(&mut child.alias);
            *child = named(self.replace(child, with, env)?, &alias);
        }
        Ok(copy)
    }
}

/// Whether a sort key means the same in the combine query: a position, `ALL`, or an alias.
pub(super) fn stays(expr: &Expr, items: &Items) -> bool {
    position(expr).is_some()
        || matches!(expr.kind, ExprKind::Star(_))
        || items.aliased(expr).is_some()
}

pub(super) fn from_stage(stage: usize) -> TableRef {
    let name = input_name(stage);
    table(TableRefKind::Input { name }, "")
}

pub(super) fn replace_aliases_everywhere(
    select: &mut Select,
    modifiers: &mut Modifiers,
    items: &Items,
    scope: &Scope,
) {
    let keys = modifiers.order_by.iter_mut().map(|order| &mut order.expr);
    for expr in select
        .where_clause
        .iter_mut()
        .chain(&mut select.group_by)
        .chain(&mut select.having)
        .chain(&mut select.qualify)
    {
        items.replace_aliases(expr, scope);
    }
    for key in keys.chain(modifiers.distinct.iter_mut().flatten()) {
        // An alias by itself stays, for the combine query has it too.
        if items.aliased(key).is_none() {
            items.replace_aliases(key, scope);
        }
    }
}

/// The group keys over columns of the `FROM`; `GROUP BY ALL` and positions are written out.
fn group_expressions(select: &mut Select, items: &Items, scope: &Scope) -> Outcome<Vec<Expr>> {
    if select.group_by_all {
        let is_call = |expr: &Expr| {
            outside_subqueries(expr, &mut |expr| match &expr.kind {
                ExprKind::Function(call) => aggregates::is_aggregate(&call.name),
                ExprKind::Window(_) => true,
                _ => false,
            })
        };
        let keys: Vec<Expr> = items
            .exprs
            .iter()
            .filter(|item| !is_call(item))
            .cloned()
            .collect();
        select.grouping_sets = vec![(0..keys.len()).collect()];
        return Ok(keys);
    }
    select
        .group_by
        .iter()
        .map(|group| {
            if let Some(position) = position(group) {
                position
                    .checked_sub(1)
                    .and_then(|index| items.exprs.get(index))
                    .cloned()
                    .ok_or_else(|| refusal("GROUP BY", "a position is out of range"))
            } else {
                let mut group = group.clone();
                items.replace_aliases(&mut group, scope);
                Ok(group)
            }
        })
        .map(|group| {
            group.map(|mut group| {
                group.alias.clear();
                group
            })
        })
        .collect()
}

fn collect_calls(node: &Expr, scope: &Scope, found: &mut Vec<(Expr, Function)>) {
    if let ExprKind::Function(function) = &node.kind
        && aggregates::is_aggregate(&function.name)
    {
        let key = canonical(node, scope);
        if !found.iter().any(|(known, _)| *known == key) {
            found.push((key, function.as_ref().clone()));
        }
        return;
    }
    for child in visit::children(node) {
        collect_calls(child, scope, found);
    }
}

/// The call with everything it reads replaced by columns that fragments return.
///
/// Constants stay, but for the first argument of a call over a set: a set of one constant differs
/// from no rows at all.
fn over_columns(
    function: &Function,
    keys: &mut Shipped,
    together: Together,
    scope: &Scope,
) -> Function {
    let mut shipped = |expr: &mut Expr, even_constant: bool| {
        if even_constant || !is_constant(expr) {
            let alias = std::mem::take(&mut expr.alias);
            *expr = named(column(&keys.name(expr, scope)), &alias);
        }
    };
    let mut function = function.clone();
    for (index, arg) in function.args.iter_mut().enumerate() {
        shipped(arg, index == 0 && together == Together::Sets);
    }
    if let Some(filter) = &mut function.filter {
        shipped(filter, false);
    }
    for order in &mut function.order_by {
        shipped(&mut order.expr, false);
    }
    function
}

fn needs_order(strategy: &Strategy) -> bool {
    match strategy {
        Strategy::Partials(form) => form.ordered,
        Strategy::Rows {
            order_dependent, ..
        } => *order_dependent,
        Strategy::Set => false,
    }
}

/// Aggregates whose combine expression has their own type already.
fn keeps_type(name: &str) -> bool {
    matches!(
        name.to_ascii_lowercase().as_str(),
        "min" | "max" | "any_value" | "first" | "last"
    )
}
