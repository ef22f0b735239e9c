//! Polars SQL expressions that keep or drop rows.
//!
//! An expression is evaluated over batches of rows of a stream, so only expressions whose result
//! for a row depends on that row alone are taken: an average or a running sum would differ with
//! the size of the batch.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Timelike as _};
use polars::{
    prelude::{
        AggExpr, Column, DataFrame, DataType, Expr, IntoLazy as _, NamedFrom as _, PolarsResult,
        Series, TimeUnit, lit,
    },
    sql::sql_expr,
};
use serde_json::{Map, Value};

use super::guarded;
use crate::frame::filter::{FilterError, Kind};

/// An expression, and the types of the columns that it mentions.
#[derive(Debug, Clone)]
pub struct Filter {
    text: String,
    expr: Expr,
    columns: Vec<String>,
    kinds: Vec<Kind>,
}

impl Filter {
    /// Reads a Polars SQL expression. Its columns are text until [`Self::with_kinds`] says more.
    ///
    /// # Errors
    ///
    /// Bad syntax, or an expression that needs more than one row.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let expr = guarded(|| sql_expr(text).map_err(|error| error.to_string()))
            .and_then(|parsed| parsed)
            .map_err(|problem| FilterError::Syntax { expression: text.to_owned(), problem })?;
        if let Some(what) = expr.into_iter().find_map(beyond_a_row) {
            return Err(FilterError::NotRowwise { expression: text.to_owned(), what });
        }
        let mut columns: Vec<String> = Vec::new();
        for name in expr.clone().meta().root_names() {
            if !columns.iter().any(|known| *known == *name) {
                columns.push(name.to_string());
            }
        }
        let kinds = vec![Kind::Text; columns.len()];
        Ok(Self { text: text.to_owned(), expr, columns, kinds })
    }

    /// The columns that the expression mentions, each once.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Sets the types of [`Self::columns`], in their order.
    ///
    /// # Errors
    ///
    /// An expression that cannot be evaluated on these types or is not true or false.
    pub fn with_kinds(mut self, kinds: Vec<Kind>) -> Result<Self, FilterError> {
        self.kinds = kinds;
        self.kinds.resize(self.columns.len(), Kind::Text);
        let kind_of = |name: &str| {
            let place = self.columns.iter().position(|column| column == name)?;
            self.kinds.get(place).copied()
        };
        self.expr = converted(&self.expr, &kind_of);
        // One row without values tells the type of the result before any row is read.
        self.keep(&[&Map::new()])?;
        Ok(self)
    }

    /// For each row whether the expression is true of it; an absent column is null, and null is
    /// not true.
    ///
    /// # Errors
    ///
    /// An expression that cannot be evaluated on these rows.
    pub fn keep(&self, rows: &[&Map<String, Value>]) -> Result<Vec<bool>, FilterError> {
        let problem = |problem| FilterError::Evaluate { expression: self.text.clone(), problem };
        let result = guarded(|| self.evaluate(rows).map_err(|error| error.to_string()))
            .and_then(|evaluated| evaluated)
            .map_err(|text| problem(text.lines().next().unwrap_or_default().to_owned()))?;
        if *result.dtype() == DataType::Null {
            return Ok(vec![false; rows.len()]);
        }
        let Ok(truth) = result.bool() else {
            let dtype = result.dtype().to_string();
            return Err(FilterError::NotBoolean { expression: self.text.clone(), dtype });
        };
        match truth.len() {
            length if length == rows.len() => {
                Ok(truth.iter().map(|kept| kept == Some(true)).collect())
            }
            // An expression without columns is one value for all rows.
            1 => Ok(vec![truth.get(0) == Some(true); rows.len()]),
            length => Err(problem(format!("{length} results for {} rows", rows.len()))),
        }
    }

    fn evaluate(&self, rows: &[&Map<String, Value>]) -> PolarsResult<Column> {
        let mut columns = Vec::with_capacity(self.columns.len());
        for (name, kind) in self.columns.iter().zip(&self.kinds) {
            let cells = rows.iter().map(|row| row.get(name));
            columns.push(Column::from(series(name, *kind, cells)?));
        }
        let frame = DataFrame::new(rows.len(), columns)?;
        let result = frame.lazy().select([self.expr.clone().alias("kept")]).collect()?;
        result.column("kept").cloned()
    }
}

