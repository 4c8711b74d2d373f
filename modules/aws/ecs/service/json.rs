//! A structure of the SDK's as the JSON that boto3 would return: AWS's own names, times as text.
//!
//! The SDK describes its structures at run time, so nothing is listed here that could be left out.

use aws_smithy_schema::Schema;
use aws_smithy_schema::serde::{SerdeError, SerializableStruct, ShapeSerializer};
use aws_smithy_types::{BigDecimal, BigInteger, Blob, DateTime, Document};
use rplay_aws::timestamp;
use serde_json::{Map, Value};

use super::hook::data;

/// Returns the structure with all that is set in it.
pub(crate) fn json(structure: &dyn SerializableStruct) -> Value {
    let mut writer = Writer::default();
    // Nothing that is written here can fail.
    structure.serialize_members(&mut writer).ok();
    writer.object()
}

/// Keeps what is written, each value with the name of its member.
#[derive(Default)]
struct Writer(Vec<(String, Value)>);

type Written = Result<(), SerdeError>;

impl Writer {
    #[expect(clippy::unnecessary_wraps, reason = "every caller returns it")]
    fn put(&mut self, schema: &Schema<'_>, value: impl Into<Value>) -> Written {
        self.0.push((schema.member_name().unwrap_or_default().to_owned(), value.into()));
        Ok(())
    }

    fn object(self) -> Value {
        Value::Object(self.0.into_iter().collect::<Map<_, _>>())
    }

    fn inside(write: &dyn Fn(&mut dyn ShapeSerializer) -> Written) -> Result<Vec<Value>, SerdeError> {
        let mut inner = Self::default();
        write(&mut inner)?;
        Ok(inner.0.into_iter().map(|(_, value)| value).collect())
    }
}

impl ShapeSerializer for Writer {
    fn write_struct(&mut self, schema: &Schema<'_>, value: &dyn SerializableStruct) -> Written {
        let mut inner = Self::default();
        value.serialize_members(&mut inner)?;
        self.put(schema, inner.object())
    }

    fn write_list(
        &mut self,
        schema: &Schema<'_>,
        write: &dyn Fn(&mut dyn ShapeSerializer) -> Written,
    ) -> Written {
        let items = Self::inside(write)?;
        self.put(schema, Value::Array(items))
    }

    /// Keys and values are written in turn.
    fn write_map(
        &mut self,
        schema: &Schema<'_>,
        write: &dyn Fn(&mut dyn ShapeSerializer) -> Written,
    ) -> Written {
        let mut items = Self::inside(write)?.into_iter();
        let mut map = Map::new();
        while let (Some(Value::String(key)), Some(value)) = (items.next(), items.next()) {
            map.insert(key, value);
        }
        self.put(schema, Value::Object(map))
    }

    fn write_boolean(&mut self, schema: &Schema<'_>, value: bool) -> Written {
        self.put(schema, value)
    }

    fn write_byte(&mut self, schema: &Schema<'_>, value: i8) -> Written {
        self.put(schema, value)
    }

    fn write_short(&mut self, schema: &Schema<'_>, value: i16) -> Written {
        self.put(schema, value)
    }

    fn write_integer(&mut self, schema: &Schema<'_>, value: i32) -> Written {
        self.put(schema, value)
    }

    fn write_long(&mut self, schema: &Schema<'_>, value: i64) -> Written {
        self.put(schema, value)
    }

    fn write_float(&mut self, schema: &Schema<'_>, value: f32) -> Written {
        self.put(schema, value)
    }

    fn write_double(&mut self, schema: &Schema<'_>, value: f64) -> Written {
        self.put(schema, value)
    }

    fn write_big_integer(&mut self, schema: &Schema<'_>, value: &BigInteger) -> Written {
        self.put(schema, value.as_ref())
    }

    fn write_big_decimal(&mut self, schema: &Schema<'_>, value: &BigDecimal) -> Written {
        self.put(schema, value.as_ref())
    }

    fn write_string(&mut self, schema: &Schema<'_>, value: &str) -> Written {
        self.put(schema, value)
    }

    /// ECS has none.
    fn write_blob(&mut self, _: &Schema<'_>, _: Blob) -> Written {
        Ok(())
    }

    fn write_timestamp(&mut self, schema: &Schema<'_>, value: &DateTime) -> Written {
        self.put(schema, timestamp(value))
    }

    fn write_document(&mut self, schema: &Schema<'_>, value: &Document) -> Written {
        self.put(schema, data(value))
    }

    fn write_null(&mut self, schema: &Schema<'_>) -> Written {
        self.put(schema, Value::Null)
    }
}
