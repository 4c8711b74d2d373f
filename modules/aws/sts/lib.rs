//! rplay-aws-sts
