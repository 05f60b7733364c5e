//! HTTP/1.1 over a Unix socket: heads, bodies, limits, responses, and the threads that serve them.
//!
//! Blocking, one thread per connection, framing by RFC 9112 with nothing ambiguous let through. Every module below
//! the server is free of threads, and everything under `parse` and `chunked` is free of I/O:
//!
//! - [`parse`]: the strict reading of a request head, bytes in, [`parse::Head`] or a [`Refusal`] out;
//! - [`chunked`]: the strict chunked decoder;
//! - [`request`], [`response`]: what a [`Service`] gets and gives;
//! - `wire`: reads and writes under deadlines that dripping cannot extend;
//! - `slot`, `pool`: who is idle, who may be evicted, which thread does what next;
//! - `connection`: one connection from its first byte to its last;
//! - [`server`]: the threads parked in `accept`;
//! - [`client`]: one request from the other side, for the command line.

pub mod chunked;
pub mod client;
mod connection;
pub mod limits;
pub mod parse;
mod pool;
pub mod refusal;
pub mod request;
pub mod response;
pub mod server;
mod slot;
mod wire;

pub use limits::Limits;
pub use refusal::Refusal;
pub use request::{Headers, Method, Request};
pub use response::{Response, Status};
pub use server::{Server, Service, Stats};
