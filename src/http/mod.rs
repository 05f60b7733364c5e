//! HTTP/1.1 over a Unix socket: heads, bodies, limits, responses, and the threads that serve them.
