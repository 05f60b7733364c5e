//! The Volcengine control plane: signing, platform keys, endpoints, and typed calls.
