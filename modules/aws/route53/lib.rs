//! rplay-aws-route53
