//! One small file a role: what it needs, and how its parts are put together.

pub(crate) mod audit;
pub(crate) mod chaos;
pub(crate) mod check;
pub(crate) mod config_show;
pub(crate) mod crowd;
pub(crate) mod gateway;
mod options;
pub(crate) mod purchase;
pub(crate) mod recorder;
mod requirements;
pub(crate) mod serve;
mod stores;

pub(crate) use options::{AuditOptions, RecorderOptions, RoleOptions, ServeOptions};
