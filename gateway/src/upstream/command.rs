//! What an upstream asks of its visitor's session, in the answer's `WR-Command`.

use http::{HeaderMap, HeaderName};

const COMMAND: HeaderName = HeaderName::from_static("wr-command");

/// One command; a response extension. The header itself never reaches the visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// The session's end moves on.
    Extend,
    /// The visitor is done: capacity is free, the pass valid a minute more for the thank-you page.
    Complete,
    /// The session is over now.
    Leave,
    /// The session is over, and no rejoin until the pass would have expired.
    Revoke,
}

/// Takes the command out of the headers. Unknown words, and several that differ, are none.
pub(super) fn take(headers: &mut HeaderMap) -> Option<Command> {
    if !headers.contains_key(COMMAND) {
        return None;
    }
    let mut words = headers
        .get_all(COMMAND)
        .iter()
        .map(|value| parse(value.as_bytes()));
    let first = words.next().flatten();
    let command = first.filter(|first| words.all(|other| other == Some(*first)));
    headers.remove(COMMAND);
    if command.is_none() {
        tracing::debug!("the upstream sent a WR-Command that is none");
    }
    command
}

fn parse(word: &[u8]) -> Option<Command> {
    match word.trim_ascii().to_ascii_lowercase().as_slice() {
        b"extend" => Some(Command::Extend),
        b"complete" => Some(Command::Complete),
        b"leave" => Some(Command::Leave),
        b"revoke" => Some(Command::Revoke),
        _ => None,
    }
}
