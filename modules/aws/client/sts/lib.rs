//! rplay-client-sts
