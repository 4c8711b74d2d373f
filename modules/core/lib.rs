//! rplay-core
