//! `LIKE` in time that a pattern cannot blow up.
//!
//! SQLite's own goes back at every `%`: a dozen of them over a long text take longer than a run, and
//! nothing interrupts a function.

use rusqlite::{
    Connection, Error,
    functions::{Context, FunctionFlags},
    types::ValueRef,
};

/// Puts the function in place of SQLite's.
pub(super) fn replace(conn: &Connection) -> Result<(), Error> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    conn.create_scalar_function("like", 2, flags, called)?;
    conn.create_scalar_function("like", 3, flags, called)
}

fn text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(whole) => Some(whole.to_string()),
        ValueRef::Real(number) => Some(match number.to_string() {
            whole if number.is_finite() && !whole.contains('.') => whole + ".0",
            other => other,
        }),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
    }
}

fn called(context: &Context<'_>) -> Result<Option<bool>, Error> {
    let (Some(pattern), Some(subject)) = (text(context.get_raw(0)), text(context.get_raw(1)))
    else {
        return Ok(None);
    };
    let escape = match context.len() {
        3 => match text(context.get_raw(2)) {
            None => return Ok(None),
            Some(text) => {
                let mut chars = text.chars();
                match (chars.next(), chars.next()) {
                    (Some(escape), None) => Some(escape),
                    _ => {
                        let told = "ESCAPE expression must be a single character";
                        return Err(Error::UserFunctionError(told.into()));
                    }
                }
            }
        },
        _ => None,
    };
    Ok(Some(is_like(&subject, &pattern, escape)))
}

/// A piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Any,
    One,
    Char(char),
}

/// Whether `subject` is like `pattern`; ASCII letters in either case.
fn is_like(subject: &str, pattern: &str, escape: Option<char>) -> bool {
    let mut pieces = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        pieces.push(match c {
            c if Some(c) == escape => match chars.next() {
                Some(next) => Piece::Char(next.to_ascii_lowercase()),
                None => return false,
            },
            '%' => Piece::Any,
            '_' => Piece::One,
            c => Piece::Char(c.to_ascii_lowercase()),
        });
    }
    let subject: Vec<char> = subject.chars().map(|c| c.to_ascii_lowercase()).collect();
    // Only the last `%` is ever worth going back to: what stood before it has matched already, as
    // early as it could.
    let (mut at, mut piece, mut back) = (0, 0, None);
    while at < subject.len() {
        match pieces.get(piece) {
            Some(Piece::Any) => {
                back = Some((at, piece));
                piece += 1;
            }
            Some(Piece::One) => {
                at += 1;
                piece += 1;
            }
            Some(Piece::Char(c)) if *c == subject[at] => {
                at += 1;
                piece += 1;
            }
            _ => match back {
                None => return false,
                Some((from, star)) => {
                    back = Some((from + 1, star));
                    at = from + 1;
                    piece = star + 1;
                }
            },
        }
    }
    pieces[piece..].iter().all(|piece| *piece == Piece::Any)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// SQLite's own function is the reference.
        #[test]
        fn agrees_with_sqlite(
            subject in "[aAbé%_x]{0,8}",
            pattern in "[aAbé%_x]{0,6}",
            escape in prop::option::of(Just('x')),
        ) {
            let conn = Connection::open_in_memory().expect("a database");
            let asked = |conn: &Connection| match escape {
                None => conn.query_row("VALUES (?1 LIKE ?2)", [&subject, &pattern], |row| row.get(0)),
                Some(_) => conn
                    .query_row("VALUES (?1 LIKE ?2 ESCAPE 'x')", [&subject, &pattern], |row| row.get(0)),
            };
            let expected: bool = asked(&conn).expect("an answer");
            prop_assert_eq!(is_like(&subject, &pattern, escape), expected);
            replace(&conn).expect("replaced");
            let got: bool = asked(&conn).expect("an answer");
            prop_assert_eq!(got, expected);
        }
    }
}
