//! One binary: demo, serve, gateway, purchase, recorder, check. Each role is a page of wiring.

mod clock;
mod data_dir;
mod lifecycle;
mod redis_child;
mod shop;

fn main() {}
