//! Every way in which one side may be damaged that anybody could think of.

use futures::future::BoxFuture;
use lua::sale::{Picture, Reservation, State};
use purchase::audit::Kind;
use rand::{Rng, rngs::StdRng, seq::IteratorRandom};

use super::stall::Stall;

type Apply = for<'a> fn(&'a Stall, &'a Target) -> BoxFuture<'a, bool>;

/// One kind of damage.
pub(crate) struct Corruption {
    pub(crate) name: &'static str,
    /// One of these must be found.
    pub(crate) kinds: &'static [Kind],
    /// Whether it adds a fact that a repair may believe.
    pub(crate) invents: bool,
    apply: Apply,
}

/// What a damage may hit, drawn by the seed.
pub(crate) struct Target {
    held: (String, Reservation),
    sold: (String, Reservation),
    refunded: (String, Reservation),
    cancelled: (String, Reservation),
    free: Option<String>,
    key: usize,
    by: i64,
    picture: Picture,
}

impl Corruption {
    /// Does it; says to what. None: there was nothing to do it to.
    pub(crate) async fn apply(&self, stall: &Stall, rng: &mut StdRng) -> Option<String> {
        let picture = stall.desk.stock.picture().await.ok()?;
        let mut of = |state: State| {
            let mut records: Vec<(String, Reservation)> = picture
                .reservations
                .iter()
                .filter_map(|(id, text)| Some((id.clone(), Reservation::unpack(text)?)))
                .filter(|(_, record)| record.state == state)
                .collect();
            records.sort_by(|a, b| a.0.cmp(&b.0));
            records.into_iter().choose(rng)
        };
        let (held, sold) = (of(State::Held)?, of(State::Sold)?);
        let (refunded, cancelled) = (of(State::Refunded)?, of(State::Cancelled)?);
        let mut free = picture.free.clone();
        free.sort();
        let target = Target {
            held,
            sold,
            refunded,
            cancelled,
            free: free.into_iter().choose(rng),
            key: rng.random_range(0..8),
            by: rng.random_range(1..4) * if rng.random() { 1 } else { -1 },
            picture,
        };
        let done = (self.apply)(stall, &target).await;
        done.then(|| {
            format!(
                "held {} sold {} by {}",
                target.held.0, target.sold.0, target.by
            )
        })
    }
}

macro_rules! corruptions {
    ($($name:literal, [$($kind:ident),+] $($invents:ident)?, |$stall:ident, $t:ident| $body:expr;)+) => {
        pub(crate) const ALL: &[Corruption] = &[$(Corruption {
            name: $name,
            kinds: &[$(Kind::$kind),+],
            invents: corruptions!(@ $($invents)?),
            apply: |$stall, $t| async move { $body }.boxed(),
        }),+];
    };
    (@) => { false };
    (@ invents) => { true };
}

mod ledger;
mod stock;

/// All of them.
pub(crate) fn all() -> Vec<&'static Corruption> {
    stock::ALL.iter().chain(ledger::ALL).collect()
}

/// Changes one record's word.
async fn record(stall: &Stall, of: &(String, Reservation), at: usize, word: &str) -> bool {
    let text = of.1.pack();
    let mut words: Vec<&str> = text.split(' ').collect();
    words[at] = word;
    let keys = stall.desk.stock.keys();
    stall
        .redis(&["HSET", &keys.reservations, &of.0, &words.join(" ")])
        .await;
    true
}

async fn figure(stall: &Stall, name: &str, by: i64) -> bool {
    let field = format!("{}:{name}", stall.sku());
    stall
        .redis(&[
            "HINCRBY",
            &stall.desk.stock.keys().stock,
            &field,
            &by.to_string(),
        ])
        .await;
    true
}

fn slots_of(record: &Reservation) -> String {
    format!("{} {}", record.sku, record.person)
}

fn key_of(stall: &Stall, of: &(String, Reservation)) -> String {
    let key = of.0.rsplit_once('.').unwrap().1;
    stall.desk.stock.keys().idempotency(&of.1.person, key)
}

fn ghost(stall: &Stall) -> String {
    format!("r.{}.{}", stall.desk.stock.id(), "f".repeat(32))
}
