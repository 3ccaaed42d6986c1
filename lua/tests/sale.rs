//! The stock scripts on a real Redis: what they promise, malformed input, repeats, races.

mod sale {
    pub(crate) mod any_order;
    pub(crate) mod at_once;
    pub(crate) mod broken;
    pub(crate) mod calls;
    pub(crate) mod feed;
    pub(crate) mod fence;
    pub(crate) mod fixture;
    pub(crate) mod kills;
    pub(crate) mod malformed;
    pub(crate) mod model;
    pub(crate) mod picture;
    pub(crate) mod recording;
    pub(crate) mod replay;
    pub(crate) mod reserve;
    pub(crate) mod server;
    pub(crate) mod settle;
    pub(crate) mod stage;
    pub(crate) mod steps;
    pub(crate) mod stream;
    pub(crate) mod supply;
    pub(crate) mod together;
}
