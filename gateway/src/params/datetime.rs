//! Dates, times and intervals in the spellings that PostgreSQL reads and DuckDB does not: those of
//! constants in statements, see [`skein_planner::postgres::spelling`].
//!
//! What is not recognised there is left as it is: DuckDB's cast says what is wrong.

use skein_catalog::types::{PgType, oid};
use skein_planner::postgres::spelling::FieldOrder;
use skein_planner::postgres::spelling::interval::{self, Unit};
use skein_planner::postgres::spelling::moment::{self, Kind, Moment};

use super::Value;
use crate::encode::DateOrder;

pub(super) fn value(ty: &PgType, text: &str, order: DateOrder) -> Value {
    let order = match order {
        DateOrder::Mdy => FieldOrder::Mdy,
        DateOrder::Dmy => FieldOrder::Dmy,
        DateOrder::Ymd => FieldOrder::Ymd,
    };
    let kind = match ty.oid {
        oid::INTERVAL => {
            let span = interval::read(text, Unit::Second, false);
            return Value::Text(span.map_or_else(|_| text.to_owned(), |span| span.text()));
        }
        oid::DATE => Kind::Date,
        oid::TIME => Kind::Time,
        oid::TIMETZ => Kind::TimeTz,
        oid::TIMESTAMP => Kind::Timestamp,
        _ => Kind::TimestampTz,
    };
    match moment::read(kind, text, order) {
        Ok(Moment::Text(text)) => Value::Text(text),
        Ok(Moment::Now) if kind == Kind::Time => Value::Sql("localtime".to_owned()),
        Ok(Moment::Now) => Value::Sql("now()".to_owned()),
        Ok(Moment::Day { after, time }) => {
            let day = match after {
                0 => "current_date".to_owned(),
                after => format!("current_date + {after}"),
            };
            Value::Sql(match time {
                // The time is digits and the name of a zone: nothing that ends the text.
                Some(time) => format!("CAST({day} AS VARCHAR) || ' {}'", time.replace('\'', "''")),
                None => day,
            })
        }
        Err(_) => Value::Text(text.to_owned()),
    }
}
