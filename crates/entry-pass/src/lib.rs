//! The entry pass: the one contract the gateway and the purchase service agree on.
//!
//! The gateway signs a pass when an offer is claimed; the gate and the purchase service each check
//! it on their own, without a store and without asking each other. This crate holds the names both
//! sides use ([`RoomId`], [`SaleId`], [`PersonId`], [`TicketNumber`]), the [`Claims`], the
//! [`Issuer`], the [`Verifier`] with its cache of passes seen before, and the [`KeyRing`] with its
//! JWKS. It does not know who may get a pass: that is decided in the waitlist.

mod claims;
mod ids;
mod issuer;
mod keys;
mod verifier;

pub use claims::{Claims, TYP};
pub use ids::{IdError, PersonId, RoomId, SaleId, Sku, TicketNumber, VisitorId};
pub use issuer::{Issuer, NewPass};
pub use keys::{KeyError, KeyRing, PublicKeys};
pub use verifier::{PassError, Verifier};
