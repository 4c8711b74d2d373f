//! rplay-client-ecs
