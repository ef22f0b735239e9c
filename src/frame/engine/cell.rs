//! A cell of an Arrow array as a JSON value.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use polars_arrow::{
    array::{
        Array, BinaryArray, BinaryViewArray, BooleanArray, DictionaryArray, DictionaryKey,
        FixedSizeBinaryArray, FixedSizeListArray, ListArray, MapArray, PrimitiveArray, StructArray,
        Utf8Array, Utf8ViewArray,
    },
    datatypes::{ArrowDataType, IntegerType, IntervalUnit, TimeUnit},
    types::{NativeType, days_ms, i256, months_days_ns},
};
use serde_json::{Map, Number, Value};

/// Why a cell has no value.
pub(super) type CellError = &'static str;

/// Whether cells of this type can be read.
pub(super) fn is_readable(dtype: &ArrowDataType) -> bool {
    use ArrowDataType as T;
    match dtype.to_storage() {
        T::Unknown | T::Union(_) | T::Float16 | T::UInt128 => false,
        T::List(field) | T::LargeList(field) | T::FixedSizeList(field, _) | T::Map(field, _) => {
            is_readable(field.dtype())
        }
        T::Struct(fields) => fields.iter().all(|field| is_readable(field.dtype())),
        T::Dictionary(key, values, _) => {
            !matches!(key, IntegerType::Int128 | IntegerType::UInt128) && is_readable(values)
        }
        _ => true,
    }
}

/// The cell at `index`, which is within the array.
///
/// Numbers, truth values and text are themselves, numbers that are not finite are null; dates and
/// times are ISO 8601 text (instants in UTC), decimals are text with all their digits, binary is
/// base64 text, lists are arrays, structs are objects, maps are arrays of their entries.
pub(super) fn value(array: &dyn Array, index: usize) -> Result<Value, CellError> {
    use ArrowDataType as T;
    if array.is_null(index) {
        return Ok(Value::Null);
    }
    Ok(match array.dtype().to_storage() {
        T::Null => Value::Null,
        T::Boolean => Value::Bool(cast::<BooleanArray>(array)?.value(index)),
        T::Int8 => at::<i8>(array, index)?.into(),
        T::Int16 => at::<i16>(array, index)?.into(),
        T::Int32 => at::<i32>(array, index)?.into(),
        T::Int64 => at::<i64>(array, index)?.into(),
        T::UInt8 => at::<u8>(array, index)?.into(),
        T::UInt16 => at::<u16>(array, index)?.into(),
        T::UInt32 => at::<u32>(array, index)?.into(),
        T::UInt64 => at::<u64>(array, index)?.into(),
        T::Int128 => at::<i128>(array, index)?.to_string().into(),
        T::Float32 => float(shortest(at::<f32>(array, index)?)),
        T::Float64 => float(at::<f64>(array, index)?),
        T::Utf8 => cast::<Utf8Array<i32>>(array)?.value(index).into(),
        T::LargeUtf8 => cast::<Utf8Array<i64>>(array)?.value(index).into(),
        T::Utf8View => cast::<Utf8ViewArray>(array)?.value(index).into(),
        T::Binary => base64(cast::<BinaryArray<i32>>(array)?.value(index)),
        T::LargeBinary => base64(cast::<BinaryArray<i64>>(array)?.value(index)),
        T::BinaryView => base64(cast::<BinaryViewArray>(array)?.value(index)),
        T::FixedSizeBinary(_) => base64(cast::<FixedSizeBinaryArray>(array)?.value(index)),
        T::List(_) => list(cast::<ListArray<i32>>(array)?.value(index).as_ref())?,
        T::LargeList(_) => list(cast::<ListArray<i64>>(array)?.value(index).as_ref())?,
        T::FixedSizeList(..) => list(cast::<FixedSizeListArray>(array)?.value(index).as_ref())?,
        T::Map(..) => list(cast::<MapArray>(array)?.value(index).as_ref())?,
        T::Struct(_) => object(cast::<StructArray>(array)?, index)?,
        T::Dictionary(key, ..) => dictionary(array, *key, index)?,
        T::Decimal(_, scale) => decimal(&at::<i128>(array, index)?.to_string(), *scale),
        T::Decimal32(_, scale) => decimal(&at::<i32>(array, index)?.to_string(), *scale),
        T::Decimal64(_, scale) => decimal(&at::<i64>(array, index)?.to_string(), *scale),
        T::Decimal256(_, scale) => decimal(&at::<i256>(array, index)?.0.to_string(), *scale),
        _ => temporal(array, index)?,
    })
}

