//! rplay-test-support
