//! The binary as its users meet it: started, refused, stopped, killed, started again.

mod access;
mod process;
mod refuse;
mod restart;
mod stop;
