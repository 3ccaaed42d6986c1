//! The line as a simple model, and the promises as seen from outside.
//!
//! The model says what each step must leave behind. Beside it stands a record of what was answered,
//! with true times, from which the rates are judged: model and scripts could share an error, the
//! record cannot.

use std::collections::{BTreeMap, BTreeSet};

use lua::room::{Answer, Rules};

/// Where a person stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Waiting { seen: Option<u64> },
    Away { until: u64 },
    Offered { until: u64 },
    Inside { until: u64, hard: u64 },
}

/// A room.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) issued: u64,
    pub(crate) serving: u64,
    ticked: u64,
    /// By number: person and place. In this order people are released.
    pub(crate) places: BTreeMap<u64, (u32, Place)>,
    /// When somebody was let in, as the room counts it: newcomers in slices of a tenth of a tick.
    counted: Vec<(u64, u64)>,
    /// When somebody was let in.
    let_in: Vec<(u64, u64)>,
    given: BTreeSet<u64>,
}

impl Model {
    pub(crate) fn count(&self, which: fn(&Place) -> bool) -> u64 {
        self.places
            .values()
            .filter(|(_, place)| which(place))
            .count() as u64
    }

    fn occupied(&self) -> u64 {
        self.count(|place| matches!(place, Place::Offered { .. } | Place::Inside { .. }))
    }

    fn line(&self) -> u64 {
        self.count(|place| matches!(place, Place::Waiting { .. }))
    }

    fn allowed(&self, rules: &Rules, now: u64) -> u64 {
        let since = |length| {
            let counted = self.counted.iter().filter(|(at, _)| at + length > now);
            counted.map(|(_, count)| count).sum::<u64>()
        };
        let in_tick = rules.batch.saturating_sub(since(rules.tick_ms));
        in_tick.min(rules.per_minute.saturating_sub(since(60_000)))
    }

    fn free(&self, rules: &Rules) -> u64 {
        rules.capacity.saturating_sub(self.occupied())
    }

    pub(crate) fn number_of(&self, person: u32) -> Option<u64> {
        self.places
            .iter()
            .find(|(_, (who, _))| *who == person)
            .map(|(number, _)| *number)
    }

    /// Ends what time has ended for one person.
    fn settle(&mut self, number: u64, now: u64, rules: &Rules) {
        let Some((_, place)) = self.places.get_mut(&number) else {
            return;
        };
        match place {
            Place::Offered { until } if *until <= now => {
                *place = Place::Away {
                    until: now + rules.place_kept_ms,
                };
            }
            Place::Inside { until, .. } | Place::Away { until } if *until <= now => {
                self.places.remove(&number);
            }
            _ => {}
        }
    }

    /// How many of a batch that comes now may be let straight in.
    pub(crate) fn straight(&self, rules: &Rules, now: u64) -> u64 {
        if rules.newcomers_straight_in && self.line() == 0 {
            self.free(rules).min(self.allowed(rules, now))
        } else {
            0
        }
    }

    /// One join of a batch; answers the number the person had before. `straight`: how many may
    /// still be let straight in.
    pub(crate) fn join(
        &mut self,
        person: u32,
        straight: &mut u64,
        rules: &Rules,
        now: u64,
    ) -> Option<u64> {
        if let Some(number) = self.number_of(person) {
            self.settle(number, now, rules);
        }
        if let Some(number) = self.number_of(person) {
            let near = number <= self.serving + rules.near;
            match &mut self.places.get_mut(&number).unwrap().1 {
                Place::Waiting { seen } if near => *seen = Some(now),
                place @ Place::Away { .. } => {
                    *place = Place::Waiting {
                        seen: near.then_some(now),
                    };
                    *straight = 0;
                }
                _ => {}
            }
            return Some(number);
        }
        self.issued += 1;
        let place = if *straight > 0 {
            *straight -= 1;
            self.serving = self.issued;
            let slice = (rules.tick_ms / 10).max(1);
            self.counted.push((now.div_ceil(slice) * slice, 1));
            self.let_in.push((now, 1));
            let hard = now + rules.session_max_ms;
            let until = hard.min(now + rules.session_ms);
            Place::Inside { until, hard }
        } else {
            *straight = 0;
            let near = self.issued <= self.serving + rules.near;
            Place::Waiting {
                seen: near.then_some(now),
            }
        };
        self.places.insert(self.issued, (person, place));
        None
    }

