//! Who comes: how a crowd is divided into roles. Shares are met exactly (largest remainder), not
//! only on average, so that a crowd of fifty still has its cheat; who plays what is shuffled.

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde::{Deserialize, Serialize};

/// What a visitor is up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Waits as told, buys one unit, leaves.
    Buyer,
    /// Gives up its place while waiting.
    Leaver,
    /// Joins again and reloads all the time; buys when let in.
    Refresher,
    /// Sends everything twice: claim, reservation (once over a cut connection), confirm.
    Retrier,
    /// Reserves, never pays nor cancels, walks away without a word.
    NonPayer,
    /// Comes in, looks and leaves.
    Browser,
    /// Tries every way around the line, then buys like anybody.
    Cheat,
    /// Is away when its turn comes, and returns later.
    Absent,
}

impl Role {
    /// All roles, in the order of [`Shares`].
    pub const ALL: [Self; 8] = [
        Self::Buyer,
        Self::Leaver,
        Self::Refresher,
        Self::Retrier,
        Self::NonPayer,
        Self::Browser,
        Self::Cheat,
        Self::Absent,
    ];

    /// Whether it means to pay once it is inside.
    pub fn pays(self) -> bool {
        !matches!(self, Self::Leaver | Self::NonPayer | Self::Browser)
    }
}

/// The share of each role. Any non-negative numbers: they are weighed against their sum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "each is the share of the role of that name")]
pub struct Shares {
    pub buyer: f64,
    pub leaver: f64,
    pub refresher: f64,
    pub retrier: f64,
    pub non_payer: f64,
    pub browser: f64,
    pub cheat: f64,
    pub absent: f64,
}

impl Default for Shares {
    fn default() -> Self {
        Self {
            buyer: 0.60,
            leaver: 0.08,
            refresher: 0.08,
            retrier: 0.07,
            non_payer: 0.06,
            browser: 0.04,
            cheat: 0.04,
            absent: 0.03,
        }
    }
}

impl Shares {
    fn of(&self, role: Role) -> f64 {
        let share = match role {
            Role::Buyer => self.buyer,
            Role::Leaver => self.leaver,
            Role::Refresher => self.refresher,
            Role::Retrier => self.retrier,
            Role::NonPayer => self.non_payer,
            Role::Browser => self.browser,
            Role::Cheat => self.cheat,
            Role::Absent => self.absent,
        };
        if share.is_finite() {
            share.max(0.0)
        } else {
            0.0
        }
    }
}

/// Divides `visitors` by `shares`; with no share at all, everybody is a buyer.
pub(super) fn cast(visitors: u32, shares: &Shares, seed: u64) -> Vec<Role> {
    let sum: f64 = Role::ALL.iter().map(|role| shares.of(*role)).sum();
    let mut quotas: Vec<(Role, f64)> = Role::ALL
        .iter()
        .map(|role| {
            let wanted = if sum > 0.0 {
                shares.of(*role) / sum
            } else {
                0.0
            };
            (*role, wanted * f64::from(visitors))
        })
        .collect();
    let mut cast: Vec<Role> = quotas
        .iter()
        .flat_map(|(role, quota)| std::iter::repeat_n(*role, quota.floor() as usize))
        .collect();
    quotas.sort_by(|a, b| b.1.fract().total_cmp(&a.1.fract()));
    let rest = quotas
        .iter()
        .filter(|(_, quota)| quota.fract() > 0.0)
        .map(|(role, _)| *role);
    let missing = (visitors as usize).saturating_sub(cast.len());
    cast.extend(rest.chain(std::iter::repeat(Role::Buyer)).take(missing));
    cast.shuffle(&mut StdRng::seed_from_u64(seed));
    cast
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn even_a_small_crowd_has_everybody_in_it() {
        let cast = cast(50, &Shares::default(), 7);
        for role in Role::ALL {
            assert!(cast.contains(&role), "{role:?}");
        }
    }

    proptest! {
        #[test]
        fn the_same_plan_gives_the_same_cast_of_the_right_size(
            visitors in 0u32..3000, seed: u64, buyer in 0.0f64..2.0, cheat in -1.0f64..2.0,
        ) {
            let shares = Shares { buyer, cheat, ..Shares::default() };
            let once = cast(visitors, &shares, seed);
            prop_assert_eq!(once.len(), visitors as usize);
            prop_assert_eq!(once, cast(visitors, &shares, seed));
        }
    }
}
