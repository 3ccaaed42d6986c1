//! The binary as its users meet it: started, refused, stopped, killed, started again.

mod access;
mod audit;
mod chaos;
mod check;
mod postgres;
mod process;
mod redis;
mod refuse;
mod replay;
mod restart;
mod stop;
mod warn;
