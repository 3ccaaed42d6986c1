//! A call to the sale and its answer as values, so that a model can be asked the same question.

use std::time::Duration;

use entry_pass::PersonId;
use lua::sale::{
    Cancelled, Confirmed, Looked, Refunded, Reopened, Reserve, Reserved, Sale, SaleError,
    SetSupply, Shut, Supplied, Swept,
};

use super::fixture::{KEEP, lead};

/// What is wanted of a sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) id: String,
    pub(crate) person: &'static str,
    pub(crate) sku: &'static str,
    pub(crate) quantity: u32,
    pub(crate) hold_ms: i64,
    pub(crate) key: String,
    pub(crate) body: String,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    Reserve(Wish),
    Confirm {
        id: String,
        /// None: the shop asks.
        person: Option<&'static str>,
        payment: String,
    },
    Cancel {
        id: String,
        person: Option<&'static str>,
    },
    Refund {
        id: String,
    },
    Look {
        id: String,
    },
    Supply {
        sku: &'static str,
        supplied: u32,
        limit: u32,
        seed: bool,
    },
    Sweep {
        most: u32,
        keep_ms: i64,
    },
    Reopen {
        compared: Shut,
    },
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Reserved(Reserved),
    Confirmed(Confirmed),
    Cancelled(Cancelled),
    Refunded(Refunded),
    Looked(Option<Looked>),
    Supplied(Supplied),
    Swept(Swept),
    Reopened(Reopened),
    Closed,
    Restarted,
    /// An answer no door knows, or none.
    Failed,
}

/// Asks the real sale.
pub(crate) async fn ask(sale: &Sale, call: &Call) -> Reply {
    let person = |name: &str| name.parse::<PersonId>().unwrap();
    let answer = match call {
        Call::Reserve(wish) => {
            let what = Reserve {
                id: &wish.id,
                person: &person(wish.person),
                sku: &wish.sku.parse().unwrap(),
                quantity: wish.quantity,
                hold: Duration::from_millis(wish.hold_ms as u64),
                key: &wish.key,
                body: &wish.body,
                key_ttl: KEEP,
            };
            sale.reserve(&what).await.map(Reply::Reserved)
        }
        Call::Confirm {
            id,
            person: who,
            payment,
        } => {
            let who = who.map(person);
            let confirmed = sale.confirm(id, who.as_ref(), payment).await;
            confirmed.map(Reply::Confirmed)
        }
        Call::Cancel { id, person: who } => {
            let who = who.map(person);
            sale.cancel(id, who.as_ref()).await.map(Reply::Cancelled)
        }
        Call::Refund { id } => sale.refund(id).await.map(Reply::Refunded),
        Call::Look { id } => sale.look(id).await.map(Reply::Looked),
        Call::Supply {
            sku,
            supplied,
            limit,
            seed,
        } => {
            let what = SetSupply {
                sku: &sku.parse().unwrap(),
                supplied: *supplied,
                limit: *limit,
                seed: *seed,
            };
            sale.supply(&what).await.map(Reply::Supplied)
        }
        Call::Sweep { most, keep_ms } => {
            let keep = Duration::from_millis(*keep_ms as u64);
            sale.sweep(*most, keep).await.map(Reply::Swept)
        }
        Call::Reopen { compared } => {
            let lead = lead(sale).await;
            sale.reopen(compared, &lead).await.map(Reply::Reopened)
        }
    };
    answer.unwrap_or_else(|error| match error {
        SaleError::Closed => Reply::Closed,
        SaleError::Restarted => Reply::Restarted,
        SaleError::Script(_) => Reply::Failed,
    })
}
