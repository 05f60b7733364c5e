//! Whether an agent's call may run: permission checks at the cloud, skills, the model's second opinion, approvals.
//!
//! [`gate`] decides, in a fixed order: workload token, [`permission`] for agent and tool, for the [`skills`] that the
//! call reads, then [`judge`], and with a high verdict an [`approval`]. Invariant: whatever cannot be found out denies,
//! and with every flag off nobody is asked anything.

pub mod approval;
pub mod denial;
pub mod gate;
pub mod judge;
pub mod low_risk;
pub mod opinion;
pub mod permission;
pub mod registry;
pub mod ruling;
pub mod skills;
pub mod visible;

#[cfg(test)]
pub(crate) mod testing;
