//! One open room as this gateway runs it: its policy, its line, its moment.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entry_pass::RoomId;
use lua::{
    Store,
    room::{Rules, Waitlist},
    sale::Sale,
};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Clock,
    config::Room as Policy,
    moment::{Moment, Moments, Outage, Phase, Refresher, phase},
    release::Releaser,
    status,
    waitlist::{Hold, Line, Opener, Touches},
};

/// How long a sign of life counts: a background tab asks once a minute, and may miss one.
const PRESENCE: Duration = Duration::from_mins(3);
/// Sessions whose confirmed deadline is remembered, for renewing passes.
const SESSIONS_REMEMBERED: usize = 50_000;

type RulesNow = Arc<dyn Fn() -> Rules + Send + Sync>;

/// One open room.
pub struct Room {
    /// Its settings.
    pub policy: Arc<Policy>,
    /// Its line.
    pub line: Line,
    waitlist: Arc<Waitlist>,
    moments: Arc<Moments>,
    touches: Arc<Touches>,
    moved: Arc<Notify>,
}

impl Room {
    /// Starts what the room runs in the background: refresher, releaser, signs of life.
    pub(crate) fn start(
        policy: Policy,
        waitlist_store: &Store,
        stock_store: Option<&Store>,
        clock: &dyn Clock,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Arc<Self>, lua::StoreError> {
        let policy = Arc::new(policy);
        let waitlist = Arc::new(Waitlist::new(waitlist_store.clone(), &policy.id));
        let durable = stock_store.unwrap_or(waitlist_store).clone();
        let longest_poll = policy.poll.longest();
        let hold = Hold {
            restarted: longest_poll,
            lost: longest_poll.max(policy.session),
        };
        let opener = Arc::new(Opener::new(Arc::clone(&waitlist), durable, hold));
        let moments = Arc::new(Moments::new(&policy, clock.now_ms()));
        let moved = Arc::new(Notify::new());
        let rules: RulesNow = {
            let (policy, moments) = (Arc::clone(&policy), Arc::clone(&moments));
            Arc::new(move || rules(&policy, &moments.now()))
        };
        let sale = match (&policy.sale, stock_store) {
            (Some(sale), Some(store)) => Some(Sale::new(store, sale.clone())?),
            _ => None,
        };
        let touches = Arc::new(Touches::new(SESSIONS_REMEMBERED));
        let line = Line::new(&waitlist, &opener, &rules, tasks, stop);

        let refresher = Refresher {
            policy: Arc::clone(&policy),
            waitlist: Arc::clone(&waitlist),
            opener: Arc::clone(&opener),
            sale,
            moments: Arc::clone(&moments),
            moved: Arc::clone(&moved),
            known: Mutex::new((0, 0)),
        };
        tasks.spawn(refresher.run(stop.clone()));
        let releaser = Releaser {
            waitlist: Arc::clone(&waitlist),
            opener,
            rules: Arc::clone(&rules),
            moved: Arc::clone(&moved),
        };
        tasks.spawn(releaser.run(stop.clone()));
        let (noted, stopped) = (Arc::clone(&touches), stop.clone());
        let written = Arc::clone(&waitlist);
        tasks.spawn(async move { noted.run(&written, &rules, stopped).await });

        Ok(Arc::new(Self {
            policy,
            line,
            waitlist,
            moments,
            touches,
            moved,
        }))
    }

    /// Notes that this gateway has stopped in order. Best effort: without the note, the next
    /// opening is the careful one.
    pub(crate) async fn close(&self) {
        if let Err(error) = self.waitlist.close().await {
            tracing::debug!(room.id = %self.policy.id, %error, "the orderly stop was not noted");
        }
    }

    /// Its name.
    pub fn id(&self) -> &RoomId {
        &self.policy.id
    }

    /// The moment to answer from.
    pub fn moment(&self) -> Arc<Moment> {
        self.moments.now()
    }

    /// The phase as of now.
    pub fn phase(&self, moment: &Moment) -> Phase {
        phase(&self.policy, moment.now_ms(), moment.stock.as_ref())
    }

    /// Refreshes the moment soon, because something was changed here.
    pub(crate) fn changed(&self) {
        self.moved.notify_one();
    }

    pub(crate) fn moments(&self) -> &Moments {
        &self.moments
    }

    pub(crate) fn touches(&self) -> &Touches {
        &self.touches
    }

    /// A name for a session that does not exist yet. `None` when the system gives no randomness.
    pub(crate) fn new_jti() -> Option<String> {
        let mut bytes = [0; 16];
        SystemRandom::new().fill(&mut bytes).ok()?;
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// The policy as the scripts take it, in this moment.
fn rules(policy: &Policy, moment: &Moment) -> Rules {
    let phase = phase(policy, moment.now_ms(), moment.stock.as_ref());
    // With the stock store away nobody could buy: whoever is let in now would lose the turn.
    let releasing = phase.releases() && moment.outage != Some(Outage::Stock);
    let ms = |duration: Duration| duration.as_millis() as u64;
    Rules {
        capacity: policy.capacity,
        batch: policy.batch,
        tick_ms: policy.tick_ms(),
        per_minute: policy.rate_per_minute(),
        session_ms: ms(policy.session),
        session_max_ms: ms(policy.session_max),
        offer_ttl_ms: ms(policy.offer_ttl),
        place_kept_ms: ms(policy.place_kept_for),
        presence_ms: ms(PRESENCE),
        near: status::personal_within(policy),
        newcomers_straight_in: releasing && !policy.queue_all,
        releasing,
        sells: policy.sale.is_some(),
    }
}
