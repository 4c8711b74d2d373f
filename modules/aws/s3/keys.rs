//! Names: of buckets, of objects, and the addresses made of them.

use rplay_module::{Address, Failure, Result};

pub(crate) fn bucket(name: &str) -> Address {
    Address::new("s3.bucket", name)
}

pub(crate) fn object(bucket: &str, key: &str) -> Address {
    Address::new("s3.object", format!("{bucket}/{}", key.trim_start_matches('/')))
}

/// Says no to a name that S3 would refuse. Source: "Bucket naming rules" in the S3 user guide.
pub(crate) fn check(name: &str) -> Result<()> {
    let refuse = |why: &str| Err(Failure::new(format!("could not use '{name}' as a bucket's name: {why}")));
    let edge =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if !(3..=63).contains(&name.len()) {
        return refuse("it must have 3 to 63 characters");
    }
    if !name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-'))
    {
        return refuse("only lower-case letters, digits, dots and hyphens may stand in it");
    }
    if !edge(name.as_bytes().first()) || !edge(name.as_bytes().last()) {
        return refuse("it must begin and end with a letter or digit");
    }
    if name.contains("..") {
        return refuse("no two dots may stand together");
    }
    if name.parse::<std::net::Ipv4Addr>().is_ok() {
        return refuse("it must not look like an IP address");
    }
    if name.starts_with("xn--") || name.ends_with("-s3alias") {
        return refuse("AWS keeps such names for itself");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_s3_would_refuse_are_refused_before_any_call() {
        for name in ["ab", "Web", "-web", "web-", "a..b", "10.0.0.1", "xn--web", "web_1", &"a".repeat(64)] {
            assert!(check(name).is_err(), "{name}");
        }
        for name in ["web", "assets.web.example", "0-a"] {
            assert!(check(name).is_ok(), "{name}");
        }
    }
}
