//! Supply, by the model.

use lua::sale::{State, Supplied};

use super::{Model, Stock, Turn};

impl Model {
    pub(super) fn supply(
        &mut self,
        sku: &'static str,
        supplied: u32,
        limit: u32,
        seed: bool,
        turn: &mut Turn<'_>,
    ) -> Supplied {
        let supplied = u64::from(supplied);
        let (held, sold) = (self.out(sku, State::Held), self.out(sku, State::Sold));
        let known = self.stock.get(sku);
        let stays = known.is_some_and(|known| {
            // The start-up's way in changes nothing that is there.
            seed || (known.supplied == supplied && known.limit == limit)
        });
        if !stays {
            if supplied < held + sold {
                let committed = held + sold;
                return Supplied::Below { committed };
            }
            let minted = known.map_or(0, |known| known.minted);
            let event = turn.tell(
                "supplied",
                [
                    ("sku", sku.to_owned()),
                    ("supplied", supplied.to_string()),
                    ("limit", limit.to_string()),
                ],
            );
            let stock = Stock {
                supplied,
                limit,
                minted,
                event,
            };
            self.stock.insert(sku, stock);
        }
        Supplied::Done {
            event: self.stock[sku].event,
            available: self.available(sku),
            held,
            sold,
            changed: !stays,
        }
    }
}
