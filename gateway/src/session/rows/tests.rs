//! Paging through results made in memory.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use arrow::array::{ArrayRef, Int64Array};
use futures::stream;
use tokio::io::AsyncWrite;

use super::*;
use crate::pgwire::cancel::CancelRegistry;

/// A socket that keeps what it is given.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl AsyncWrite for Kept {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

struct Client {
    kept: Kept,
    writer: Writer,
    guard: Guard,
}

fn client() -> Client {
    let kept = Kept::default();
    let writer = Writer::new(Box::new(kept.clone()), None);
    let guard = Guard::new(&CancelRegistry::default().register(0).handle, None);
    Client {
        kept,
        writer,
        guard,
    }
}

impl Client {
    /// The values of the rows received since the last call.
    async fn values(&mut self) -> Vec<Vec<u8>> {
        self.writer.flush().await.expect("keeps everything");
        let bytes = std::mem::take(&mut *self.kept.0.lock().expect("no panic"));
        let mut rest = bytes.as_slice();
        let mut values = Vec::new();
        while !rest.is_empty() {
            let length = u32::from_be_bytes([rest[1], rest[2], rest[3], rest[4]]) as usize;
            // Tag, length, number of columns, length of the value, value.
            values.push(rest[11..=length].to_vec());
            rest = &rest[length + 1..];
        }
        values
    }
}

fn numbers(batches: i64, rows: i64, formats: &[Format]) -> ResultRows {
    let columns = [Column {
        name: "v".into(),
        ty: "BIGINT".into(),
    }];
    let batches = (0..batches).map(move |batch| {
        let values: Int64Array = (batch * rows..(batch + 1) * rows).collect();
        let column: ArrayRef = Arc::new(values);
        Ok(RecordBatch::try_from_iter([("v", column)]).expect("one column"))
    });
    let stream = Box::pin(stream::iter(batches.collect::<Vec<_>>()));
    ResultRows::new(stream, &columns, formats, &EncodeSettings::default()).expect("a known type")
}

fn text(values: std::ops::Range<i64>) -> Vec<Vec<u8>> {
    values.map(|value| value.to_string().into_bytes()).collect()
}

#[tokio::test]
async fn pages_of_any_size_give_every_row_once() {
    for page in [1, 2, 7, 100, 255, 256, 257, 5000] {
        let mut client = client();
        let mut rows = numbers(3, 700, &[Format::Text]);
        let mut all = Vec::new();
        loop {
            let sent = rows
                .send(&mut client.writer, Some(page), &mut client.guard)
                .await;
            let values = client.values().await;
            all.extend(values.clone());
            match sent.expect("no failure") {
                Sent::Limit(count) => assert_eq!((count, values.len() as u64), (page, page)),
                Sent::All(count) => {
                    assert_eq!(count, values.len() as u64);
                    break;
                }
            }
        }
        assert_eq!(all, text(0..2100), "pages of {page}");
    }
}

#[tokio::test]
async fn a_cursor_may_change_its_format_and_pass_over_rows() {
    let mut client = client();
    let mut rows = numbers(2, 1000, &[Format::Text]);
    let settings = EncodeSettings::default();
    rows.send(&mut client.writer, Some(3), &mut client.guard)
        .await
        .expect("rows");
    assert_eq!(client.values().await, text(0..3));
    rows.set_formats(&[Format::Binary], &settings)
        .expect("a known type");
    rows.send(&mut client.writer, Some(2), &mut client.guard)
        .await
        .expect("rows");
    assert_eq!(
        client.values().await,
        [3_i64.to_be_bytes(), 4_i64.to_be_bytes()]
    );
    let passed = rows
        .skip(Some(1000), &mut client.guard)
        .await
        .expect("rows");
    assert_eq!(passed, Sent::Limit(1000));
    rows.set_formats(&[Format::Text], &settings)
        .expect("a known type");
    rows.send(&mut client.writer, Some(2), &mut client.guard)
        .await
        .expect("rows");
    assert_eq!(client.values().await, text(1005..1007));
    assert_eq!(
        rows.skip(None, &mut client.guard).await.expect("rows"),
        Sent::All(993)
    );
    assert_eq!(
        rows.skip(None, &mut client.guard).await.expect("rows"),
        Sent::All(0)
    );
}

#[tokio::test]
async fn rows_that_come_slowly_are_sent_as_they_come() {
    let columns = [Column {
        name: "v".into(),
        ty: "BIGINT".into(),
    }];
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let stream = stream::unfold(receiver, |mut receiver| async move {
        let number: i64 = receiver.recv().await?;
        let column: ArrayRef = Arc::new(Int64Array::from(vec![number]));
        let batch = RecordBatch::try_from_iter([("v", column)]).expect("one column");
        Some((Ok(batch), receiver))
    });
    let settings = EncodeSettings::default();
    let rows = ResultRows::new(Box::pin(stream), &columns, &[Format::Text], &settings);
    let mut rows = rows.expect("a known type");
    let Client {
        kept,
        mut writer,
        mut guard,
    } = client();
    let given = async move {
        for number in 0..3 {
            let before = kept.0.lock().expect("no panic").len();
            sender.send(number).await.expect("somebody reads");
            let seen = async {
                while kept.0.lock().expect("no panic").len() == before {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            let seen = tokio::time::timeout(Duration::from_secs(30), seen).await;
            seen.expect("the row leaves although there may be more");
        }
    };
    let (sent, ()) = tokio::join!(rows.send(&mut writer, None, &mut guard), given);
    assert_eq!(sent.expect("no failure"), Sent::All(3));
}
