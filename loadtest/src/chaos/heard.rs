//! The log of answers: what each buyer asked, what it was told, and when.
//!
//! Kept outside the system and only ever added to, it is what the oracle holds the system to. A
//! request without an answer is in it as well, because it may have been done.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// Units, with an idempotency key.
    Reserve,
    /// To pay for a hold.
    Confirm,
    /// To give a hold back.
    Cancel,
    /// To take an order back, by the operator.
    Refund,
    /// Where a reservation stands.
    Read,
}

/// One request and its answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words of the contract")]
pub struct Heard {
    pub ask: Ask,
    /// Unix ms.
    pub asked: u64,
    /// Unix ms; when it was given up if no answer came.
    pub answered: u64,
    pub person: String,
    pub sku: String,
    pub quantity: u64,
    pub key: String,
    /// None of a reserve.
    pub reservation: String,
    pub payment_ref: String,
    /// 0: no answer.
    pub status: u16,
    pub retry_after: bool,
    /// The problem's type, or the state that was answered.
    pub word: String,
    pub body: String,
}

impl Heard {
    /// Whether it is an answer to go by, and not one to ask again after.
    pub fn is_definite(&self) -> bool {
        (200..500).contains(&self.status) && self.status != 429
    }

    /// One line for people.
    pub fn line(&self) -> String {
        let what = match self.ask {
            Ask::Reserve => format!(
                "reserve {} {} with key {}",
                self.quantity, self.sku, self.key
            ),
            ask => format!("{ask:?} {}", self.reservation).to_lowercase(),
        };
        format!(
            "{} {what}: {} {} (asked at {}, answered after {} ms)",
            self.person,
            self.status,
            self.word,
            self.asked,
            self.answered.saturating_sub(self.asked)
        )
    }
}

/// Where answers are written down.
pub(super) struct Log {
    kept: Mutex<(Vec<Heard>, BufWriter<File>)>,
}

impl Log {
    /// A new file.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let file = BufWriter::new(File::create(path)?);
        Ok(Self {
            kept: Mutex::new((Vec::new(), file)),
        })
    }

    pub(super) fn add(&self, heard: Heard) {
        let mut kept = self.kept.lock();
        if let Ok(line) = serde_json::to_string(&heard) {
            // The copy in memory is what is judged; the file is for whoever looks at a failure.
            let _ = writeln!(kept.1, "{line}");
        }
        kept.0.push(heard);
    }

    /// How many answers so far.
    pub(super) fn len(&self) -> u64 {
        self.kept.lock().0.len() as u64
    }

    /// Everything so far, in the order in which it was answered; the file has it too.
    pub(super) fn all(&self) -> io::Result<Vec<Heard>> {
        let mut kept = self.kept.lock();
        kept.1.flush()?;
        Ok(kept.0.clone())
    }
}
