//! The buckets' memory: bounded whatever comes.
//!
//! governor's own maps grow with every key, and keys are free to make for whoever owns an IPv6
//! network. Here, once full, newcomers share a fixed number of buckets by hash: those already known
//! keep theirs, an attacker's newcomers crowd each other, and nobody is let through uncounted.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use governor::{
    nanos::Nanos,
    state::{StateStore, keyed::ShrinkableKeyedStateStore},
};
use parking_lot::Mutex;

/// Buckets that newcomers share once the memory is full.
const SHARED: usize = 4096;

/// By key (a hash already), when the bucket will be full again, in nanoseconds of governor's clock.
pub(super) struct Remembered {
    most: usize,
    states: Mutex<States>,
}

struct States {
    own: HashMap<u64, u64, BuildHasherDefault<AsIs>>,
    shared: Box<[u64]>,
}

/// Keys are hashes; hashing them again would be waste.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl Remembered {
    pub(super) fn new(most: usize) -> Self {
        let states = States {
            own: HashMap::default(),
            shared: Box::default(),
        };
        Self {
            most,
            states: Mutex::new(states),
        }
    }
}

impl StateStore for Remembered {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut states = self.states.lock();
        let states = &mut *states;
        if let Some(state) = states.own.get_mut(key) {
            let (outcome, new) = f(Some(Nanos::from(*state)))?;
            *state = new.as_u64();
            return Ok(outcome);
        }
        if states.own.len() < self.most {
            let (outcome, new) = f(None)?;
            states.own.insert(*key, new.as_u64());
            return Ok(outcome);
        }
        if states.shared.is_empty() {
            states.shared = vec![0; SHARED].into();
        }
        let state = &mut states.shared[*key as usize % SHARED];
        let (outcome, new) = f((*state != 0).then(|| Nanos::from(*state)))?;
        *state = new.as_u64();
        Ok(outcome)
    }
}

impl ShrinkableKeyedStateStore<u64> for Remembered {
    fn retain_recent(&self, drop_below: Nanos) {
        let below = drop_below.as_u64();
        self.states.lock().own.retain(|_, state| *state > below);
    }

    /// Only after a storm, or every quiet spell would be paid for by growing again.
    fn shrink_to_fit(&self) {
        let mut states = self.states.lock();
        if states.own.capacity() > 4096 && states.own.len() < states.own.capacity() / 8 {
            states.own.shrink_to_fit();
        }
    }

    fn len(&self) -> usize {
        self.states.lock().own.len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
