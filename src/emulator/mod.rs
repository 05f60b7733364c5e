//! A faithful local stand-in for the cloud: the id and sts APIs and a UserPool.
