//! rplay-client-route53
