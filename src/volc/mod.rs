//! The Volcengine control plane: signed calls to `id`, and the platform keys that sign them.
//!
//! [`canonical`], [`sign`] and [`call`] are pure; [`envelope`] reads answers; [`endpoint`] knows where `id` lives; [`keys`] finds
//! the keys; [`client`] puts them together; [`workload`] has the typed calls for workload tokens and [`userpool`] those for user pools.

pub mod call;
pub mod canonical;
pub mod client;
pub mod endpoint;
pub mod envelope;
pub mod keys;
pub mod paging;
pub mod sign;
pub mod userpool;
pub mod workload;
