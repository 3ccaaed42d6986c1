//! Reserve, by the model.

use lua::sale::{Reservation, Reserved, State};

use super::{Model, Remembered, Turn, list};
use crate::sale::calls::{Reply, Wish};

impl Model {
    pub(super) fn reserve(&mut self, wish: &Wish, turn: &mut Turn<'_>) -> Reply {
        if let Some(refused) = self.refused(wish) {
            return Reply::Reserved(refused);
        }
        if self.records.contains_key(&wish.id) {
            return Reply::Failed;
        }
        // What came back goes first, then units nobody ever had.
        let never_had = self.stock[wish.sku].minted + 1..;
        let free = self.free(wish.sku).into_iter().chain(never_had);
        let units: Vec<u32> = free.take(wish.quantity as usize).collect();
        let mine = self.slots(wish.sku, wish.person);
        let slots = (1..).filter(|slot| !mine.contains(slot));
        let slots: Vec<u32> = slots.take(wish.quantity as usize).collect();
        let stock = self.stock.get_mut(wish.sku).expect("not refused");
        stock.minted = stock.minted.max(*units.last().expect("at least one"));

        let deadline = turn.open + wish.hold_ms;
        let expires_at = deadline + turn.closed_ms;
        let answer = format!(
            r#"{{"id":"{}","sku":"{}","quantity":{},"units":[{}],"state":"held","expires_at":{expires_at}}}"#,
            wish.id,
            wish.sku,
            wish.quantity,
            list(&units)
        );
        // What was just promised counts a jump as closed already.
        if let Some(gap) = turn.gap {
            self.book_closed(gap, turn);
        }
        let event = turn.tell(
            "reserved",
            [
                ("person", wish.person.to_owned()),
                ("reservation", wish.id.clone()),
                ("sku", wish.sku.to_owned()),
                ("quantity", wish.quantity.to_string()),
                ("units", list(&units)),
                ("slots", list(&slots)),
                ("expires_at", expires_at.to_string()),
                ("key", wish.key.clone()),
                ("body", wish.body.clone()),
                ("answer", answer.clone()),
            ],
        );
        let record = Reservation {
            state: State::Held,
            person: wish.person.parse().unwrap(),
            sku: wish.sku.parse().unwrap(),
            quantity: wish.quantity,
            units,
            slots,
            deadline,
            settled_at: None,
            payment_ref: None,
            confirmed_at: None,
            event,
        };
        self.records.insert(wish.id.clone(), record);
        let remembered = Remembered {
            id: wish.id.clone(),
            body: wish.body.clone(),
            answer: answer.clone(),
        };
        self.keys
            .insert((wish.person, wish.key.clone()), remembered);
        Reply::Reserved(Reserved::New(answer))
    }

    /// What speaks against it, in the order in which it is asked.
    fn refused(&self, wish: &Wish) -> Option<Reserved> {
        let known = self.keys.get(&(wish.person, wish.key.clone()));
        // An answer is worth something as long as its reservation is there.
        if let Some(known) = known.filter(|known| self.records.contains_key(&known.id)) {
            return Some(if known.body == wish.body {
                Reserved::Again(known.answer.clone())
            } else {
                Reserved::KeyReused
            });
        }
        let Some(stock) = self.stock.get(wish.sku) else {
            return Some(Reserved::UnknownSku);
        };
        let limit = stock.limit;
        let taken = self.slots(wish.sku, wish.person).len() as u32;
        if taken + wish.quantity > limit {
            return Some(Reserved::LimitReached { limit, taken });
        }
        let available = self.available(wish.sku);
        if available == 0 {
            let held = self.out(wish.sku, State::Held);
            return Some(Reserved::SoldOut { held });
        }
        (available < u64::from(wish.quantity)).then_some(Reserved::NotEnough { available })
    }
}
