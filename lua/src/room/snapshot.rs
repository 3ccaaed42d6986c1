//! The moment a gateway answers polls from.

use entry_pass::TicketNumber;

use super::{WaitlistError, reply::Reply};

/// One moment of a room. Times in ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Redis TIME of this moment.
    pub now_ms: u64,
    /// The room's epoch.
    pub epoch: u64,
    /// The newest number given.
    pub issued: u64,
    /// The number the counter may not pass.
    pub ceiling: u64,
    /// The watermark.
    pub serving: u64,
    /// When the last tick was taken, or the last newcomer let straight in: the next batch comes a
    /// tick later.
    pub released_at: u64,
    /// Until when nobody is released beyond what survived a loss.
    pub hold_until: u64,
    /// How many wait.
    pub waiting: u64,
    /// How many are offered.
    pub offers: u64,
    /// How many are inside.
    pub sessions: u64,
    /// How many were away at their turn and may still come back.
    pub away: u64,
    /// What can still be sold, once the stock store was read.
    pub sellable: Option<u64>,
    /// How far the sale's stream was read.
    pub stock_cursor: String,
    /// How many were released in the last minute.
    pub released_lately: u64,
    /// Index in the log of leavers of the first one below.
    pub gone_from: u64,
    /// Numbers that left the line, in leaving order.
    pub gone: Vec<TicketNumber>,
    /// Index in the log of ended passes of the first one below.
    pub ended_from: u64,
    /// Passes that ended before their time.
    pub ended: Vec<EndedPass>,
    /// Stretches of numbers that restarts skipped: after the first, up to and with the second.
    /// Nobody behind one counts its numbers beyond the watermark as people ahead. The few who re-enter
    /// inside one are not worth taking it apart.
    pub never_given: Vec<(TicketNumber, TicketNumber)>,
}

/// A pass that ended before its `exp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedPass {
    /// The pass.
    pub jti: String,
    /// From when it is refused, in ms.
    pub refused_from: u64,
    /// When it would have expired; after that nobody needs to remember it.
    pub expires_at: u64,
}

impl Snapshot {
    pub(super) fn parse(mut reply: Reply<'_>) -> Result<Self, WaitlistError> {
        let snapshot = Self {
            now_ms: reply.number()?,
            epoch: reply.number()?,
            issued: reply.number()?,
            ceiling: reply.number()?,
            serving: reply.number()?,
            released_at: reply.number()?,
            hold_until: reply.number()?,
            waiting: reply.number()?,
            offers: reply.number()?,
            sessions: reply.number()?,
            away: reply.number()?,
            sellable: reply.optional_number()?,
            stock_cursor: reply.text()?,
            released_lately: reply.number()?,
            gone_from: reply.number()?,
            gone: words(&reply.text()?, |word| word.parse().ok().map(TicketNumber)),
            ended_from: reply.number()?,
            ended: words(&reply.text()?, |word| {
                let mut parts = word.split('|');
                Some(EndedPass {
                    jti: parts.next()?.to_owned(),
                    refused_from: parts.next()?.parse().ok()?,
                    expires_at: parts.next()?.parse().ok()?,
                })
            }),
            never_given: words(&reply.text()?, |word| {
                let (after, up_to) = word.split_once('-')?;
                Some((
                    TicketNumber(after.parse().ok()?),
                    TicketNumber(up_to.parse().ok()?),
                ))
            }),
        };
        Ok(snapshot)
    }
}

fn words<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
    text.split(' ')
        .filter(|word| !word.is_empty())
        .filter_map(parse)
        .collect()
}
