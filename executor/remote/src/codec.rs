//! How fragments travel in the engine's plans.
//!
//! Both ends have the same version of Skein and DuckDB, which is checked elsewhere; [`FORMAT`] changes
//! with the messages here. Schemas are Arrow IPC, which keeps what DuckDB says about its own types.
//! Times are what is left of them, since clocks of machines differ. Nothing secret is in a plan: the
//! files that it names are read with what the executor itself is allowed to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arrow::datatypes::{Schema, SchemaRef};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use datafusion::common::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::physical_plan::PhysicalExtensionCodec;
use prost::Message;
use skein_executor_api::{Column, FragmentError, FragmentErrorKind, InputSpec};

use crate::error::{internal, pack};
use crate::files::ListedFile;
use crate::fragment::{FragmentExec, Shared, SharedInput, TaskExec};

/// Version of what is below.
pub(crate) const FORMAT: u32 = 3;
/// How much the clocks of two machines may differ.
const CLOCKS_DIFFER_MAX: Duration = Duration::from_mins(5);
/// How long a plan without a deadline may be on its way.
const DELIVERY_MAX: Duration = Duration::from_mins(5);

/// Writes and reads nodes of ours.
#[derive(Debug)]
pub(crate) struct Codec;

#[derive(Clone, PartialEq, Message)]
struct NodeMessage {
    #[prost(oneof = "Node", tags = "1, 2")]
    node: Option<Node>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Node {
    #[prost(message, tag = "1")]
    Fragment(FragmentMessage),
    #[prost(message, tag = "2")]
    Task(TaskMessage),
}

#[derive(Clone, PartialEq, Message)]
struct FragmentMessage {
    #[prost(string, tag = "1")]
    run: String,
    #[prost(uint64, tag = "2")]
    statement: u64,
    #[prost(uint64, tag = "3")]
    stage: u64,
    #[prost(bytes = "vec", tag = "4")]
    schema: Vec<u8>,
    #[prost(message, repeated, tag = "5")]
    inputs: Vec<InputMessage>,
    #[prost(btree_map = "string, string", tag = "6")]
    settings: BTreeMap<String, String>,
    /// What is left of the time of the statement.
    #[prost(uint64, optional, tag = "7")]
    remaining_micros: Option<u64>,
    /// By the sender's clock: a plan that arrives later is refused.
    #[prost(uint64, tag = "8")]
    expires_unix_millis: u64,
    #[prost(uint64, optional, tag = "9")]
    bytes_max: Option<u64>,
    /// Names, and nothing of what they stand for.
    #[prost(string, repeated, tag = "10")]
    credentials: Vec<String>,
    #[prost(uint64, tag = "11")]
    joined_rows: u64,
}

#[derive(Clone, PartialEq, Message)]
struct InputMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    columns: Vec<ColumnMessage>,
    #[prost(bool, tag = "3")]
    reread: bool,
    #[prost(uint64, tag = "4")]
    rows_estimate: u64,
    #[prost(bool, tag = "5")]
    in_order: bool,
}

#[derive(Clone, PartialEq, Message)]
struct ColumnMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    ty: String,
}

#[derive(Clone, PartialEq, Message)]
struct TaskMessage {
    #[prost(uint64, tag = "1")]
    index: u64,
    #[prost(string, tag = "2")]
    sql: String,
    #[prost(message, repeated, tag = "3")]
    files: Vec<FileMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct FileMessage {
    #[prost(string, tag = "1")]
    path: String,
    #[prost(uint64, tag = "2")]
    bytes: u64,
}

impl PhysicalExtensionCodec for Codec {
    fn try_decode(
        &self,
        bytes: &[u8],
        children: &[Arc<dyn ExecutionPlan>],
        _: &TaskContext,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wrong = |what: String| pack(&internal(format!("a plan cannot be read: {what}")));
        let message = NodeMessage::decode(bytes).map_err(|error| wrong(error.to_string()))?;
        match message.node {
            Some(Node::Task(task)) => {
                let files = task.files.into_iter().map(|file| ListedFile {
                    path: file.path,
                    bytes: file.bytes,
                });
                let files = files.collect();
                Ok(Arc::new(TaskExec::new(number(task.index), task.sql, files)))
            }
            Some(Node::Fragment(fragment)) => {
                let shared = read(fragment)?;
                match children {
                    [task, inputs @ ..] if inputs.len() == shared.inputs.len() => {
                        Ok(Arc::new(FragmentExec::new(
                            Arc::new(shared),
                            Arc::clone(task),
                            inputs.to_vec(),
                            Vec::new(),
                        )))
                    }
                    _ => Err(wrong(format!(
                        "a fragment of {} inputs has {} children",
                        shared.inputs.len(),
                        children.len()
                    ))),
                }
            }
            None => Err(wrong("it is of another version".to_owned())),
        }
    }

