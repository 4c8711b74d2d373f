//! rplay-aws
