//! What goes from hand to hand among visitors: passes, offers and reservations that their owners
//! have shown around, and passes that nobody ever issued. Cheats reach in here.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entry_pass::{NewPass, PersonId, TYP, TicketNumber, VisitorId};

use super::child::World;
use crate::clock;

/// How many of each are remembered; the newest are the most likely to be still good.
const REMEMBERED: usize = 32;

/// Things shown around, newest last.
#[derive(Debug, Default)]
pub(super) struct Pocket {
    passes: Mutex<VecDeque<Shown>>,
    offers: Mutex<VecDeque<Shown>>,
    reservations: Mutex<VecDeque<Shown>>,
}

/// Something that belongs to the holder of a ticket number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) owner: u64,
    pub(super) what: String,
}

impl Pocket {
    pub(super) fn show_pass(&self, owner: u64, pass: &str) {
        put(&self.passes, owner, pass);
    }

    pub(super) fn show_offer(&self, owner: u64, ticket: &str) {
        put(&self.offers, owner, ticket);
    }

    pub(super) fn show_reservation(&self, owner: u64, id: &str) {
        put(&self.reservations, owner, id);
    }

    /// The newest pass that is not one's own.
    pub(super) fn pass(&self, not: u64) -> Option<Shown> {
        take(&self.passes, not)
    }

    /// The newest offered ticket that is not one's own.
    pub(super) fn offer(&self, not: u64) -> Option<Shown> {
        take(&self.offers, not)
    }

    /// The newest reservation that is not one's own.
    pub(super) fn reservation(&self, not: u64) -> Option<Shown> {
        take(&self.reservations, not)
    }
}

fn put(shelf: &Mutex<VecDeque<Shown>>, owner: u64, what: &str) {
    let mut shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
    if shelf.len() == REMEMBERED {
        shelf.pop_front();
    }
    shelf.push_back(Shown {
        owner,
        what: what.to_owned(),
    });
}

fn take(shelf: &Mutex<VecDeque<Shown>>, not: u64) -> Option<Shown> {
    let shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
    shelf.iter().rev().find(|shown| shown.owner != not).cloned()
}

/// Passes nobody issued, each with what is wrong with it.
pub(super) fn forged(world: &World, number: u64) -> Vec<(&'static str, String)> {
    let now = clock::now_ms() / 1000;
    let mut forged = vec![("garbage", "a.b.c".to_owned())];
    let new = NewPass {
        room: world.plan.room.clone(),
        sale: Some(world.plan.sale.clone()),
        person: PersonId::from(VisitorId::from_bytes([7; 16])),
        number: TicketNumber(number),
        jti: "forged".to_owned(),
        issued_at: now.saturating_sub(10),
        expires_at: now + 3600,
    };
    if let Ok((pass, _)) = world.forger.issue(new) {
        let payload = pass.split('.').nth(1).unwrap_or_default();
        forged.push(("no signature", unsigned(payload)));
        forged.push(("foreign key", pass));
    }
    if let Some(good) = world.pocket.pass(number) {
        forged.extend(altered(&good.what).map(|pass| ("altered claims", pass)));
        forged.extend(
            good.what
                .rsplit_once('.')
                .map(|(head, _)| ("signature cut off", format!("{head}."))),
        );
    }
    forged
}

/// The claims of a pass under `alg: none`.
fn unsigned(payload: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"none","typ":"{TYP}"}}"#));
    format!("{header}.{payload}.")
}

/// A good pass that now lasts an hour longer, under its old signature.
fn altered(pass: &str) -> Option<String> {
    let mut parts = pass.split('.');
    let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let mut claims: serde_json::Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    claims["exp"] = (claims["exp"].as_u64()? + 3600).into();
    let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
    Some(format!("{header}.{payload}.{signature}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_robs_himself_and_the_newest_is_taken_first() {
        let pocket = Pocket::default();
        pocket.show_pass(1, "a");
        pocket.show_pass(2, "b");
        assert_eq!(
            pocket.pass(2),
            Some(Shown {
                owner: 1,
                what: "a".to_owned()
            })
        );
        assert_eq!(pocket.pass(9).unwrap().owner, 2);
        assert_eq!(pocket.offer(9), None);
    }

    #[test]
    fn an_altered_pass_keeps_its_signature_and_says_something_else() {
        let payload = URL_SAFE_NO_PAD.encode(r#"{"exp":10,"num":3}"#);
        let forged = altered(&format!("h.{payload}.s")).unwrap();
        let parts: Vec<&str> = forged.split('.').collect();
        assert_eq!((parts[0], parts[2]), ("h", "s"));
        assert_ne!(parts[1], payload);
    }
}
