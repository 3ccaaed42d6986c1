//! The pages a visitor sees while waiting: one template, one style sheet, one script.
//!
//! [`StaticPage`] is the same bytes for everybody and may be kept by a CDN; [`QueuePage`] is
//! rendered for one visitor and works without JavaScript by forms and a timed refresh. Both carry
//! every view and the same script, which moves between the views without a reload. All words are
//! in the templates and in [`words`]; the script only fills in numbers and repeats the few
//! sentences of [`words`] (one table tests both).
//!
//! Promises: nothing here escapes its place in the HTML, nothing is loaded from elsewhere
//! ([`CONTENT_SECURITY_POLICY`]), and a page never sends anybody to another site ([`ReturnTo`]).
//! It does not decide anything: which view is right is the gateway's to say.

mod assets;
mod page;
mod return_to;
pub mod samples;
mod view;
pub mod words;

pub use assets::{Asset, asset, assets};
pub use page::{ProblemPage, QueuePage, Rendered, StaticPage};
pub use return_to::ReturnTo;
pub use view::{Estimate, Position, Stock, View};

/// `Content-Security-Policy` of every page here: own files only, forms only to ourselves, no frames.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; \
     style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";
