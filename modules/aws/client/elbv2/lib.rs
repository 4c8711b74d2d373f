//! rplay-client-elbv2
