//! rplay-syntax
