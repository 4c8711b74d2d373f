//! rplay-client-logs
