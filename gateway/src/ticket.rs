//! The ticket: a numbered place in line, signed, so that it carries its place by itself.
//!
//! A poll needs no store: the number is in the ticket, and where the line stands is in the
//! gateway's snapshot. When the store loses everything, tickets are what places come back from.
//! A ticket proves only that this number was given to this visitor; whether it still waits is the
//! store's to say. It is a JWS with HS256: only gateways read it, and a MAC costs a twentieth of a
//! signature.

use entry_pass::{RoomId, TicketNumber, VisitorId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::identify::TICKET_TYP;

/// Longest token looked at; ours have about 250 bytes.
const LONGEST: usize = 1024;

/// What a ticket says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The room it is a place in.
    pub room: RoomId,
    /// The room's epoch when it was given. Under a later one it re-enters at its number.
    pub epoch: u64,
    /// Whose it is.
    #[serde(rename = "sub")]
    pub visitor: VisitorId,
    /// The place.
    #[serde(rename = "num")]
    pub number: TicketNumber,
    /// When it was given, Unix milliseconds.
    pub joined_at: u64,
}

/// Signs and reads tickets.
#[derive(Clone)]
pub struct TicketKey {
    signing: EncodingKey,
    checking: DecodingKey,
    header: Header,
    validation: Validation,
}

impl TicketKey {
    /// By the secret all gateways of a room share.
    pub fn new(secret: &[u8; 32]) -> Self {
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TICKET_TYP.to_owned());
        let mut validation = Validation::new(Algorithm::HS256);
        // A ticket has no end of its own: how long a place is kept is the waitlist's to say.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.set_required_spec_claims::<&str>(&[]);
        Self {
            signing: EncodingKey::from_secret(secret),
            checking: DecodingKey::from_secret(secret),
            header,
            validation,
        }
    }

    /// The ticket in compact form. Empty if it could not be written, which reads as no ticket.
    pub fn sign(&self, ticket: &Ticket) -> String {
        encode(&self.header, ticket, &self.signing).unwrap_or_default()
    }

    /// The ticket, if it is one of ours.
    pub fn read(&self, token: &str) -> Option<Ticket> {
        if token.len() > LONGEST {
            return None;
        }
        let read = decode::<Ticket>(token, &self.checking, &self.validation).ok()?;
        (read.header.typ.as_deref() == Some(TICKET_TYP)).then_some(read.claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket() -> Ticket {
        Ticket {
            room: "main".parse().unwrap(),
            epoch: 3,
            visitor: VisitorId::from_bytes([1; 16]),
            number: TicketNumber(17),
            joined_at: 1_800_000_000_000,
        }
    }

    #[test]
    fn a_ticket_carries_its_place() {
        let key = TicketKey::new(&[7; 32]);
        assert_eq!(key.read(&key.sign(&ticket())), Some(ticket()));
    }

    #[test]
    fn a_ticket_of_another_key_or_type_is_none_of_ours() {
        let key = TicketKey::new(&[7; 32]);
        assert_eq!(key.read(&TicketKey::new(&[8; 32]).sign(&ticket())), None);
        let untyped = encode(&Header::new(Algorithm::HS256), &ticket(), &key.signing).unwrap();
        assert_eq!(key.read(&untyped), None);
        for bad in ["", "a.b.c", "…", &"x".repeat(5000)] {
            assert_eq!(key.read(bad), None);
        }
    }

    #[test]
    fn no_changed_character_moves_a_place() {
        let key = TicketKey::new(&[7; 32]);
        let token = key.sign(&ticket());
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_ne!(
                key.read(&changed),
                Some(Ticket {
                    number: TicketNumber(1),
                    ..ticket()
                })
            );
            if changed != token {
                assert_eq!(key.read(&changed), None, "at {at}");
            }
        }
    }
}
