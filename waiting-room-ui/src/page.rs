//! The pages: the static one, the one rendered for a visitor, the one of a problem type.
//!
//! Each is a plain struct the gateway fills, with `render`. The queue page names its refresh for
//! browsers without JavaScript inside `<noscript>`: do not send a `Refresh` header beside it, it
//! would reload the page under the script. `Retry-After` is for the gateway to send.

mod slots;
#[cfg(test)]
mod tests;

use std::borrow::Borrow;

use askama::Template;

use crate::{ReturnTo, View, assets};
use slots::Slots;

/// A page on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The document, UTF-8: `text/html; charset=utf-8`.
    pub html: String,
    /// Seconds after which a browser without JavaScript asks again.
    pub refresh_s: Option<u32>,
    /// For the `Retry-After` header of a 429 or 503.
    pub retry_after_s: Option<u32>,
}

/// The page of `GET /_wr/page/{room}`: the same bytes for everybody; the script fills it from the
/// status document and the visitor's ticket. It takes `?return_to=` by itself, in the browser.
#[derive(Debug, Clone)]
pub struct StaticPage<'a> {
    /// The room's id.
    pub room: &'a str,
    /// What the visitor waits for, in words: the room's title, or its id.
    pub title: &'a str,
    /// Where the shop begins: used without a `return_to`.
    pub home: &'a ReturnTo,
}

/// The page rendered for one visitor; `no-store`.
#[derive(Debug, Clone)]
pub struct QueuePage<'a> {
    /// The room's id.
    pub room: &'a str,
    /// What the visitor waits for, in words: the room's title, or its id.
    pub title: &'a str,
    /// The operator's message, if any.
    pub message: Option<&'a str>,
    /// Where the visitor wanted to go.
    pub return_to: &'a ReturnTo,
    /// The visitor's ticket number, if there is a ticket.
    pub number: Option<u64>,
    /// The room's epoch as of now.
    pub epoch: u64,
    /// The store's clock, Unix milliseconds.
    pub server_time: u64,
    /// When to ask again, by the server's own table.
    pub poll_after_ms: u64,
    /// Joins by itself where JavaScript is on: true on a page in place of a shop page.
    pub auto_join: bool,
    /// The situation.
    pub view: View,
}

/// The page of `GET /_wr/problems/{type}`.
#[derive(Debug, Clone)]
pub struct ProblemPage<'a> {
    /// Last segment of the type.
    pub slug: &'a str,
    /// A short name for a person.
    pub title: &'a str,
    /// What it means and what to do.
    pub help: &'a str,
}

impl StaticPage<'_> {
    /// The document.
    pub fn render(&self) -> Rendered {
        let page = QueuePage {
            room: self.room,
            title: self.title,
            message: None,
            return_to: self.home,
            number: None,
            epoch: 0,
            server_time: 0,
            poll_after_ms: 0,
            auto_join: false,
            view: View::NotJoined,
        };
        write(&QueueTemplate {
            same_for_all: true,
            ..QueueTemplate::new(&page)
        })
    }
}

impl QueuePage<'_> {
    /// The document and its times.
    pub fn render(&self) -> Rendered {
        let template = QueueTemplate::new(self);
        Rendered {
            refresh_s: template.slots.refresh_s,
            retry_after_s: template.slots.retry_after_s,
            ..write(&template)
        }
    }
}

impl ProblemPage<'_> {
    /// The document.
    pub fn render(&self) -> Rendered {
        write(&ProblemTemplate {
            page: self,
            style: assets::style_path(),
        })
    }
}

#[derive(Template)]
#[template(path = "queue.html")]
struct QueueTemplate<'a> {
    page: &'a QueuePage<'a>,
    slots: Slots,
    /// The static page: nothing of one visitor in it.
    same_for_all: bool,
    style: &'static str,
    script: &'static str,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemTemplate<'a> {
    page: &'a ProblemPage<'a>,
    style: &'static str,
}

impl<'a> QueueTemplate<'a> {
    fn new(page: &'a QueuePage<'a>) -> Self {
        Self {
            slots: Slots::of(page),
            page,
            same_for_all: false,
            style: assets::style_path(),
            script: assets::script_path(),
        }
    }

    /// The attribute of a section that is not the one to see.
    fn unless(&self, view: &str) -> &'static str {
        off(self.page.view.slug() != view)
    }
}

/// The attribute of a part that is not to be seen.
fn off(yes: impl Borrow<bool>) -> &'static str {
    if *yes.borrow() { " hidden" } else { "" }
}

/// Writing into a `String` fails only if a `Display` of ours does; a visitor then still gets a
/// page that keeps asking.
fn write(template: &impl Template) -> Rendered {
    let html = template.render().unwrap_or_else(|_| {
        "<!doctype html><meta http-equiv=\"refresh\" content=\"10\"><title>Please wait</title>\
         <p>Please wait. This page asks again by itself."
            .to_owned()
    });
    Rendered {
        html,
        refresh_s: None,
        retry_after_s: None,
    }
}