/// A Polars series of the cells of one column.
fn series<'a>(
    name: &str,
    kind: Kind,
    cells: impl Iterator<Item = Option<&'a Value>>,
) -> PolarsResult<Series> {
    let name = name.into();
    match kind {
        Kind::Bool => {
            let cells: Vec<Option<bool>> = cells
                .map(|cell| match cell? {
                    Value::Bool(truth) => Some(*truth),
                    Value::String(text) => text.parse().ok(),
                    _ => None,
                })
                .collect();
            Ok(Series::new(name, cells))
        }
        Kind::Int => {
            let cells: Vec<Option<i64>> = cells
                .map(|cell| match cell? {
                    Value::Number(number) => number.as_i64(),
                    Value::String(text) => text.parse().ok(),
                    _ => None,
                })
                .collect();
            Ok(Series::new(name, cells))
        }
        Kind::Float => {
            let cells: Vec<Option<f64>> = cells
                .map(|cell| match cell? {
                    Value::Number(number) => number.as_f64(),
                    Value::String(text) => text.parse().ok(),
                    _ => None,
                })
                .collect();
            Ok(Series::new(name, cells))
        }
        Kind::Text => {
            let cells: Vec<Option<String>> = cells
                .map(|cell| match cell? {
                    Value::Null => None,
                    Value::String(text) => Some(text.clone()),
                    other => Some(other.to_string()),
                })
                .collect();
            Ok(Series::new(name, cells))
        }
        Kind::Date => {
            let cells: Vec<Option<i32>> = cells.map(|cell| days(cell?.as_str()?)).collect();
            Series::new(name, cells).cast(&DataType::Date)
        }
        Kind::Datetime => {
            let cells: Vec<Option<i64>> = cells.map(|cell| micros(cell?.as_str()?)).collect();
            Series::new(name, cells).cast(&DataType::Datetime(TimeUnit::Microseconds, None))
        }
        Kind::Time => {
            let cells: Vec<Option<i64>> = cells.map(|cell| nanos(cell?.as_str()?)).collect();
            Series::new(name, cells).cast(&DataType::Time)
        }
    }
}

/// Days since 1970.
fn days(text: &str) -> Option<i32> {
    let day = text.parse::<NaiveDate>().ok()?;
    i32::try_from(day.signed_duration_since(NaiveDate::default()).num_days()).ok()
}

/// Microseconds since 1970; a day alone is its midnight, a space is as good as a `T`.
fn micros(text: &str) -> Option<i64> {
    let text = text.trim_end_matches('Z').replacen(' ', "T", 1);
    let midnight = || text.parse::<NaiveDate>().ok().map(|day| day.and_time(NaiveTime::MIN));
    let moment = text.parse::<NaiveDateTime>().ok().or_else(midnight)?;
    Some(moment.and_utc().timestamp_micros())
}

/// Nanoseconds since midnight.
fn nanos(text: &str) -> Option<i64> {
    let time = text.parse::<NaiveTime>().ok()?;
    let seconds = i64::from(time.num_seconds_from_midnight());
    Some(seconds * 1_000_000_000 + i64::from(time.nanosecond()))
}

