//! rplay
fn main() {}
