//! The stock scripts on a real Redis: what they promise, malformed input, repeats, races.

mod sale {
    pub(crate) mod broken;
    pub(crate) mod feed;
    pub(crate) mod fence;
    pub(crate) mod fixture;
    pub(crate) mod malformed;
    pub(crate) mod recording;
    pub(crate) mod reserve;
    pub(crate) mod server;
    pub(crate) mod settle;
    pub(crate) mod supply;
}
