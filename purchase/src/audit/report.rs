//! What an audit found and what became of it: a table for people, JSON for machines.

use std::fmt;

use serde::Serialize;

use super::{Difference, Look, Remedy};
use crate::role::Desk;

/// The outcome of one sale's audit.
#[derive(Debug, Clone, Serialize)]
pub struct Audited {
    /// Which sale.
    pub sale: String,
    /// Whether the stock store or the ledger has heard of it; if not, nothing was compared.
    pub known: bool,
    /// How many reservations were looked at.
    pub reservations: usize,
    /// How many events came in while it looked; what they moved was not judged.
    pub moved: usize,
    /// Every difference.
    pub differences: Vec<Difference>,
    /// What a repair left, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<Vec<Difference>>,
    /// What was paid for and cannot be kept: the payments have to go back.
    pub refunds: Vec<Difference>,
}

impl Audited {
    pub(super) fn of(desk: &Desk, look: &Look) -> Self {
        let mut audited = Self {
            sale: desk.stock.id().to_string(),
            known: look.known,
            reservations: look.reservations,
            moved: look.moved,
            differences: look.differences.clone(),
            left: None,
            refunds: Vec::new(),
        };
        audited.pay_back(&look.differences);
        audited
    }

    pub(super) fn repaired(&mut self, left: Vec<Difference>) {
        self.pay_back(&left);
        self.left = Some(left);
    }

    /// Each order once, however many differences name it: a list that is paid twice costs money.
    fn pay_back(&mut self, differences: &[Difference]) {
        for found in differences
            .iter()
            .filter(|found| found.remedy == Remedy::Refund)
        {
            if !self.refunds.iter().any(|known| known.order == found.order) {
                self.refunds.push(found.clone());
            }
        }
    }

    /// Whether both sides agree, now that it is over, and nobody has to be paid back. Of a sale that
    /// is not known that means nothing.
    pub fn clean(&self) -> bool {
        let left = self.left.as_ref().unwrap_or(&self.differences);
        left.is_empty() && self.refunds.is_empty()
    }
}

impl fmt::Display for Audited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.known {
            return writeln!(
                f,
                "sale {}: neither the stock store nor the ledger has heard of it",
                self.sale
            );
        }
        write!(
            f,
            "sale {}: {} reservations, ",
            self.sale, self.reservations
        )?;
        match (self.differences.len(), &self.left) {
            (0, _) => writeln!(f, "no differences")?,
            (found, None) => writeln!(f, "{found} differences")?,
            (found, Some(left)) => {
                writeln!(
                    f,
                    "{found} differences, {} left after the repair",
                    left.len()
                )?;
            }
        }
        table(f, &self.differences)?;
        if let Some(left) = self.left.as_ref().filter(|left| !left.is_empty()) {
            writeln!(f, "left:")?;
            table(f, left)?;
        }
        if !self.refunds.is_empty() {
            writeln!(f, "to be paid back:")?;
        }
        for found in &self.refunds {
            let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
            writeln!(
                f,
                "  order {}  payment {}  person {}  because the ledger says: {}",
                shown(&found.order),
                shown(&found.payment_ref),
                shown(&found.person),
                found.ledger
            )?;
        }
        Ok(())
    }
}

fn table(f: &mut fmt::Formatter<'_>, differences: &[Difference]) -> fmt::Result {
    for found in differences {
        let (kind, remedy) = (found.kind.to_string(), found.remedy.to_string());
        let unit = found.unit.map(|unit| format!("unit {unit}"));
        let about: Vec<&str> = [
            &found.sku,
            &found.reservation,
            &found.order,
            &found.person,
            &unit,
        ]
        .into_iter()
        .filter_map(Option::as_deref)
        .collect();
        writeln!(f, "  {kind:<18} {remedy:<7} {}", about.join("  "))?;
        writeln!(f, "      ledger: {}", found.ledger)?;
        writeln!(f, "      stock:  {}", found.stock)?;
    }
    Ok(())
}
