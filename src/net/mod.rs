//! The one seam to other machines: an HTTP request out, a response back, both plain values.

pub mod transport;
