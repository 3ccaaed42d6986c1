//! A crowd of virtual visitors, and the judge that checks what must hold.
//!
//! The [`Crowd`] makes the whole journey over real HTTP, from arrival to a sold unit, each visitor
//! with cookies and a source address of its own, and writes down every answer it was given. The
//! [`judge`] then compares that log with the ledger and the stock: whatever was promised to anybody
//! must be true. The [`report`] shows both to people and to programs. Nothing here looks inside the
//! gateway or the purchase service: it works against any deployment that speaks the contract, and
//! it can only find what a visitor, the ledger or the operator could have seen. [`chaos`] holds the
//! purchase side to the same while its processes are killed.

pub mod chaos;
pub mod clock;
pub mod crowd;
pub mod judge;
pub mod observation;
pub mod plan;
pub mod report;

pub use crowd::{Crowd, CrowdError, Progress};
pub use judge::{Evidence, Verdict, judge};
pub use observation::Observations;
pub use plan::{Plan, Policy, Role, Shares};
