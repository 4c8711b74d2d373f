//! rplay-aws-logs