/// Dates, times, instants and spans.
fn temporal(array: &dyn Array, index: usize) -> Result<Value, CellError> {
    use ArrowDataType as T;
    let text = match array.dtype().to_storage() {
        T::Date32 => date(at::<i32>(array, index)?.into()),
        T::Date64 => {
            let ms = at::<i64>(array, index)?;
            if ms % 86_400_000 == 0 {
                date(ms / 86_400_000)
            } else {
                instant(ms, TimeUnit::Millisecond).map(|at| moment(&at))
            }
        }
        T::Time32(unit) => time(at::<i32>(array, index)?.into(), *unit),
        T::Time64(unit) => time(at::<i64>(array, index)?, *unit),
        T::Timestamp(unit, zone) => instant(at::<i64>(array, index)?, *unit)
            .map(|at| moment(&at) + if zone.is_some() { "Z" } else { "" }),
        T::Duration(unit) => Some(span(0, 0, nanos(at::<i64>(array, index)?, *unit))),
        T::Interval(IntervalUnit::YearMonth) => Some(span(at::<i32>(array, index)?.into(), 0, 0)),
        T::Interval(IntervalUnit::DayTime) => {
            let days_ms(days, ms) = at::<days_ms>(array, index)?;
            Some(span(0, days.into(), i128::from(ms) * 1_000_000))
        }
        T::Interval(IntervalUnit::MonthDayNano) => {
            let months_days_ns(months, days, ns) = at::<months_days_ns>(array, index)?;
            Some(span(months.into(), days.into(), ns.into()))
        }
        _ => return Err("a value of a type that cannot be read"),
    };
    text.map(Value::String).ok_or("a date or time beyond the calendar")
}

fn cast<A: 'static>(array: &dyn Array) -> Result<&A, CellError> {
    array.as_any().downcast_ref().ok_or("an array that is not of its column's type")
}

fn at<T: NativeType>(array: &dyn Array, index: usize) -> Result<T, CellError> {
    Ok(cast::<PrimitiveArray<T>>(array)?.value(index))
}

fn float(number: f64) -> Value {
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// The double with the digits that the single is written with: 0.1 stays 0.1.
fn shortest(single: f32) -> f64 {
    single.to_string().parse().unwrap_or_else(|_| f64::from(single))
}

fn base64(bytes: &[u8]) -> Value {
    Value::String(STANDARD.encode(bytes))
}

fn list(items: &dyn Array) -> Result<Value, CellError> {
    (0..items.len()).map(|index| value(items, index)).collect::<Result<_, _>>().map(Value::Array)
}

fn object(array: &StructArray, index: usize) -> Result<Value, CellError> {
    let mut made = Map::new();
    for (field, values) in array.fields().iter().zip(array.values()) {
        made.insert(field.name.to_string(), value(values.as_ref(), index)?);
    }
    Ok(Value::Object(made))
}

fn dictionary(array: &dyn Array, key: IntegerType, index: usize) -> Result<Value, CellError> {
    fn look_up<K: DictionaryKey>(array: &dyn Array, index: usize) -> Result<Value, CellError> {
        let array = cast::<DictionaryArray<K>>(array)?;
        let key: usize =
            array.keys().value(index).try_into().map_err(|_| "a dictionary key below zero")?;
        if key >= array.values().len() {
            return Err("a dictionary key without a value");
        }
        value(array.values().as_ref(), key)
    }
    match key {
        IntegerType::Int8 => look_up::<i8>(array, index),
        IntegerType::Int16 => look_up::<i16>(array, index),
        IntegerType::Int32 => look_up::<i32>(array, index),
        IntegerType::Int64 => look_up::<i64>(array, index),
        IntegerType::UInt8 => look_up::<u8>(array, index),
        IntegerType::UInt16 => look_up::<u16>(array, index),
        IntegerType::UInt32 => look_up::<u32>(array, index),
        IntegerType::UInt64 => look_up::<u64>(array, index),
        _ => Err("a dictionary with keys that cannot be read"),
    }
}

/// The number whose digits are `digits`, the last `scale` of them behind the point.
fn decimal(digits: &str, scale: usize) -> Value {
    if scale == 0 {
        return digits.into();
    }
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    format!("{sign}{whole}.{fraction}").into()
}

fn date(days: i64) -> Option<String> {
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1)?;
    let day = epoch.checked_add_signed(chrono::TimeDelta::try_days(days)?)?;
    Some(day.to_string())
}

