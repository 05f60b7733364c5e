//! JSON Web Tokens: reading claims, and checking signatures against a key set (RFC 7515, 7517, 7518, 7519).
