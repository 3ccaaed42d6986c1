//! One fact in a sale's stream, as the scripts write it and the recorder reads it.

use std::{collections::HashMap, fmt, str::FromStr};

use entry_pass::{PersonId, Sku};

use super::record::numbers;

/// An entry that is not one of ours, or of a version this reader does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the stock event's field {field} is missing or malformed")]
pub struct EventError {
    /// Which field.
    pub field: &'static str,
}

/// The id of an entry: milliseconds and a sequence number. Ordered as the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// Redis' time in ms when it was written, or more after a clock went back.
    pub ms: u64,
    /// Order within the millisecond.
    pub seq: u64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

impl FromStr for EventId {
    type Err = EventError;
    fn from_str(text: &str) -> Result<Self, EventError> {
        text.split_once('-')
            .and_then(|(ms, seq)| {
                Some(Self {
                    ms: ms.parse().ok()?,
                    seq: seq.parse().ok()?,
                })
            })
            .ok_or(EventError { field: "id" })
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// Units were taken for a person.
    Reserved {
        /// When the hold ends, ms.
        expires_at: u64,
        /// The idempotency key it came with.
        key: String,
        /// Hash of the request's body.
        body: String,
        /// The answer that was sent.
        answer: String,
    },
    /// A hold became a sale.
    Confirmed {
        /// The payment.
        payment_ref: String,
    },
    /// A hold was given back by wish.
    Cancelled,
    /// A hold was given back by time.
    Expired,
    /// A sale was taken back.
    Refunded,
    /// What is supplied was set.
    Supplied {
        /// Units in all.
        supplied: u64,
        /// Most per person.
        limit: u32,
    },
    /// The sale was opened again after the store restarted.
    Reopened {
        /// For how long it was closed, ms.
        closed_ms: i64,
    },
}

impl EventKind {
    /// The word in the stream and in the ledger.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Reserved { .. } => "reserved",
            Self::Confirmed { .. } => "confirmed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Refunded => "refunded",
            Self::Supplied { .. } => "supplied",
            Self::Reopened { .. } => "reopened",
        }
    }
}

/// Which units of which person an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The reservation.
    pub reservation: String,
    /// Whose.
    pub person: PersonId,
    /// The units.
    pub units: Vec<u32>,
    /// The person's slots, as many as units.
    pub slots: Vec<u32>,
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockEvent {
    /// Its place in the stream.
    pub id: EventId,
    /// When, ms.
    pub at: u64,
    /// What it is about; none for `reopened`.
    pub sku: Option<Sku>,
    /// Whose units; none for `supplied` and `reopened`.
    pub taken: Option<Taken>,
    /// What happened.
    pub kind: EventKind,
}

impl StockEvent {
    /// Reads an entry's fields.
    pub fn parse(id: EventId, fields: &HashMap<String, String>) -> Result<Self, EventError> {
        let fields = Fields(fields);
        fields.text("v").and_then(|v| {
            if v == "1" {
                Ok(())
            } else {
                Err(EventError { field: "v" })
            }
        })?;
        let kind = match fields.text("kind")? {
            "reserved" => EventKind::Reserved {
                expires_at: fields.parse("expires_at")?,
                key: fields.text("key")?.to_owned(),
                body: fields.text("body")?.to_owned(),
                answer: fields.text("answer")?.to_owned(),
            },
            "confirmed" => EventKind::Confirmed {
                payment_ref: fields.text("payment")?.to_owned(),
            },
            "cancelled" => EventKind::Cancelled,
            "expired" => EventKind::Expired,
            "refunded" => EventKind::Refunded,
            "supplied" => EventKind::Supplied {
                supplied: fields.parse("supplied")?,
                limit: fields.parse("limit")?,
            },
            "reopened" => EventKind::Reopened {
                closed_ms: fields.parse("closed_ms")?,
            },
            _ => return Err(EventError { field: "kind" }),
        };
        let about_sku = !matches!(kind, EventKind::Reopened { .. });
        let about_units = about_sku && !matches!(kind, EventKind::Supplied { .. });
        Ok(Self {
            id,
            at: fields.parse("at")?,
            sku: about_sku.then(|| fields.parse("sku")).transpose()?,
            taken: about_units.then(|| fields.taken()).transpose()?,
            kind,
        })
    }
}

struct Fields<'a>(&'a HashMap<String, String>);

impl Fields<'_> {
    fn text(&self, field: &'static str) -> Result<&str, EventError> {
        self.0
            .get(field)
            .map(String::as_str)
            .ok_or(EventError { field })
    }

    fn parse<T: FromStr>(&self, field: &'static str) -> Result<T, EventError> {
        self.text(field)?.parse().map_err(|_| EventError { field })
    }

    fn taken(&self) -> Result<Taken, EventError> {
        let list = |field| numbers(self.text(field)?).ok_or(EventError { field });
        let (units, slots) = (list("units")?, list("slots")?);
        let quantity: usize = self.parse("quantity")?;
        if units.len() != quantity || slots.len() != quantity {
            return Err(EventError { field: "quantity" });
        }
        Ok(Taken {
            reservation: self.text("reservation")?.to_owned(),
            person: self.parse("person")?,
            units,
            slots,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn an_entry_that_is_not_ours_names_the_field_that_is_wrong() {
        let id = EventId { ms: 1, seq: 0 };
        let good = [
            ("v", "1"),
            ("kind", "cancelled"),
            ("at", "5"),
            ("sku", "a"),
            ("person", "p"),
            ("reservation", "r"),
            ("quantity", "2"),
            ("units", "1,2"),
            ("slots", "1,2"),
        ];
        assert!(StockEvent::parse(id, &fields(&good)).is_ok());
        for (field, value) in [
            ("v", "2"),
            ("kind", "x"),
            ("at", ""),
            ("sku", "a b"),
            ("person", ""),
            ("quantity", "3"),
            ("units", "1,,2"),
            ("slots", ""),
        ] {
            let mut bad = fields(&good);
            bad.insert(field.to_owned(), value.to_owned());
            assert_eq!(
                StockEvent::parse(id, &bad),
                Err(EventError { field }),
                "{field}"
            );
        }
    }

    #[test]
    fn event_ids_are_ordered_as_numbers_and_not_as_text() {
        let id = |text: &str| text.parse::<EventId>().unwrap();
        assert!(id("9-0") < id("10-0") && id("10-2") < id("10-10"));
        assert!("10".parse::<EventId>().is_err());
    }
}
