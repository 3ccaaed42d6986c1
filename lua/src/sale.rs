//! The door to the stock store.
