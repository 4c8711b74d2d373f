//! rplay-report
