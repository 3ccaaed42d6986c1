//! Keys of a sale.

use entry_pass::SaleId;

/// The keys of one sale.
#[derive(Debug, Clone)]
pub struct SaleKeys {
    /// stream: every stock event, read by the recorder.
    pub events: String,
}

impl SaleKeys {
    /// All keys of `sale`.
    pub fn new(sale: &SaleId) -> Self {
        let key = |name: &str| format!("sale:{{{sale}}}:{name}");
        Self {
            events: key("events"),
        }
    }
}
