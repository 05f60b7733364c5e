#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| agent_identity::fuzzing::host_audit(bytes));
