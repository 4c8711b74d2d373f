//! rplay-docker
