//! rplay-client-iam
