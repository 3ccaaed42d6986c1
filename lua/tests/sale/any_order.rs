//! Any order of calls, at any times, with restarts in between: every answer, every event and every
//! key is what the model says, and the stream alone tells the same story.

use std::sync::atomic::Ordering;

use lua::sale::{EventId, Fence, Mark, StockEvent};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{FailurePersistence, FileFailurePersistence},
};

use super::{
    calls::{Call, Reply, ask},
    fixture::{START, Shop},
    model::{Fact, Model},
    picture::{differences, expected, strangers, taken},
    replay::Replay,
    server,
    steps::{Asked, Compared, Step, callers, step, supply},
    stream::{Entry, entries},
};

/// What must be so and is not, in words.
type Wrong = Result<(), String>;

/// The sale, and what is known of it.
struct Stage {
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
    async fn new() -> Self {
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

    async fn step(&mut self, step: &Step, callers: usize) -> Wrong {
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
            _ => {
                let call = step.call(&mut self.asked).expect("the rest are calls");
                self.calls(&call, callers).await
            }
        }
    }

    /// So many callers ask the same at once.
    async fn calls(&mut self, call: &Call, callers: usize) -> Wrong {
        let sale = &self.shop.sale;
        let replies = futures_of(callers, || ask(sale, call)).await;
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
    async fn end(&mut self) -> Wrong {
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

/// The answers to `callers` calls made at once.
async fn futures_of<F: Future<Output = Reply>>(callers: usize, call: impl Fn() -> F) -> Vec<Reply> {
    match callers {
        1 => vec![call().await],
        2 => <[Reply; 2]>::from(tokio::join!(call(), call())).into(),
        _ => <[Reply; 3]>::from(tokio::join!(call(), call(), call())).into(),
    }
}

async fn run(opening: Vec<Step>, steps: Vec<(Step, usize)>) -> Result<(), TestCaseError> {
    let mut stage = Stage::new().await;
    let opening = opening.into_iter().map(|step| (step, 1));
    for (n, (step, callers)) in opening.chain(steps).enumerate() {
        if let Err(wrong) = stage.step(&step, callers).await {
            return Err(TestCaseError::fail(format!(
                "after step {n}, {step:?}:\n{wrong}"
            )));
        }
    }
    stage
        .end()
        .await
        .map_err(|wrong| TestCaseError::fail(format!("at the end:\n{wrong}")))
}

/// Sequences that once failed, beside this file.
fn remembered() -> Box<dyn FailurePersistence> {
    Box::new(FileFailurePersistence::Direct(
        "tests/sale/any_order.regressions",
    ))
}

/// Most sales begin with two skus; some with nothing.
fn opening() -> impl Strategy<Value = Vec<Step>> {
    let seeded = |sku: usize, supplied: u32, limit: u32| Step::Supply {
        sku,
        supplied,
        limit,
        seed: true,
    };
    prop_oneof![
        9 => (1..9u32, 1..5u32, 1..5u32).prop_map(move |(supplied, more, limit)| {
            vec![seeded(0, supplied, limit), seeded(1, more, 1)]
        }),
        1 => vec(supply(), 0..2),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(remembered()),
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_the_sale_is_as_the_model_says(
        opening in opening(),
        steps in vec((step(), callers()), 1..90),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(opening, steps))?;
    }
}
