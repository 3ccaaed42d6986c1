//! Many rows in one statement.
//!
//! Databases keep a plan by the text of its statement, and a batch has another size each time. Rows
//! are filled up with empty ones to a power of two, so that there are ten texts of a statement and
//! not hundreds; the statement passes over them.

use std::fmt::Write;

use sqlx::{Any, any::AnyArguments, query::Query};

/// A value of a row. An empty one keeps its type, which PostgreSQL fixes with the text.
pub(super) enum Value {
    Text(Option<String>),
    Whole(Option<i64>),
}

impl Value {
    fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Whole(Some(number as i64))
    }
}

/// Rows of `N` columns, at least one.
pub(super) struct Rows<const N: usize>(Vec<[Value; N]>);

impl<const N: usize> FromIterator<[Value; N]> for Rows<N> {
    fn from_iter<I: IntoIterator<Item = [Value; N]>>(rows: I) -> Self {
        Self(rows.into_iter().collect())
    }
}

impl<const N: usize> Rows<N> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `(VALUES ($3, $4), …) AS v`, with the places after the first `before`. The columns are
    /// `v.column1` and so on, on both databases; an empty row has `v.column1 IS NULL`.
    pub(super) fn places(&self, before: usize) -> String {
        let mut sql = String::from("(VALUES ");
        for row in 0..self.0.len().next_power_of_two() {
            sql.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..N {
                let comma = if column == 0 { "" } else { ", " };
                let _ = write!(sql, "{comma}${}", before + row * N + column + 1);
            }
            sql.push(')');
        }
        sql.push_str(") AS v");
        sql
    }

    /// Binds the values to the places.
    pub(super) fn bind(
        self,
        mut query: Query<'_, Any, AnyArguments>,
    ) -> Query<'_, Any, AnyArguments> {
        let missing = self.0.len().next_power_of_two() - self.0.len();
        let texts: Option<[bool; N]> = self.0.first().map(|row| row.each_ref().map(Value::is_text));
        for value in self.0.into_iter().flatten() {
            query = match value {
                Value::Text(text) => query.bind(text),
                Value::Whole(number) => query.bind(number),
            };
        }
        for text in texts.into_iter().cycle().take(missing).flatten() {
            query = if text {
                query.bind(None::<String>)
            } else {
                query.bind(None::<i64>)
            };
        }
        query
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_rows_have_the_places_of_four() {
        let row = |n: u64| [Value::from("a"), Value::from(n)];
        let rows: Rows<2> = (0..3).map(row).collect();
        assert_eq!(
            rows.places(1),
            "(VALUES ($2, $3), ($4, $5), ($6, $7), ($8, $9)) AS v"
        );
        let rows: Rows<2> = (0..1).map(row).collect();
        assert_eq!(rows.places(0), "(VALUES ($1, $2)) AS v");
    }
}
