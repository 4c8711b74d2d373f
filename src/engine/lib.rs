//! rplay-engine
