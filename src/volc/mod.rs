//! The Volcengine control plane: signed calls to `id`, and the platform keys that sign them.
//!
//! [`canonical`], [`sign`] and [`call`] are pure; [`envelope`] reads answers; [`endpoint`] knows where `id` lives; [`keys`] finds
//! the keys; [`client`] puts them together and [`workload`] has the typed calls for workload tokens.

pub mod call;
pub mod canonical;
pub mod client;
pub mod endpoint;
pub mod envelope;
pub mod keys;
pub mod paging;
pub mod sign;
pub mod workload;
