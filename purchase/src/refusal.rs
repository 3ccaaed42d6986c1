//! Everything the purchase side refuses, as one typed error. [`crate::rescue`] gives each its words.

use ::entry_pass::PassError;
use axum::response::{IntoResponse, Response};
use lua::{ScriptError, StoreError, sale::SaleError};
use problem::members::Complaint;

use crate::ledger::LedgerError;

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No pass came with it.
    #[error("no entry pass")]
    NoPass,
    /// The pass does not do.
    #[error(transparent)]
    Pass(#[from] PassError),
    /// The Idempotency-Key header is missing.
    #[error("no idempotency key")]
    KeyMissing,
    /// The key came before with another body.
    #[error("the idempotency key came with another body")]
    KeyReused,
    /// A part of the request cannot be understood.
    #[error("{field} {must}")]
    Invalid {
        /// Which part.
        field: &'static str,
        /// What it must be.
        must: String,
    },
    /// The body has a member that is not known or is there twice, or is no object at all.
    #[error("{} {}", .0.field, .0.must)]
    Body(Complaint),
    /// The body is larger than is taken.
    #[error("the body is too large")]
    TooLarge,
    /// The body is not JSON by its own word.
    #[error("the body is not application/json")]
    UnsupportedType,
    /// Nothing there, or somebody else's.
    #[error("not found")]
    NotFound,
    /// No such sale.
    #[error("unknown sale")]
    UnknownSale,
    /// The sale has no such sku.
    #[error("unknown sku")]
    UnknownSku,
    /// It would be more than one person may have.
    #[error("limit reached")]
    LimitReached {
        /// Most per person.
        limit: u32,
        /// What the person has.
        taken: u32,
    },
    /// Some are left, but fewer.
    #[error("not enough")]
    NotEnough {
        /// So many.
        available: u64,
    },
    /// None are left.
    #[error("sold out")]
    SoldOut {
        /// So many may yet come back.
        held: u64,
    },
    /// The hold's time is over.
    #[error("expired")]
    Expired,
    /// The store that kept the hold was wiped.
    #[error("the hold was lost")]
    HoldLost,
    /// It was cancelled before.
    #[error("cancelled")]
    Cancelled,
    /// It is an order already.
    #[error("confirmed")]
    Confirmed,
    /// It was refunded.
    #[error("refunded")]
    Refunded,
    /// It was never sold.
    #[error("not sold")]
    NotSold,
    /// It was confirmed with another payment.
    #[error("confirmed with another payment")]
    OtherPayment,
    /// This step is the shop's.
    #[error("only the shop confirms")]
    ShopConfirms,
    /// The supply would fall below what is held and sold.
    #[error("below what is held and sold")]
    BelowCommitted {
        /// Held and sold.
        committed: u64,
    },
    /// The sale is closed until store and ledger are compared.
    #[error("the sale is being compared with the ledger")]
    Restarting,
    /// The stock store does not answer.
    #[error("the stock store is away")]
    StoreAway,
    /// The ledger does not answer, and this cannot be answered without it.
    #[error("the ledger is away")]
    LedgerAway,
}

impl From<SaleError> for Refusal {
    fn from(error: SaleError) -> Self {
        match error {
            SaleError::Closed | SaleError::Restarted => Self::Restarting,
            SaleError::Script(error) => {
                // Away is an outage and said once by the recorder; the rest should not happen.
                if !matches!(error, ScriptError::Store(StoreError::Away { .. })) {
                    tracing::error!(%error, "a stock script failed");
                }
                Self::StoreAway
            }
        }
    }
}

impl From<ScriptError> for Refusal {
    fn from(error: ScriptError) -> Self {
        SaleError::from(error).into()
    }
}

impl From<LedgerError> for Refusal {
    fn from(error: LedgerError) -> Self {
        tracing::warn!(%error, "the ledger could not be asked");
        Self::LedgerAway
    }
}

impl IntoResponse for Refusal {
    /// An empty answer that carries the refusal outwards to the one layer that has words for it.
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self);
        response
    }
}
