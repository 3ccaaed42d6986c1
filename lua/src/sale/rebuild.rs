//! Rebuilding a sale from the ledger, step by step, while it is closed.

use std::time::Duration;

use entry_pass::{PersonId, Sku};

use super::{EventId, Reservation, Sale, SaleError, State, scripts};
use crate::StoreError;

/// Most reservations or free units one step carries.
pub const REBUILD_STEP: usize = 500;

/// A reservation to put back.
#[derive(Debug, Clone)]
pub struct Restored {
    /// Its id.
    pub id: String,
    /// The record.
    pub reservation: Reservation,
    /// How much of its time a hold still has.
    pub left: Option<Duration>,
}

/// An sku's figures to put back.
#[derive(Debug, Clone)]
pub struct RestoredStock {
    /// Which.
    pub sku: Sku,
    /// Units in all.
    pub supplied: u64,
    /// Units held.
    pub held: u64,
    /// Units sold.
    pub sold: u64,
    /// Most per person.
    pub limit: u32,
    /// Highest unit that is held or sold.
    pub minted: u32,
    /// Units below that which are neither.
    pub free: Vec<u32>,
    /// The event of the last change of supply.
    pub event: EventId,
}

/// A rebuild under way; its name tells it from another recorder's.
pub struct Rebuild<'a> {
    sale: &'a Sale,
    name: String,
}

impl Sale {
    /// Begins: empties what is left. None if the sale is open and needs no rebuild.
    pub async fn rebuild(&self, name: &str) -> Result<Option<Rebuild<'_>>, SaleError> {
        let rebuild = Rebuild {
            sale: self,
            name: name.to_owned(),
        };
        Ok(rebuild.step("begin", &[]).await?.then_some(rebuild))
    }
}

impl Rebuild<'_> {
    /// Puts reservations back, at most [`REBUILD_STEP`].
    pub async fn reservations(&self, restored: &[Restored]) -> Result<(), SaleError> {
        let args: Vec<String> = restored
            .iter()
            .flat_map(|restored| {
                let left = restored.left.map(|left| left.as_millis().to_string());
                [
                    restored.id.clone(),
                    pack(&restored.reservation),
                    left.unwrap_or_default(),
                ]
            })
            .collect();
        self.done("reservations", &args).await
    }

    /// Remembers an idempotency key's answer again.
    pub async fn key(
        &self,
        person: &PersonId,
        key: &str,
        body: &str,
        answer: &str,
        ttl: Duration,
    ) -> Result<(), SaleError> {
        let mut connection = self.sale.store.pooled().await?;
        redis::cmd("SET")
            .arg(self.sale.keys.idempotency(person, key))
            .arg(format!("{body} {answer}"))
            .arg("PX")
            .arg(ttl.as_millis().max(1) as u64)
            .exec_async(&mut *connection)
            .await
            .map_err(|source| StoreError::from_redis("rebuild", source).into())
    }

    /// Puts an sku's figures back.
    pub async fn stock(&self, stock: &RestoredStock) -> Result<(), SaleError> {
        for units in stock.free.chunks(REBUILD_STEP) {
            let mut args = vec![stock.sku.to_string()];
            args.extend(units.iter().map(ToString::to_string));
            self.done("free", &args).await?;
        }
        let available = stock.supplied.saturating_sub(stock.held + stock.sold);
        let figures = [
            stock.sku.to_string(),
            stock.supplied.to_string(),
            available.to_string(),
            stock.held.to_string(),
            stock.sold.to_string(),
            stock.limit.to_string(),
            stock.minted.to_string(),
            stock.event.to_string(),
        ];
        self.done("stock", &figures).await
    }

    /// Opens the sale. `newest`: the newest event the ledger has.
    pub async fn open(self, newest: EventId) -> Result<(), SaleError> {
        self.done("open", &[newest.ms.to_string()]).await
    }

    async fn done(&self, step: &str, args: &[String]) -> Result<(), SaleError> {
        // Another rebuild began: this one's caller has lost its lease, and starts over if not.
        if self.step(step, args).await? {
            Ok(())
        } else {
            Err(SaleError::Closed)
        }
    }

    async fn step(&self, step: &str, more: &[String]) -> Result<bool, SaleError> {
        let mut args = vec![step, self.name.as_str()];
        args.extend(more.iter().map(String::as_str));
        let reply = self
            .sale
            .pooled(&scripts::REBUILD, &self.sale.giving_back(), &args)
            .await?;
        match reply.word.as_str() {
            "done" => Ok(true),
            "open" | "changed" => Ok(false),
            _ => Err(reply.unknown()),
        }
    }
}

/// The eleven words of `lua/sale/record.lua`.
fn pack(reservation: &Reservation) -> String {
    let list = |numbers: &[u32]| {
        numbers
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(",")
    };
    let state = match reservation.state {
        State::Held => "held",
        State::Sold => "sold",
        State::Cancelled => "cancelled",
        State::Expired => "expired",
        State::Refunded => "refunded",
    };
    format!(
        "{state} {} {} {} {} {} 0 {} {} {} -",
        reservation.person,
        reservation.sku,
        reservation.quantity,
        list(&reservation.units),
        list(&reservation.slots),
        reservation
            .payment_ref
            .as_ref()
            .map_or("-".to_owned(), |payment| format!("={payment}")),
        reservation
            .confirmed_at
            .map_or("-".to_owned(), |at| at.to_string()),
        reservation.event,
    )
}
