//! Supply: how many units there are, and how many of them one person may have.

use entry_pass::Sku;

use super::{EventId, MOST_UNITS, Sale, SaleError, scripts};

/// What to supply of an sku.
#[derive(Debug, Clone)]
pub struct SetSupply<'a> {
    /// Of what.
    pub sku: &'a Sku,
    /// Units in all, sold ones included.
    pub supplied: u32,
    /// Most per person, 1 to [`MOST_UNITS`].
    pub limit: u32,
    /// The start-up's way: may make a sale that nobody knows, and changes none that exists.
    pub seed: bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Supplied {
    /// So it is now, or was before. The ledger must have `event`.
    Done {
        /// The stream's entry that says so.
        event: EventId,
        /// What is left.
        available: u64,
        /// What is held.
        held: u64,
        /// What is sold.
        sold: u64,
        /// Whether this call changed it.
        changed: bool,
    },
    /// Less than what is held and sold already.
    Below {
        /// Held and sold.
        committed: u64,
    },
}

impl Sale {
    /// Sets what is supplied.
    pub async fn supply(&self, what: &SetSupply<'_>) -> Result<Supplied, SaleError> {
        let mut reply = self
            .in_background(
                &scripts::SUPPLY,
                &self.keys.whole(),
                &[
                    if what.seed { "seed" } else { "set" },
                    what.sku.as_str(),
                    &what.supplied.to_string(),
                    &what.limit.clamp(1, MOST_UNITS).to_string(),
                ],
            )
            .await?;
        Ok(match reply.word.as_str() {
            word @ ("supplied" | "same") => Supplied::Done {
                changed: word == "supplied",
                event: {
                    let id: String = reply.take(0)?;
                    id.parse().map_err(|_| reply.unknown())?
                },
                available: reply.take(1)?,
                held: reply.take(2)?,
                sold: reply.take(3)?,
            },
            "below" => Supplied::Below {
                committed: reply.take(0)?,
            },
            _ => return Err(reply.unknown()),
        })
    }
}
