//! The door to the waitlist store.
