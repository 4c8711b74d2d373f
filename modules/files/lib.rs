//! rplay-files
