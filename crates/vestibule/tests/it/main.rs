//! The binary as its users meet it: started, refused, stopped, killed, started again.

mod audit;
mod process;
mod refuse;
mod restart;
mod stop;