fn time(count: i64, unit: TimeUnit) -> Option<String> {
    let nanos = u64::try_from(nanos(count, unit)).ok()?;
    let seconds = u32::try_from(nanos / 1_000_000_000).ok()?;
    let at = NaiveTime::from_num_seconds_from_midnight_opt(
        seconds,
        u32::try_from(nanos % 1_000_000_000).ok()?,
    )?;
    Some(at.format("%H:%M:%S%.f").to_string())
}

fn instant(count: i64, unit: TimeUnit) -> Option<NaiveDateTime> {
    let nanos = nanos(count, unit);
    let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?;
    let rest = u32::try_from(nanos.rem_euclid(1_000_000_000)).ok()?;
    DateTime::from_timestamp(seconds, rest).map(|at| at.naive_utc())
}

fn moment(at: &NaiveDateTime) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.f").to_string()
}

fn nanos(count: i64, unit: TimeUnit) -> i128 {
    let each = match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    };
    i128::from(count) * each
}

/// An ISO 8601 span, such as `P1M2DT0.5S`.
fn span(months: i64, days: i64, nanos: i128) -> String {
    let mut text = String::from("P");
    for (count, letter) in [(months, 'M'), (days, 'D')] {
        if count != 0 {
            write!(text, "{count}{letter}").ok();
        }
    }
    if nanos != 0 || text.len() == 1 {
        let sign = if nanos < 0 { "-" } else { "" };
        let nanos = nanos.unsigned_abs();
        let fraction = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
        write!(text, "T{sign}{}S", fraction.trim_end_matches('0').trim_end_matches('.')).ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_every_digit() {
        assert_eq!(decimal("1250", 2), "12.50");
        assert_eq!(decimal("-5", 3), "-0.005");
        assert_eq!(decimal("7", 0), "7");
    }

    #[test]
    fn times_are_iso_8601() {
        assert_eq!(date(19_723), Some("2024-01-01".to_owned()));
        assert_eq!(time(3_661_500, TimeUnit::Millisecond), Some("01:01:01.500".to_owned()));
        let shown = instant(-1, TimeUnit::Second).map(|at| moment(&at));
        assert_eq!(shown, Some("1969-12-31T23:59:59".to_owned()));
        assert_eq!(span(1, 2, 500_000_000), "P1M2DT0.5S");
        assert_eq!(span(0, 0, -90_000_000_000), "PT-90S");
        assert_eq!(span(0, 0, 0), "PT0S");
        assert_eq!(date(i64::MAX), None);
    }

    #[test]
    fn singles_keep_their_digits() {
        assert_eq!(float(shortest(0.1)), serde_json::json!(0.1));
        assert_eq!(float(f64::NAN), Value::Null);
    }
}