    /// Compares an answer with what the model expects of it.
    pub(crate) fn check(&mut self, person: u32, before: Option<u64>, answer: &Answer) {
        let number = crate::line::number(answer);
        assert_eq!(Some(number), self.number_of(person), "{answer:?}");
        if before.is_none() {
            assert!(self.given.insert(number), "{number} was given before");
        } else {
            assert_eq!(before, Some(number), "a person's number changed");
        }
        let expected = &self.places[&number].1;
        let fits = match answer {
            Answer::Waiting { .. } => matches!(expected, Place::Waiting { .. }),
            Answer::Offered { deadline, .. } => *expected == Place::Offered { until: *deadline },
            Answer::Admitted(session) => {
                matches!(expected, Place::Inside { until, .. } if *until == session.expires_at)
            }
            _ => false,
        };
        assert!(fits, "expected {expected:?}, told {answer:?}");
    }

    /// What a release must answer: offered and passed over, or `None` when it is early.
    pub(crate) fn release(&mut self, rules: &Rules, now: u64) -> Option<(u64, u64)> {
        if now < self.ticked + rules.tick_ms {
            return None;
        }
        // Newcomers let straight in since then have used the tick up for those behind them.
        let latest = self.counted.last().map_or(0, |(at, _)| *at);
        let used_up = latest + rules.tick_ms > now && latest > self.ticked;
        if rules.releasing && self.line() > 0 && used_up {
            return None;
        }
        self.ticked = now;
        for number in self.places.keys().copied().collect::<Vec<_>>() {
            self.settle(number, now, rules);
        }
        let want = self.free(rules).min(self.allowed(rules, now));
        let (mut offered, mut passed_over) = (0, 0);
        for (number, (_, place)) in &mut self.places {
            let Place::Waiting { seen } = place else {
                continue;
            };
            if offered == want {
                break;
            }
            self.serving = self.serving.max(*number);
            if seen.is_some_and(|seen| seen + rules.presence_ms > now) {
                offered += 1;
                *place = Place::Offered {
                    until: now + rules.offer_ttl_ms,
                };
            } else {
                passed_over += 1;
                *place = Place::Away {
                    until: now + rules.place_kept_ms,
                };
            }
        }
        if offered > 0 {
            self.counted.push((now, offered));
            self.let_in.push((now, offered));
        }
        Some((offered, passed_over))
    }

    /// What a claim does: the deadline of the session, if there is one then.
    pub(crate) fn claim(&mut self, person: u32, rules: &Rules, now: u64) -> Option<u64> {
        let number = self.number_of(person)?;
        let place = &mut self.places.get_mut(&number)?.1;
        if let Place::Offered { until } = place
            && *until > now
        {
            let hard = now + rules.session_max_ms;
            *place = Place::Inside {
                until: hard.min(now + rules.session_ms),
                hard,
            };
        }
        match place {
            Place::Inside { until, .. } if *until > now => Some(*until),
            _ => None,
        }
    }

    /// What a sign of life does: the deadline of the session, if there is one.
    pub(crate) fn touch(&mut self, person: u32, rules: &Rules, now: u64) -> Option<u64> {
        let number = self.number_of(person)?;
        match &mut self.places.get_mut(&number)?.1 {
            Place::Waiting { seen } => {
                *seen = Some(now);
                None
            }
            Place::Inside { until, hard } if *until > now => {
                *until = (*until).max((now + rules.session_ms).min(*hard));
                Some(*until)
            }
            _ => None,
        }
    }

    /// Whether there was anything to leave.
    pub(crate) fn leave(&mut self, person: u32) -> bool {
        self.number_of(person)
            .is_some_and(|number| self.places.remove(&number).is_some())
    }

    /// What must hold at every moment, judged by what was answered.
    pub(crate) fn promises_hold(&self, rules: &Rules) {
        assert!(self.occupied() <= rules.capacity, "more inside than fit");
        for (end, _) in &self.let_in {
            let within = |length: u64| -> u64 {
                let window = self
                    .let_in
                    .iter()
                    .filter(|(at, _)| at <= end && at + length > *end);
                window.map(|(_, count)| count).sum()
            };
            assert!(
                within(60_000) <= rules.per_minute,
                "too many in the minute up to {end}"
            );
            assert!(
                within(rules.tick_ms) <= rules.batch,
                "too many in the tick up to {end}"
            );
        }
    }
}
