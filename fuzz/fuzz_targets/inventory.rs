#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| rplay_engine::fuzzing::inventory(bytes));
