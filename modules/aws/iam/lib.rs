//! rplay-aws-iam