/// `expr` with text that is compared with a number, date or time made one itself, which SQL engines
/// do and `sql_expr`, which knows no columns, does not.
fn converted(expr: &Expr, kind_of: &dyn Fn(&str) -> Option<Kind>) -> Expr {
    let inner = |expr: &Expr| converted(expr, kind_of);
    let kind = |expr: &Expr| match expr {
        Expr::Column(name) => kind_of(name),
        _ => None,
    };
    match expr {
        Expr::BinaryExpr { left, op, right } => {
            let (mut left, mut right) = (inner(left), inner(right));
            if op.is_comparison() {
                let (of_left, of_right) = (kind(&left), kind(&right));
                left = literal_as(left, of_right);
                right = literal_as(right, of_left);
            }
            Expr::BinaryExpr { left: left.into(), op: *op, right: right.into() }
        }
        Expr::Function { input, function } => {
            let mut input: Vec<Expr> = input.iter().map(inner).collect();
            if function.to_string().contains("is_between") {
                let of_value = input.first().and_then(kind);
                input = input.into_iter().map(|bound| literal_as(bound, of_value)).collect();
            }
            Expr::Function { input, function: function.clone() }
        }
        Expr::Cast { expr, dtype, options } => {
            let expr = inner(expr).into();
            Expr::Cast { expr, dtype: dtype.clone(), options: *options }
        }
        Expr::Ternary { predicate, truthy, falsy } => Expr::Ternary {
            predicate: inner(predicate).into(),
            truthy: inner(truthy).into(),
            falsy: inner(falsy).into(),
        },
        other => other.clone(),
    }
}

/// A literal text as a value of this kind; anything else as it is.
fn literal_as(expr: Expr, kind: Option<Kind>) -> Expr {
    let Expr::Literal(literal) = &expr else { return expr };
    let Some(text) = literal.extract_str() else { return expr };
    let made = match kind {
        Some(Kind::Int) => text.parse().ok().map(|number: i64| lit(number)),
        Some(Kind::Float) => text.parse().ok().map(|number: f64| lit(number)),
        Some(Kind::Date) => days(text).map(|days| lit(days).cast(DataType::Date)),
        Some(Kind::Datetime) => micros(text)
            .map(|micros| lit(micros).cast(DataType::Datetime(TimeUnit::Microseconds, None))),
        Some(Kind::Time) => nanos(text).map(|nanos| lit(nanos).cast(DataType::Time)),
        _ => None,
    };
    made.unwrap_or(expr)
}

