//! One binary: demo, serve, gateway, purchase, recorder, check. Each role is a page of wiring.

mod data_dir;
mod lifecycle;
mod redis_child;

fn main() {}
