//! rplay-aws-elb
