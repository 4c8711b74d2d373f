//! rplay-aws-s3
