//! rplay-client-ec2
