//! What a pass says.

use serde::{Deserialize, Serialize};

use crate::{PersonId, RoomId, SaleId, TicketNumber};

/// The JWS header's `typ`: tells a pass from a ticket and from anybody else's token.
pub const TYP: &str = "wr-pass+jwt";

/// The claims of an entry pass. All times are seconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Public URL of the gateway that issued it.
    pub iss: String,
    /// The room it admits to.
    pub aud: RoomId,
    /// The sale of that room, when it sells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sale: Option<SaleId>,
    /// The person admitted.
    pub sub: PersonId,
    /// One per session: a repeated claim gives the same.
    pub jti: String,
    /// Issued at.
    pub iat: u64,
    /// Not before.
    pub nbf: u64,
    /// The first second in which it no longer admits.
    pub exp: u64,
    /// The ticket it was given for.
    pub num: TicketNumber,
}
