//! Those who reserve at the same moment go to the store together.
//!
//! One call for many costs the store about half of what as many calls do (`docs/performance.md`). Nobody waits for company: a call leaves at once with whoever is there, and those who come
//! while two calls are under way go with the next. Each is decided by the script as if alone, after it
//! asked and before it is answered.

use std::{collections::VecDeque, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use super::{Reserve, Reserved, Sale, SaleError, scripts};
use crate::StoreError;

/// Most in one call, and most units they may ask for: about a millisecond of the store's time.
const MOST: usize = 64;
const UNITS: u32 = 400;
/// Calls under way at once: the store works on one while the other is read or gathered.
const CALLS: usize = 2;

/// Who waits to be taken along, and the calls under way.
#[derive(Default)]
pub(super) struct Together {
    line: Mutex<Line>,
    /// They end by themselves, before the requests that wait for them.
    tasks: TaskTracker,
}

/// Under one lock: nobody can come between a call that finds nobody and its end.
#[derive(Default)]
struct Line {
    waiting: VecDeque<Asked>,
    calls: usize,
}

struct Asked {
    key: String,
    packed: String,
    units: u32,
    answer: oneshot::Sender<Result<Reserved, SaleError>>,
}

impl Together {
    /// Puts one into the line; whether a call is to begin for it.
    fn push(&self, asked: Asked) -> bool {
        let mut line = self.line.lock();
        line.waiting.push_back(asked);
        // Whoever stands before has seen to a call, unless that one was given up.
        let begin = line.calls == 0 || (line.calls < CALLS && line.waiting.len() == 1);
        line.calls += usize::from(begin);
        begin
    }

    /// Those who go now; None when nobody waits: then the call is over. The flag says whether another
    /// call is to begin for those who stay behind. Who gave up meanwhile asks for nothing.
    fn take(&self) -> Option<(Vec<Asked>, bool)> {
        let mut line = self.line.lock();
        let (mut going, mut units) = (Vec::with_capacity(line.waiting.len().min(MOST)), 0);
        while let Some(next) = line.waiting.front() {
            if next.answer.is_closed() {
                line.waiting.pop_front();
                continue;
            }
            units += next.units;
            if going.len() == MOST || (units > UNITS && !going.is_empty()) {
                break;
            }
            going.extend(line.waiting.pop_front());
        }
        if going.is_empty() {
            line.calls -= 1;
            return None;
        }
        let another = !line.waiting.is_empty() && line.calls < CALLS;
        line.calls += usize::from(another);
        Some((going, another))
    }
}

/// A call's place among those under way. One that is dropped, with its runtime or by a panic, does
/// not keep it.
struct Call {
    together: Arc<Together>,
    over: bool,
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.over {
            self.together.line.lock().calls -= 1;
        }
    }
}

impl Sale {
    /// Reserves. Repeating a call with the same key and body has the effect of one.
    pub async fn reserve(&self, what: &Reserve<'_>) -> Result<Reserved, SaleError> {
        let (answer, told) = oneshot::channel();
        let begin = self.together.push(Asked {
            key: self.keys.idempotency(what.person, what.key),
            packed: what.packed(),
            units: what.units(),
            answer,
        });
        if begin {
            self.begin_a_call();
        }
        told.await.unwrap_or_else(|_| Err(given_up()))
    }

    fn begin_a_call(&self) {
        let call = Call {
            together: Arc::clone(&self.together),
            over: false,
        };
        // A task of its own, because a caller who gives up must not take the others along.
        let calling = self.clone().call_while_anybody_waits(call);
        self.together.tasks.spawn(calling);
    }

    async fn call_while_anybody_waits(self, mut call: Call) {
        loop {
            // Those whose requests have been read already come along.
            tokio::task::yield_now().await;
            let Some((going, another)) = self.together.take() else {
                call.over = true;
                return;
            };
            if another {
                self.begin_a_call();
            }
            self.reserve_together(going).await;
        }
    }

    async fn reserve_together(&self, going: Vec<Asked>) {
        let mut keys = Vec::with_capacity(8 + going.len());
        keys.extend(self.keys.whole());
        keys.extend(going.iter().map(|asked| asked.key.as_str()));
        let args: Vec<&str> = going.iter().map(|asked| asked.packed.as_str()).collect();
        let reply = self.fast(&scripts::RESERVE, &keys, &args).await;
        // Whoever gave up hears nothing.
        match reply.and_then(|reply| reply.answers("answers", going.len())) {
            Ok(answers) => {
                for (asked, answer) in going.into_iter().zip(answers) {
                    let _ = asked.answer.send(Reserved::parse(answer));
                }
            }
            Err(error) => {
                for asked in going {
                    let _ = asked.answer.send(Err(error.clone()));
                }
            }
        }
    }
}

/// The call was dropped with its runtime: whether it ran is unknown.
fn given_up() -> SaleError {
    let source = std::io::Error::from(std::io::ErrorKind::Interrupted).into();
    StoreError::Away {
        call: "sale/reserve.lua",
        source,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(together: &Together) -> (bool, oneshot::Receiver<Result<Reserved, SaleError>>) {
        let (answer, told) = oneshot::channel();
        let asked = Asked {
            key: "k".to_owned(),
            packed: "p".to_owned(),
            units: 1,
            answer,
        };
        (together.push(asked), told)
    }

    #[test]
    fn who_comes_as_a_call_ends_begins_one() {
        let together = Together::default();
        let (first, told) = ask(&together);
        assert!(first && together.take().is_some());
        assert!(ask(&together).0, "one under way, and nobody waits");
        assert!(!ask(&together).0, "there is one for those who wait");
        drop(told);
        while together.take().is_some() {}
        assert!(together.take().is_none());
        assert!(ask(&together).0, "both ended");
    }

    #[test]
    fn a_call_that_was_given_up_is_begun_again_by_the_next_who_asks() {
        let together = Arc::new(Together::default());
        let (begin, _told) = ask(&together);
        assert!(begin);
        drop(Call {
            together: Arc::clone(&together),
            over: false,
        });
        let (begin, _told_too) = ask(&together);
        assert!(begin);
        assert_eq!(together.take().map(|(going, _)| going.len()), Some(2));
    }
}
