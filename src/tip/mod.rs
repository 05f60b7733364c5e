//! Workload tokens (TIP): acquisition, cache, claims.