    fn try_encode(&self, node: Arc<dyn ExecutionPlan>, bytes: &mut Vec<u8>) -> Result<()> {
        let node = if let Some(fragment) = node.downcast_ref::<FragmentExec>() {
            Node::Fragment(write(&fragment.shared)?)
        } else if let Some(task) = node.downcast_ref::<TaskExec>() {
            Node::Task(TaskMessage {
                index: task.index as u64,
                sql: task.sql.clone(),
                files: task.files.iter().map(write_file).collect(),
            })
        } else {
            return Err(pack(&internal(format!("{} does not travel", node.name()))));
        };
        let message = NodeMessage { node: Some(node) };
        message
            .encode(bytes)
            .map_err(|error| pack(&internal(format!("a plan cannot be written: {error}"))))
    }
}

fn write(shared: &Shared) -> Result<FragmentMessage> {
    let remaining = shared
        .deadline
        .map(|deadline| deadline.saturating_duration_since(Instant::now()));
    let expires = unix_time() + remaining.unwrap_or(DELIVERY_MAX);
    Ok(FragmentMessage {
        run: shared.run.clone(),
        statement: shared.statement,
        stage: shared.stage as u64,
        schema: schema_bytes(&shared.schema)?,
        inputs: shared.inputs.iter().map(write_input).collect(),
        settings: shared.settings.clone(),
        remaining_micros: remaining.map(micros),
        expires_unix_millis: micros(expires) / 1000,
        bytes_max: shared.bytes_max,
        credentials: shared.credentials.clone(),
        joined_rows: shared.joined_rows,
    })
}

fn write_file(file: &ListedFile) -> FileMessage {
    FileMessage {
        path: file.path.clone(),
        bytes: file.bytes,
    }
}

fn write_input(input: &SharedInput) -> InputMessage {
    let columns = input.spec.columns.iter().map(|column| ColumnMessage {
        name: column.name.clone(),
        ty: column.ty.clone(),
    });
    InputMessage {
        name: input.spec.name.clone(),
        columns: columns.collect(),
        reread: input.spec.reread,
        rows_estimate: input.spec.rows_estimate,
        in_order: input.in_order,
    }
}

fn read(message: FragmentMessage) -> Result<Shared> {
    let expires = Duration::from_millis(message.expires_unix_millis) + CLOCKS_DIFFER_MAX;
    if unix_time() > expires {
        return Err(pack(&FragmentError {
            kind: FragmentErrorKind::Timeout,
            message: "a fragment arrived after its time".to_owned(),
            position: None,
        }));
    }
    let remaining = message.remaining_micros.map(Duration::from_micros);
    Ok(Shared {
        run: message.run,
        statement: message.statement,
        stage: number(message.stage),
        schema: schema_of(&message.schema)?,
        inputs: message.inputs.into_iter().map(read_input).collect(),
        settings: message.settings,
        deadline: remaining.map(|remaining| Instant::now() + remaining),
        bytes_max: message.bytes_max,
        credentials: message.credentials,
        joined_rows: message.joined_rows,
    })
}

fn read_input(message: InputMessage) -> SharedInput {
    let columns = message.columns.into_iter().map(|column| Column {
        name: column.name,
        ty: column.ty,
    });
    SharedInput {
        spec: InputSpec {
            name: message.name,
            columns: columns.collect(),
            reread: message.reread,
            rows_estimate: message.rows_estimate,
        },
        in_order: message.in_order,
    }
}

fn schema_bytes(schema: &Schema) -> Result<Vec<u8>> {
    let mut writer = StreamWriter::try_new(Vec::new(), schema)?;
    writer.finish()?;
    Ok(writer.into_inner()?)
}

fn schema_of(bytes: &[u8]) -> Result<SchemaRef> {
    Ok(StreamReader::try_new(bytes, None)?.schema())
}

fn number(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn unix_time() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, TimeUnit};

