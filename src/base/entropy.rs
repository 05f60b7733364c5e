//! Where random bytes come from.

use super::codec::base64url;
use super::error::{Code, Error, Result};
use crate::base::opaque::opaque;
use crate::sys;

/// A source of random bytes fit for keys.
pub trait Entropy: Send + Sync {
    /// Fills the buffer.
    ///
    /// # Errors
    /// When the system has no random bytes to give; nothing may go on without them.
    fn fill(&self, buffer: &mut [u8]) -> Result<()>;
}

opaque!(Entropy);

/// 256 random bits as base64url text: states, nonces, verifiers, handles.
///
/// # Errors
/// As [`Entropy::fill`].
pub fn random_token(entropy: &dyn Entropy) -> Result<String> {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes)?;
    Ok(base64url(&bytes))
}

/// The kernel's random bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<()> {
        sys::rand::fill(buffer)
            .map_err(|error| Error::new(Code::Internal, format!("the system gave no random bytes: {error}")))
    }
}
