//! rplay-aws-ecs