/// What in this node of an expression needs more than one row.
fn beyond_a_row(node: &Expr) -> Option<&'static str> {
    match node {
        // The list of `IN` is an aggregate of literals.
        Expr::Agg(AggExpr::Implode { input, .. })
            if !input.into_iter().any(|node| matches!(node, Expr::Column(_))) =>
        {
            None
        }
        Expr::Agg(_) | Expr::Len => Some("an aggregate"),
        Expr::Over { .. } => Some("a window"),
        Expr::Sort { .. } | Expr::SortBy { .. } => Some("an order"),
        Expr::Gather { .. } | Expr::Filter { .. } | Expr::Slice { .. } | Expr::Explode { .. } => {
            Some("a selection of rows")
        }
        Expr::SubPlan(..) => Some("a subquery"),
        Expr::Function { function, .. } => {
            let name = function.to_string();
            let across = [
                "cum",
                "shift",
                "diff",
                "rank",
                "quantile",
                "skew",
                "kurtosis",
                "corr",
                "cov",
                "random",
                "reverse",
                "unique",
                "mode",
                "arg_",
                "null_count",
                "any",
                "all",
                "product",
                "top_k",
                "first",
                "last",
                "repeat",
                "interpolate",
                "entropy",
            ];
            // Functions within a value, such as `str.reverse` or `list.first`, have a dot; those
            // across columns say so.
            let within_row = name.contains('.') || name.ends_with("_horizontal");
            (!within_row && across.iter().any(|word| name.starts_with(word)))
                .then_some("a function of a whole column")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keep(expression: &str, kinds: &[Kind], rows: &[Value]) -> Result<Vec<bool>, FilterError> {
        let filter = Filter::parse(expression)?.with_kinds(kinds.to_vec())?;
        let rows: Vec<_> = rows.iter().map(|row| row.as_object().expect("a row")).collect();
        filter.keep(&rows)
    }

    #[test]
    fn null_is_not_true() {
        let rows = [json!({"n": 1}), json!({"n": null}), json!({}), json!({"n": 3})];
        let kept = keep("n >= 2", &[Kind::Int], &rows).expect("valid");
        assert_eq!(kept, [false, false, false, true]);
        let kept = keep("NOT n >= 2", &[Kind::Int], &rows).expect("valid");
        assert_eq!(kept, [true, false, false, false]);
    }

    #[test]
    fn text_numbers_dates_and_truth() {
        let rows = [
            json!({"t": "alpha", "d": "2024-01-02", "b": "true", "x": "1.5"}),
            json!({"t": "beta", "d": "2023-01-02", "b": "false", "x": ""}),
        ];
        let check = |expression: &str, kinds: &[Kind]| {
            assert_eq!(keep(expression, kinds, &rows), Ok(vec![true, false]), "{expression}");
        };
        check("t LIKE 'al%'", &[Kind::Text]);
        check("t IN ('alpha', 'gamma')", &[Kind::Text]);
        check("d > '2023-06-01'", &[Kind::Date]);
        check("'2023-06-01' < d", &[Kind::Date]);
        check("d > '2023-06-01' AND NOT d = '2025-01-01'", &[Kind::Date]);
        check("d BETWEEN '2023-06-01' AND '2024-06-01'", &[Kind::Date]);
        check("d >= '2023-06-01 12:00:00'", &[Kind::Datetime]);
        check("d >= DATE '2023-06-01'", &[Kind::Date]);
        check("EXTRACT(YEAR FROM d) = 2024", &[Kind::Date]);
        check("t IS NOT NULL AND t NOT IN ('beta')", &[Kind::Text]);
        check("CASE WHEN t = 'alpha' THEN TRUE ELSE FALSE END", &[Kind::Text]);
        check("UPPER(t) = 'ALPHA' AND COALESCE(x, 9) < 3", &[Kind::Text, Kind::Float]);
        check("LEAST(x, 9) < 2", &[Kind::Float]);
        check("REGEXP_LIKE(t, '^a') AND STARTS_WITH(t, 'al')", &[Kind::Text]);
        check("x = '1.5' AND '2' > x", &[Kind::Float]);
        check("b", &[Kind::Bool]);
        check("x < 2 AND LENGTH(t) = 5", &[Kind::Float, Kind::Text]);
        assert_eq!(keep("1 = 1", &[], &rows), Ok(vec![true, true]));
        assert_eq!(keep("NULL", &[], &rows), Ok(vec![false, false]));
    }

    #[test]
    fn refused_before_any_row() {
        let refused = |expression: &str, kinds: &[Kind]| {
            keep(expression, kinds, &[]).expect_err(expression).to_string()
        };
        assert!(refused("n >=", &[]).contains("is not a Polars SQL expression"));
        assert!(refused("SELECT 1", &[]).contains("is not a Polars SQL expression"));
        assert!(refused("", &[]).contains("is not a Polars SQL expression"));
        assert!(refused("n + 1", &[Kind::Int]).ends_with("not true or false"));
        assert!(refused("n > AVG(n)", &[Kind::Int]).contains("more than one row"));
        assert!(refused("COUNT(*) > 1", &[]).contains("more than one row"));
        assert!(refused("ROW_NUMBER() OVER (ORDER BY n) > 1", &[]).contains("one row"));
        assert!(refused("n > 'x'", &[Kind::Int]).contains("cannot be evaluated"));
    }

    #[test]
    fn columns_are_listed_once() {
        let filter = Filter::parse("a = 'x' OR (b > 1 AND a <> 'y')").expect("valid");
        assert_eq!(filter.columns(), ["a", "b"]);
    }
}
