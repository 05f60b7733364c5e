//! The Volcengine control plane: signed calls to `id`, and the platform keys that sign them.
//!
//! [`canonical`], [`sign`] and [`call`] are pure; [`envelope`] and `wire` read answers; [`endpoint`] knows where `id` lives;
//! [`keys`] finds the keys; [`client`] puts them together. The other modules have the typed calls, one an API family:
//! [`workload`] and [`pool`], [`resource`], [`oauth2`] and [`role`] (credentials), [`provider`], [`permission`], and
//! [`userpool`].

pub mod call;
pub mod canonical;
pub mod client;
pub mod endpoint;
pub mod envelope;
pub mod keys;
pub mod oauth2;
pub mod paging;
pub mod permission;
pub mod pool;
pub mod provider;
pub mod resource;
pub mod role;
pub mod sign;
pub mod temporary;
#[cfg(test)]
mod testing;
pub mod userpool;
mod wire;
pub mod workload;
