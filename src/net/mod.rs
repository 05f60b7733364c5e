//! The one seam to other machines: an HTTP request out, a response back, both plain values.
//!
//! [`transport`] has the values and the trait, [`ureq`] the real implementation, `tls` its algorithms, [`exchange`] retries and the measured
//! clock skew on top of any implementation.

pub mod exchange;
pub mod proxy;
mod tls;
pub mod transport;
pub mod ureq;

#[cfg(test)]
pub(crate) mod testing;
