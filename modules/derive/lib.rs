//! rplay-module-derive
