//! Keys of a sale, all in the stock store.

use entry_pass::{PersonId, SaleId};

/// The member that each collection has from seeding on, so that an empty one is no missing one
/// (`lua/sale/fence.lua`).
pub const MARKER: &str = "!";

/// The keys of one sale, built once and borrowed by every call.
///
/// All but the lease and the idempotency keys exist from seeding on; one of them missing: the sale
/// is closed.
#[derive(Debug, Clone)]
pub struct SaleKeys {
    /// hash: `run_id` (the fence), `alive_at` (ms, when a sweeper last came by), `closed_ms`,
    /// `broken` (why the sale is closed until it is repaired), `opened_at` (ms).
    pub state: String,
    /// hash: `{sku}:supplied`, `:available`, `:held`, `:sold`, `:limit`, `:minted` (the highest
    /// unit number ever allotted), `:event` (the stream id of the last change of supply).
    pub stock: String,
    /// sorted set: `{sku}:{unit}`, score 0. Units that came back and are allotted first.
    pub free: String,
    /// hash: `{sku} {person}` to the slots taken, as `1,3`.
    pub slots: String,
    /// hash: reservation id to its packed record (`lua/sale/record.lua`).
    pub reservations: String,
    /// sorted set: id of a hold, by its deadline on the open clock in ms.
    pub deadlines: String,
    /// sorted set: id of a cancelled or expired reservation, by when it ended in ms.
    pub ended: String,
    /// stream: every stock event, read by the recorder.
    pub events: String,
    /// hash: `owner`, `until` (ms), `term`. Who records.
    pub lease: String,
    sale: SaleId,
}

impl SaleKeys {
    /// All keys of `sale`.
    pub fn new(sale: &SaleId) -> Self {
        let key = |name: &str| format!("sale:{{{sale}}}:{name}");
        Self {
            state: key("state"),
            stock: key("stock"),
            free: key("free"),
            slots: key("slots"),
            reservations: key("reservations"),
            deadlines: key("deadlines"),
            ended: key("ended"),
            events: key("events"),
            lease: key("lease"),
            sale: sale.clone(),
        }
    }

    /// Every key that exists from seeding on, in the order every stock script takes them.
    pub fn whole(&self) -> [&str; 8] {
        [
            &self.state,
            &self.stock,
            &self.free,
            &self.slots,
            &self.reservations,
            &self.deadlines,
            &self.ended,
            &self.events,
        ]
    }

    /// Those, and the lease: of scripts that only the active recorder may run.
    pub fn led(&self) -> [&str; 9] {
        let mut keys = [self.lease.as_str(); 9];
        keys[..8].copy_from_slice(&self.whole());
        keys
    }

    /// string with a TTL: `{body hash} {answer}` of one person's idempotency key for reserving.
    ///
    /// Neither part holds a space, so the space between them cannot be forged.
    pub fn idempotency(&self, person: &PersonId, key: &str) -> String {
        format!("sale:{{{}}}:key:reserve {person} {key}", self.sale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keys_of_a_sale_share_its_hash_tag() {
        let keys = SaleKeys::new(&"demo".parse().unwrap());
        let person = "a}b:{c".parse().unwrap();
        for key in [&keys.state, &keys.events, &keys.idempotency(&person, "k")] {
            assert!(key.starts_with("sale:{demo}:"), "{key}");
        }
    }
}
