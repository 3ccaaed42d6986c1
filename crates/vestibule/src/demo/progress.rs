//! The line that moves while the crowd rushes the shop; plain lines where there is no terminal.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use loadtest::Progress;

/// Between two plain lines.
const PLAIN: Duration = Duration::from_secs(5);

/// Shows a crowd's progress.
pub(super) struct Show {
    bar: Option<ProgressBar>,
    visitors: u64,
    stock: u64,
    last: Option<Instant>,
}

impl Show {
    pub(super) fn new(visitors: u64, stock: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{elapsed_precise} {bar:24} {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(visitors).with_style(style)
        });
        Self {
            bar,
            visitors,
            stock,
            last: None,
        }
    }

    /// Shows where the crowd is now.
    pub(super) fn show(&mut self, now: Progress) {
        let line = format!(
            "{} of {} came, {} wait, {} inside, {} of {} sold, {} gone",
            now.arrived, self.visitors, now.waiting, now.inside, now.bought, self.stock, now.ended
        );
        if let Some(bar) = &self.bar {
            bar.set_position(now.ended);
            bar.set_message(line);
        } else if self.last.is_none_or(|last| last.elapsed() >= PLAIN) {
            self.last = Some(Instant::now());
            eprintln!("{line}");
        }
    }

    /// Leaves the line's place to what follows.
    pub(super) fn done(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
