//! The sale's stream, as it stands.

use std::collections::HashMap;

use lua::sale::Sale;

/// Id and fields.
pub(crate) type Entry = (String, HashMap<String, String>);

/// All entries from `from` on.
pub(crate) async fn entries(sale: &Sale, from: &str) -> Vec<Entry> {
    redis::cmd("XRANGE")
        .arg(&[&sale.keys().events, from, "+"])
        .query_async(&mut sale.store().fast())
        .await
        .unwrap()
}
