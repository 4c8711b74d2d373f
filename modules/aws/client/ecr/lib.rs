//! rplay-client-ecr
