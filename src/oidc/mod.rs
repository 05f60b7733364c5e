//! OpenID Connect: discovery, login, callback, token exchange and renewal.
