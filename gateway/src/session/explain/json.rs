//! `EXPLAIN (FORMAT JSON)`: the stages of a plan in the shape that tools for PostgreSQL's plans draw.
//!
//! A stage is a node, those whose rows it reads are its `Plans`. Keys that PostgreSQL has too mean the same;
//! `SQL`, `Files` and `Fragments` are Skein's own.

use serde_json::{Map, Value, json};
use skein_planner::explain::Node;

use super::{Costs, Ran};

/// The one row of the result.
pub(super) fn document(root: &Node, costs: Option<Costs>, ran: Option<Ran>) -> String {
    let mut plan = node(root);
    if let Some(costs) = costs {
        let total = format!("{}.{:02}", costs.hundredths / 100, costs.hundredths % 100);
        let total: f64 = total.parse().unwrap_or(f64::MAX);
        plan.insert("Startup Cost".to_owned(), json!(0.0));
        plan.insert("Total Cost".to_owned(), json!(total));
        plan.insert("Plan Rows".to_owned(), json!(costs.rows));
        plan.insert("Plan Width".to_owned(), json!(costs.width));
    }
    let mut whole = Map::new();
    if let Some(ran) = ran {
        let time = ran.elapsed.as_secs_f64() * 1000.0;
        plan.insert("Actual Startup Time".to_owned(), json!(0.0));
        plan.insert("Actual Total Time".to_owned(), json!(time));
        plan.insert("Actual Rows".to_owned(), json!(ran.rows));
        plan.insert("Actual Loops".to_owned(), json!(1));
        whole.insert("Execution Time".to_owned(), json!(time));
    }
    whole.insert("Plan".to_owned(), Value::Object(plan));
    format!("{:#}", json!([whole]))
}

fn node(node: &Node) -> Map<String, Value> {
    let (kind, input) = match node.label.split_once(' ') {
        Some((kind, input)) => (kind, Some(input)),
        None => (node.label.as_str(), None),
    };
    let mut shown = Map::new();
    let mut put = |key: &str, value: Value| shown.insert(key.to_owned(), value);
    put("Node Type", json!(capital(kind)));
    put("Parallel Aware", json!(false));
    put("Async Capable", json!(false));
    if let Some(input) = input {
        put("Parent Relationship", json!("Outer"));
        put("Alias", json!(input));
    }
    if let [relation] = node.relations.as_slice() {
        put("Relation Name", json!(relation));
    }
    put("SQL", json!(node.sql));
    if node.files > 0 {
        put("Files", json!(node.files));
    }
    if !node.fragments.is_empty() {
        let fragments = node.fragments.iter().map(|fragment| {
            json!({"Executor": fragment.executor, "Files": fragment.files.len(), "Measured": fragment.measured})
        });
        put("Fragments", fragments.collect());
    }
    if !node.inputs.is_empty() {
        let inputs = node.inputs.iter().map(self::node).map(Value::Object);
        put("Plans", inputs.collect());
    }
    shown
}

/// `gather` is `Gather`, as PostgreSQL calls it.
fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
