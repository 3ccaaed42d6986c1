//! The real sale and the model side by side, step by step.

use std::sync::atomic::Ordering;

use futures::future::join_all;
use lua::sale::{EventId, Fence, Mark, StockEvent};

use super::{
    calls::{Call, ask},
    fixture::{START, Shop},
    model::{Fact, Model},
    picture::{differences, expected, strangers, taken},
    replay::Replay,
    server,
    steps::{Asked, Compared, Step},
    stream::{Entry, entries},
};

/// What must be so and is not, in words.
pub(crate) type Wrong = Result<(), String>;

/// The sale, and what is known of it.
pub(crate) struct Stage {
    shop: Shop,
    model: Model,
    replay: Replay,
    asked: Asked,
    now: i64,
    /// The last event read.
    read: String,
    /// How far the line has been told, and what it has yet to be told.
    told: String,
    marks: Vec<Mark>,
    restarts: u32,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let shop = Shop::at(server::forgetful()).await;
        let model = Model {
            server: shop.run_id().await,
            ..Model::default()
        };
        Self {
            shop,
            model,
            replay: Replay::default(),
            asked: Asked::new(),
            now: START as i64,
            read: "0-0".to_owned(),
            told: "0-0".to_owned(),
            marks: Vec::new(),
            restarts: 0,
        }
    }

    pub(crate) async fn step(&mut self, step: &Step, callers: usize) -> Wrong {
        match step {
            Step::Pass(ms) => {
                self.now += ms;
                self.shop.time.store(self.now as u64, Ordering::Relaxed);
                Ok(())
            }
            Step::Restart => self.restart().await,
            Step::Break(reason) => self.break_it(&format!("reason-{reason}")).await,
            Step::Reopen(compared) => self.reopen(*compared, callers).await,
            Step::Feed => self.feed().await,
            Step::Together(steps) => self.together(steps).await,
            _ => {
                let call = step.call(&mut self.asked).expect("the rest are calls");
                self.calls(&call, callers).await
            }
        }
    }

    /// So many callers ask the same at once.
    async fn calls(&mut self, call: &Call, callers: usize) -> Wrong {
        let sale = &self.shop.sale;
        let replies = join_all((0..callers).map(|_| ask(sale, call))).await;
        let entries = self.new_entries().await;
        let mut ids = entries.iter().map(|(id, _)| id.parse().unwrap()).collect();
        let (mut must, mut facts) = (Vec::new(), Vec::new());
        for _ in 0..callers {
            let (reply, some) = self.model.answer(call, self.now, &mut ids);
            must.push(reply);
            facts.extend(some);
        }
        // Who of several got what is nobody's business.
        for reply in &replies {
            let at = must.iter().position(|must| must == reply);
            let at = at.ok_or_else(|| format!("answered {reply:?}, must be one of {must:?}"))?;
            must.remove(at);
        }
        self.events_are(&entries, &facts)?;
        self.compare().await
    }

    /// Those who reserve at the same moment, each something else, are answered in the order they came.
    async fn together(&mut self, steps: &[Step]) -> Wrong {
        let calls = steps.iter().filter_map(|step| step.call(&mut self.asked));
        let calls: Vec<Call> = calls.collect();
        let sale = &self.shop.sale;
        let replies = join_all(calls.iter().map(|call| ask(sale, call))).await;
        let entries = self.new_entries().await;
        let mut ids = entries.iter().map(|(id, _)| id.parse().unwrap()).collect();
        let mut facts = Vec::new();
        for (call, reply) in calls.iter().zip(replies) {
            let (must, some) = self.model.answer(call, self.now, &mut ids);
            if reply != must {
                return Err(format!("answered {reply:?}, must be {must:?}: {call:?}"));
            }
            facts.extend(some);
        }
        self.events_are(&entries, &facts)?;
        self.compare().await
    }

    async fn new_entries(&mut self) -> Vec<Entry> {
        let after = format!("({}", self.read);
        let entries = entries(&self.shop.sale, &after).await;
        if let Some((id, _)) = entries.last() {
            self.read.clone_from(id);
        }
        entries
    }

    /// The events are those, word for word, and the replay believes them.
    fn events_are(&mut self, entries: &[Entry], facts: &[Fact]) -> Wrong {
        for n in 0..entries.len().max(facts.len()) {
            let (written, must) = (entries.get(n), facts.get(n));
            let same = written.zip(must).is_some_and(|((_, fields), must)| {
                let has = |(name, value): (&&str, &String)| fields.get(*name) == Some(value);
                fields.len() == must.len() && must.iter().all(has)
            });
            if !same {
                return Err(format!("the event {written:?} must be {must:?}"));
            }
        }
        for (id, fields) in entries {
            let id: EventId = id.parse().unwrap();
            let event = StockEvent::parse(id, fields).map_err(|error| error.to_string())?;
            self.replay.take(&event)?;
            let person = event.taken.map(|taken| taken.person);
            match (event.kind.word(), person) {
                ("reserved", Some(person)) => self.marks.push(Mark::Reserved(person)),
                ("cancelled", Some(person)) => self.marks.push(Mark::Freed(person)),
                _ => {}
            }
        }
        Ok(())
    }

    async fn compare(&self) -> Wrong {
        let (sale, mut redis) = (&self.shop.sale, self.shop.sale.store().fast());
        let keys = self.model.keys.keys().cloned();
        let taken = taken(sale, &mut redis, keys).await;
        let mut wrong = differences(&expected(&self.model), &taken);
        wrong.extend(self.replay.differences(&self.model));
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(wrong.join("\n"))
        }
    }

    /// The sale as another server process finds it.
    async fn restart(&mut self) -> Wrong {
        if self.model.clock.is_none() || self.model.opened_under.is_some() {
            return Ok(());
        }
        self.restarts += 1;
        let before = format!("process-{}", self.restarts);
        let state = &self.shop.sale.keys().state;
        self.shop.redis(&["HSET", state, "run_id", &before]).await;
        self.model.opened_under = Some(before);
        self.compare().await
    }

    async fn break_it(&mut self, reason: &str) -> Wrong {
        let marked = self.shop.sale.mark_broken(reason).await;
        let marked = marked.map_err(|error| error.to_string())?;
        if marked != self.model.clock.is_some() {
            return Err(format!("marked: {marked}"));
        }
        self.model.broken = marked.then(|| reason.to_owned());
        self.compare().await
    }

    /// A recorder looks where the sale stands, and opens it.
    async fn reopen(&mut self, compared: Compared, callers: usize) -> Wrong {
        let must = match &self.model {
            it if it.clock.is_none() => None,
            it if it.is_open() => Some(Fence::Open),
            it => Some(Fence::Shut(it.shut())),
        };
        let fence = self.shop.sale.fence().await;
        let fence = fence.map_err(|error| error.to_string())?;
        let missing = matches!(fence, Fence::Missing { all: true, .. });
        if must.is_none() != missing || must.is_some_and(|must| must != fence) {
            return Err(format!("the fence is {fence:?}"));
        }
        let mut shut = self.model.shut();
        match compared {
            Compared::Rightly => {}
            Compared::OtherProcess => shut.run_id.push('x'),
            Compared::OtherReason => shut.broken = Some("another".to_owned()),
        }
        self.calls(&Call::Reopen { compared: shut }, callers).await
    }

    /// The line hears counts, and every mark once.
    async fn feed(&mut self) -> Wrong {
        let feed = self
            .shop
            .sale
            .feed(&self.told)
            .await
            .map_err(|error| error.to_string())?;
        let open = self.model.is_open();
        let marks = if open {
            std::mem::take(&mut self.marks)
        } else {
            Vec::new()
        };
        if (feed.open, &feed.marks) != (open, &marks) {
            return Err(format!("fed {feed:?}, must be {marks:?}, open: {open}"));
        }
        for sku in &feed.skus {
            let (name, stock) = (sku.sku.as_str(), &self.model.stock[sku.sku.as_str()]);
            let right = sku.available == self.model.available(name)
                && sku.available + sku.held + sku.sold == stock.supplied
                && sku.supplied == stock.supplied
                && sku.limit == stock.limit;
            if !right {
                return Err(format!("fed {sku:?} of {stock:?}"));
            }
        }
        if feed.skus.len() != self.model.stock.len() {
            return Err(format!("fed only {:?}", feed.skus));
        }
        self.told = feed.cursor;
        Ok(())
    }

    /// Opens it again, hears the rest, and leaves nothing behind.
    pub(crate) async fn end(&mut self) -> Wrong {
        self.reopen(Compared::Rightly, 1).await?;
        self.feed().await?;
        let (sale, mut redis) = (&self.shop.sale, self.shop.sale.store().fast());
        let strangers = strangers(sale.keys(), &mut redis, sale).await;
        if strangers.is_empty() {
            Ok(())
        } else {
            Err(format!("keys of nobody: {strangers:?}"))
        }
    }
}
