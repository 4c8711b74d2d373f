//! rplay-module