    use super::*;

    fn shared() -> Shared {
        let opaque = Field::new("h", DataType::FixedSizeBinary(16), true)
            .with_metadata([("ARROW:extension:name".to_owned(), "arrow.opaque".to_owned())].into());
        let moment = DataType::Timestamp(TimeUnit::Microsecond, Some("Europe/Paris".into()));
        let words = DataType::Dictionary(Box::new(DataType::UInt8), Box::new(DataType::Utf8));
        Shared {
            run: "r".to_owned(),
            statement: 7,
            stage: 2,
            schema: Arc::new(Schema::new(vec![
                opaque,
                Field::new("t", moment, true),
                Field::new("e", words, true),
            ])),
            inputs: vec![SharedInput {
                spec: InputSpec {
                    name: "__s0".to_owned(),
                    columns: vec![Column {
                        name: "a".to_owned(),
                        ty: "DECIMAL(15,2)".to_owned(),
                    }],
                    reread: true,
                    rows_estimate: 12,
                },
                in_order: true,
            }],
            settings: [("TimeZone".to_owned(), "Europe/Paris".to_owned())].into(),
            deadline: None,
            bytes_max: Some(5),
            credentials: vec!["archive".to_owned()],
            joined_rows: 40_000_000,
        }
    }

    fn through(node: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        let mut bytes = Vec::new();
        let children: Vec<_> = node.children().into_iter().map(Arc::clone).collect();
        Codec.try_encode(node, &mut bytes).expect("it travels");
        let decoded = Codec.try_decode(&bytes, &children, &TaskContext::default());
        decoded.expect("it arrives")
    }

    #[test]
    fn a_fragment_arrives_as_it_left() {
        let task: Arc<dyn ExecutionPlan> = Arc::new(TaskExec::new(
            3,
            "SELECT é".to_owned(),
            vec![ListedFile {
                path: "/data/é.csv".to_owned(),
                bytes: 7,
            }],
        ));
        let task = through(task);
        let arrived = task.downcast_ref::<TaskExec>().expect("a task");
        assert_eq!((arrived.index, arrived.sql.as_str()), (3, "SELECT é"));
        assert_eq!(arrived.files[0].path, "/data/é.csv");
        assert_eq!(arrived.files[0].bytes, 7);
        let input = Arc::clone(&task);
        let fragment = FragmentExec::new(Arc::new(shared()), task, vec![input], Vec::new());
        let fragment = through(Arc::new(fragment));
        let arrived = fragment.downcast_ref::<FragmentExec>().expect("a fragment");
        assert_eq!(*arrived.shared, shared());
        let metadata = arrived.shared.schema.field(0).metadata();
        assert_eq!(metadata["ARROW:extension:name"], "arrow.opaque");
    }

    #[test]
    fn a_deadline_arrives_as_what_is_left() {
        let mut sent = shared();
        sent.deadline = Some(Instant::now() + Duration::from_mins(1));
        let message = write(&sent).expect("it travels");
        let arrived = read(message.clone()).expect("it arrives").deadline;
        let left = arrived.expect("a deadline") - Instant::now();
        assert!(left <= Duration::from_mins(1) && left > Duration::from_secs(50));
        let mut late = message;
        late.expires_unix_millis -= 1000 * 60 * 60;
        let error = read(late).expect_err("it is too late");
        assert_eq!(
            crate::error::unpack(&error).kind,
            FragmentErrorKind::Timeout
        );
    }

    #[test]
    fn what_is_no_plan_is_an_error() {
        for bytes in [&b"\xff\xff"[..], b""] {
            let decoded = Codec.try_decode(bytes, &[], &TaskContext::default());
            assert!(decoded.is_err());
        }
    }
}
