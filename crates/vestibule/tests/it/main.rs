//! The binary as its users meet it: started, refused, stopped, killed, started again.

mod process;
mod refuse;
mod replay;
mod restart;
mod stop;
