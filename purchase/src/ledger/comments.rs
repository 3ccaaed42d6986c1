//! Tells PostgreSQL what the migrations' own comments say of each column.
//!
//! SQLite keeps the text of `CREATE TABLE` with its comments; PostgreSQL forgets them and has
//! `COMMENT ON`, which SQLite does not know. So the one text of the migrations is read once more.

use std::collections::HashSet;

use sqlx::{AnyConnection, AssertSqlSafe, Executor, Row};

/// A column and its comment.
#[derive(Debug, PartialEq, Eq)]
struct Column<'a> {
    table: &'a str,
    name: &'a str,
    comment: &'a str,
}

/// Columns as the migrations write them: one to a line, its comment behind it.
fn columns(sql: &str) -> Vec<Column<'_>> {
    let mut table = None;
    let mut columns = Vec::new();
    for line in sql.lines() {
        if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
            table = rest.split_whitespace().next();
        }
        let words: Vec<&str> = line.split_whitespace().take(2).collect();
        let (Some(table), [name, kind]) = (table, &words[..]) else {
            continue;
        };
        if let (true, Some((_, comment))) = (
            ["TEXT", "BIGINT"].contains(kind) || ["TEXT,", "BIGINT,"].contains(kind),
            line.split_once("-- "),
        ) {
            columns.push(Column {
                table,
                name,
                comment,
            });
        }
    }
    columns
}

/// Says what is not said yet. Cheap when all is: nothing is locked then.
pub(super) async fn tell(connection: &mut AnyConnection, sql: &str) -> Result<(), sqlx::Error> {
    let said = connection
        .fetch_all(
            "SELECT CAST(c.relname AS TEXT), CAST(a.attname AS TEXT) FROM pg_attribute a \
             JOIN pg_class c ON c.oid = a.attrelid \
             JOIN pg_description d ON d.objoid = c.oid AND d.objsubid = a.attnum \
             WHERE pg_table_is_visible(c.oid) AND c.relkind = 'r'",
        )
        .await?;
    let said: HashSet<(&str, &str)> = said
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<Result<_, sqlx::Error>>()?;
    let missing = columns(sql).into_iter();
    let missing: Vec<String> = missing
        .filter(|column| !said.contains(&(column.table, column.name)))
        .map(|column| {
            let comment = column.comment.replace('\'', "''");
            format!(
                "COMMENT ON COLUMN {}.{} IS '{comment}'",
                column.table, column.name
            )
        })
        .collect();
    if !missing.is_empty() {
        connection
            .execute(AssertSqlSafe(missing.join(";\n")))
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_told_from_the_other_lines() {
        let sql = "-- What.\nCREATE TABLE one (\n    a_b  TEXT NOT NULL, -- it's this\n    \
                   c BIGINT -- that\n    PRIMARY KEY (a_b) -- no column\n);";
        let column = |name, comment| Column {
            table: "one",
            name,
            comment,
        };
        assert_eq!(
            columns(sql),
            [column("a_b", "it's this"), column("c", "that")]
        );
    }
}
