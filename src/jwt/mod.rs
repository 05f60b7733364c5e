//! JSON Web Tokens: reading claims, and checking signatures against a key set (RFC 7515, 7517, 7518, 7519).
//!
//! Reading and trusting are two steps with two types: [`decode::Token`] is what a text says, and only
//! [`jwks::Jwk::verify`] makes it somebody's word.

pub mod claims;
pub mod decode;
pub mod jwks;
pub mod verify;
