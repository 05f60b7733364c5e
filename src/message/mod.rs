//! Messages to people in their chats, sent when something they asked for has come about: a login, a consent.
//!
//! [`post::Post`] queues a message and hands it to the first [`post::Courier`] that serves its channel: [`feishu`], by our
//! own client, or whatever channels the host can send to. Where nobody serves a channel, nothing is sent. Invariant: a
//! message is an extra. Sending blocks nobody and fails nothing; a failure is one warning in the log.

pub mod feishu;
pub mod post;
pub mod target;
pub mod text;
