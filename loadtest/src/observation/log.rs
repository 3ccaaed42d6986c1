//! The log's lines, and its reader. A damaged line is an error: a judge that skipped what it cannot
//! read would call a broken run honest.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::{Answer, End};

/// One line of a child's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Record {
    /// An answer was received, or given up on.
    Answer(Answer),
    /// A visitor went home.
    End(End),
}

/// Everything the crowd saw.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observations {
    /// In the order asked.
    pub answers: Vec<Answer>,
    /// One per visitor that came to an end.
    pub ends: Vec<End>,
}

/// A log that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file is missing or unreadable.
    #[error("the crowd's log cannot be read: {0}")]
    Io(#[from] io::Error),
    /// A line is not what a child writes.
    #[error("line {line} of the crowd's log is damaged: {source}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl Observations {
    /// Adds the log of one child. Call [`Self::sort`] after the last one.
    pub fn add_log(&mut self, path: &Path) -> Result<(), LogError> {
        for (at, line) in BufReader::new(File::open(path)?).lines().enumerate() {
            match serde_json::from_str(&line?) {
                Ok(Record::Answer(answer)) => self.answers.push(answer),
                Ok(Record::End(end)) => self.ends.push(end),
                Err(source) => {
                    return Err(LogError::Line {
                        line: at + 1,
                        source,
                    });
                }
            }
        }
        Ok(())
    }

    /// Puts the answers of all children into the order in which they were asked.
    pub fn sort(&mut self) {
        self.answers
            .sort_by_key(|answer| (answer.asked, answer.answered, answer.visitor));
        self.ends.sort_by_key(|end| (end.at, end.visitor));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{Ask, State};

    #[test]
    fn a_log_is_read_as_it_was_written_and_a_cut_line_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("crowd.jsonl");
        let mut answer = Answer::new(7, Ask::Ticket, 5);
        (answer.number, answer.state, answer.retry_after) = (Some(9), Some(State::Waiting), true);
        let line = serde_json::to_string(&Record::Answer(answer.clone())).unwrap();
        std::fs::write(&path, format!("{line}\n")).unwrap();
        let mut seen = Observations::default();
        seen.add_log(&path).unwrap();
        assert_eq!(seen.answers, [answer]);
        std::fs::write(&path, format!("{line}\n{}", &line[..20])).unwrap();
        let refused = Observations::default().add_log(&path).unwrap_err();
        assert!(
            matches!(refused, LogError::Line { line: 2, .. }),
            "{refused}"
        );
    }
}
