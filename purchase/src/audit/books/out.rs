//! Which reservation has a unit or a slot: what nobody else can have.

use std::collections::HashMap;

use entry_pass::{PersonId, Sku};
use lua::sale::Reservation;

/// Which reservation has a unit or a slot.
#[derive(Debug, Default)]
pub(super) struct Out {
    units: HashMap<(Sku, u32), String>,
    slots: HashMap<(Sku, PersonId, u32), String>,
    count: HashMap<Sku, u64>,
}

impl Out {
    /// How many units of an sku are out.
    pub(super) fn count(&self, sku: &Sku) -> u64 {
        self.count.get(sku).copied().unwrap_or(0)
    }

    /// Whoever has one of the units or slots of `record`.
    pub(super) fn taken_by(&self, record: &Reservation) -> Option<&String> {
        let unit = record
            .units
            .iter()
            .find_map(|unit| self.units.get(&(record.sku.clone(), *unit)));
        let slot = || {
            record.slots.iter().find_map(|slot| {
                let slot = (record.sku.clone(), record.person.clone(), *slot);
                self.slots.get(&slot)
            })
        };
        unit.or_else(slot)
    }

    pub(super) fn take(&mut self, id: &str, record: &Reservation) {
        for unit in &record.units {
            self.units
                .insert((record.sku.clone(), *unit), id.to_owned());
        }
        for slot in &record.slots {
            let slot = (record.sku.clone(), record.person.clone(), *slot);
            self.slots.insert(slot, id.to_owned());
        }
        *self.count.entry(record.sku.clone()).or_default() += u64::from(record.quantity);
    }

    pub(super) fn give_back(&mut self, record: &Reservation) {
        for unit in &record.units {
            self.units.remove(&(record.sku.clone(), *unit));
        }
        for slot in &record.slots {
            let slot = (record.sku.clone(), record.person.clone(), *slot);
            self.slots.remove(&slot);
        }
        if let Some(count) = self.count.get_mut(&record.sku) {
            *count = count.saturating_sub(u64::from(record.quantity));
        }
    }
}
