//! SecretRefs: a secret named instead of written, `{"source","provider","id"}` as the host defines it.
//!
//! [`form`] reads a reference, [`provider`] the places it can name, [`resolve`] asks them, by the host's own rules, and
//! [`machine`] is the part that touches files and starts programs. A reference never turns into text.

pub mod exec;
pub mod form;
pub mod machine;
pub mod provider;
pub mod resolve;

pub use form::{SecretInput, SecretRef, Source};
pub use provider::Providers;
pub use resolve::Resolver;
