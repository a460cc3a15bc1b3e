//! Makes nodes by hand: what the planner puts into a tree that DuckDB parsed.

use serde_json::{Value, json};

use super::{
    Comparison, Constant, DataType, Expr, ExprKind, Function, Query, QueryBody, Select, Star,
    TableRef, TableRefKind,
};

impl DataType {
    /// A type by DuckDB's text of it, such as `DECIMAL(15,2)`. Not checked.
    pub fn from_sql(text: &str) -> Self {
        Self(Value::String(text.to_owned()))
    }

    /// DuckDB's name of the kind of type, such as `DECIMAL`; empty for a type text.
    pub fn id(&self) -> &str {
        self.0["id"].as_str().unwrap_or_default()
    }

    /// Whether the type has more to it than its kind.
    pub(crate) fn has_info(&self) -> bool {
        !self.0["type_info"].is_null()
    }

    fn simple(id: &str) -> Self {
        Self(json!({ "id": id, "type_info": null }))
    }
}

impl From<ExprKind> for Expr {
    fn from(kind: ExprKind) -> Self {
        Self {
            kind,
            alias: String::new(),
            location: None,
        }
    }
}

impl Expr {
    /// A column, with or without qualifiers.
    pub fn column<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        ExprKind::ColumnRef(names.into_iter().map(Into::into).collect()).into()
    }

    /// An integer, of type INTEGER or BIGINT like the literal.
    pub fn integer(value: i64) -> Self {
        let ty = if i32::try_from(value).is_ok() {
            "INTEGER"
        } else {
            "BIGINT"
        };
        Self::constant(ty, value.into())
    }

    /// A string literal.
    pub fn string(text: impl Into<String>) -> Self {
        Self::constant("VARCHAR", Value::String(text.into()))
    }

    /// `true` or `false`.
    pub fn boolean(value: bool) -> Self {
        Self::constant("BOOLEAN", Value::Bool(value))
    }

    /// `NULL` without a type.
    pub fn null() -> Self {
        Self::constant("NULL", Value::Null)
    }

    fn constant(ty: &str, value: Value) -> Self {
        ExprKind::Constant(Constant {
            ty: DataType::simple(ty),
            value,
        })
        .into()
    }

    /// A call of a function or aggregate.
    pub fn function(name: impl Into<String>, args: Vec<Self>) -> Self {
        ExprKind::Function(Box::new(Function {
            catalog: String::new(),
            schema: String::new(),
            name: name.into(),
            args,
            distinct: false,
            filter: None,
            order_by: Vec::new(),
            is_operator: false,
            export_state: false,
        }))
        .into()
    }

    /// An operator written as a symbol between two operands.
    pub fn infix(symbol: &str, left: Self, right: Self) -> Self {
        let mut call = Self::function(symbol, vec![left, right]);
        if let ExprKind::Function(function) = &mut call.kind {
            function.is_operator = true;
        }
        call
    }

    /// A comparison.
    pub fn comparison(op: Comparison, left: Self, right: Self) -> Self {
        ExprKind::Comparison {
            op,
            left: Box::new(left),
            right: Box::new(right),
        }
        .into()
    }

    /// `AND` over all, which is `true` over none.
    pub fn and(mut children: Vec<Self>) -> Self {
        match children.len() {
            0 => Self::boolean(true),
            1 => children.remove(0),
            _ => ExprKind::Conjunction {
                and: true,
                children,
            }
            .into(),
        }
    }

    /// `CAST(self AS ty)`, with the type as DuckDB's text.
    #[must_use]
    pub fn cast_to(self, ty: &str) -> Self {
        ExprKind::Cast {
            child: Box::new(self),
            ty: DataType::from_sql(ty),
            try_cast: false,
        }
        .into()
    }

    /// The same expression under a name.
    #[must_use]
    pub fn named(mut self, alias: impl Into<String>) -> Self {
        self.alias = alias.into();
        self
    }

    /// `*`
    pub fn star() -> Self {
        ExprKind::Star(Box::new(Star {
            relation: String::new(),
            exclude: Vec::new(),
            replace: Vec::new(),
            rename: Vec::new(),
            columns: false,
            expr: None,
        }))
        .into()
    }
}

impl From<TableRefKind> for TableRef {
    fn from(kind: TableRefKind) -> Self {
        Self {
            kind,
            alias: String::new(),
            column_aliases: Vec::new(),
            sample: None,
            location: None,
        }
    }
}

impl Select {
    /// `SELECT select_list FROM from`
    pub fn new(select_list: Vec<Expr>, from: TableRef) -> Self {
        Self {
            select_list,
            from,
            where_clause: None,
            group_by: Vec::new(),
            grouping_sets: Vec::new(),
            group_by_all: false,
            having: None,
            qualify: None,
            sample: None,
        }
    }
}

impl From<Select> for Query {
    fn from(select: Select) -> Self {
        Self {
            ctes: Vec::new(),
            body: QueryBody::Select(Box::new(select)),
            modifiers: Vec::new(),
        }
    }
}
