//! rplay-aws-ec2
