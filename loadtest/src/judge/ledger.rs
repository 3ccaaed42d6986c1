//! Reads the ledger: the `orders` table, whose columns are part of the contract.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sqlx::{Connection, FromRow, SqliteConnection, sqlite::SqliteConnectOptions};

use entry_pass::SaleId;

/// One row of `orders`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromRow)]
pub struct LedgerOrder {
    /// The order.
    pub id: String,
    /// The reservation it came from.
    pub reservation_id: String,
    /// What was sold.
    pub sku: String,
    /// How many.
    pub quantity: i64,
    /// To whom.
    pub person: String,
    /// What it was paid with.
    pub payment_ref: Option<String>,
    /// Whether its units went back.
    pub refunded: bool,
}

/// The ledger cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the ledger cannot be read: {0}")]
pub struct LedgerError(#[from] sqlx::Error);

/// All orders of a sale, from an SQLite ledger, opened for reading only: the judge must see what is
/// there, not make it.
pub async fn read_orders(ledger: &Path, sale: &SaleId) -> Result<Vec<LedgerOrder>, LedgerError> {
    let options = SqliteConnectOptions::new().filename(ledger).read_only(true);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let orders = sqlx::query_as(
        "SELECT id, reservation_id, sku, quantity, person, payment_ref, \
         refunded_at IS NOT NULL AS refunded FROM orders WHERE sale = ?1 ORDER BY confirmed_at, id",
    )
    .bind(sale.as_str())
    .fetch_all(&mut connection)
    .await?;
    connection.close().await?;
    Ok(orders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_ledger_is_read_by_the_columns_of_the_contract() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.sqlite");
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true);
        let mut db = SqliteConnection::connect_with(&options).await.unwrap();
        for statement in [
            "CREATE TABLE orders (id TEXT, reservation_id TEXT, sale TEXT, sku TEXT, \
             quantity INTEGER, person TEXT, payment_ref TEXT, confirmed_at INTEGER, \
             refunded_at INTEGER)",
            "INSERT INTO orders VALUES ('o1','r1','demo','demo-unit',1,'p1','pay-1',5,NULL), \
             ('o2','r2','demo','demo-unit',1,'p2','pay-2',6,7), \
             ('o3','r3','other','x',1,'p3','pay-3',6,NULL)",
        ] {
            sqlx::query(statement).execute(&mut db).await.unwrap();
        }
        db.close().await.unwrap();
        let orders = read_orders(&path, &"demo".parse().unwrap()).await.unwrap();
        let read: Vec<_> = orders
            .iter()
            .map(|order| (order.id.as_str(), order.refunded))
            .collect();
        assert_eq!(read, [("o1", false), ("o2", true)]);
    }

    #[tokio::test]
    async fn a_missing_ledger_is_an_error_and_not_an_empty_sale() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("none.sqlite");
        assert!(read_orders(&path, &"demo".parse().unwrap()).await.is_err());
        assert!(!path.exists());
    }
}
