//! rplay-docker-client
