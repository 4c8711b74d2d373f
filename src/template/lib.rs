//! rplay-template
