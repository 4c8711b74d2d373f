//! rplay-aws-ecr
