//! What the stock store says of the sale behind a room.

use entry_pass::Sku;

/// Counts of one product. `available + held + sold = supplied`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkuFigures {
    /// Which.
    pub sku: Sku,
    /// Can be reserved now.
    pub available: u64,
    /// Reserved and not confirmed; may come back.
    pub held: u64,
    /// Confirmed.
    pub sold: u64,
    /// All units there are.
    pub supplied: u64,
}

/// Counts of a sale: the sums, and each product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockFigures {
    /// Can be reserved now.
    pub available: u64,
    /// Reserved and not confirmed; may come back.
    pub held: u64,
    /// Confirmed.
    pub sold: u64,
    /// All units there are.
    pub supplied: u64,
    /// When this was so, Unix milliseconds of the stock store's clock.
    pub as_of: u64,
    /// Each product.
    pub skus: Vec<SkuFigures>,
}

impl StockFigures {
    /// Sums up products.
    pub fn of(skus: Vec<SkuFigures>, as_of: u64) -> Self {
        let sum = |part: fn(&SkuFigures) -> u64| skus.iter().map(part).sum();
        Self {
            available: sum(|sku| sku.available),
            held: sum(|sku| sku.held),
            sold: sum(|sku| sku.sold),
            supplied: sum(|sku| sku.supplied),
            as_of,
            skus,
        }
    }

    /// Whether everything is sold and nothing is held that could come back.
    pub fn all_sold(&self) -> bool {
        self.supplied > 0 && self.available == 0 && self.held == 0
    }

    /// Whether nothing can be reserved now, though something may come back.
    pub fn none_left(&self) -> bool {
        self.supplied > 0 && self.available == 0
    }
}
