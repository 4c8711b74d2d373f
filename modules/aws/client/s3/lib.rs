//! rplay-client-s3
