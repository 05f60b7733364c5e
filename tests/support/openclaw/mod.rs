//! Real OpenClaw gateways for the tests: two host versions from npm, each with the Node that it needs, a scripted model,
//! and clients that speak the gateway's protocol. Everything is on loopback and in folders of the test's own.

pub mod client;
pub mod gateway;
pub mod host;
pub mod model;
pub mod process;
mod websocket;
