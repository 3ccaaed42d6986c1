//! What the server itself can say of the tables.

use super::it::{
    fixture::{Choice, Place},
    server::shared,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_knows_what_every_column_is() {
    let place = Place::at(shared());
    let house = place.open(&Choice::default()).await;
    house.purchase.ledger().ping().await.unwrap();
    let silent = "SELECT CAST(c.relname || '.' || a.attname AS TEXT) FROM pg_attribute a \
                  JOIN pg_class c ON c.oid = a.attrelid \
                  WHERE pg_table_is_visible(c.oid) AND c.relkind = 'r' AND a.attnum > 0 \
                  AND c.relnamespace = 'public'::regnamespace AND c.relname <> '_sqlx_migrations' \
                  AND col_description(c.oid, a.attnum) IS NULL";
    assert_eq!(place.column(silent).await, [""; 0]);
    let term = "SELECT col_description('recorder_terms'::regclass, 2)";
    assert!(place.column(term).await[0].contains("lower one is refused"));
}
