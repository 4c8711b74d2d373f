use std::fs;

/// What the environment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `PORT`, 8080 when not set.
    pub(crate) port: u16,
    /// `BIND`, every address when not set: a container's port is reached from outside of it.
    pub(crate) bind: String,
    /// `APP_VERSION`, shown on the page.
    pub(crate) version: String,
    /// `GREETING`, the page's heading.
    pub(crate) greeting: String,
    /// The host name: in a container, its id.
    pub(crate) host: String,
}

impl Settings {
    /// Reads the settings with `variable`; an empty variable counts as not set.
    pub(crate) fn from(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let port = match variable("PORT") {
            None => 8080,
            Some(text) => text
                .parse()
                .ok()
                .filter(|port| *port > 0)
                .ok_or_else(|| format!("PORT must be a number from 1 to 65535, not \"{text}\""))?,
        };
        Ok(Self {
            port,
            bind: variable("BIND").unwrap_or_else(|| "0.0.0.0".to_owned()),
            version: variable("APP_VERSION").unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned()),
            greeting: variable("GREETING").unwrap_or_else(|| "Hello from rplay".to_owned()),
            host: host_name().or_else(|| variable("HOSTNAME")).unwrap_or_else(|| "unknown".to_owned()),
        })
    }
}

fn host_name() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &'static str) -> Result<Settings, String> {
        Settings::from(move |asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn without_an_environment_it_listens_on_8080() {
        let settings = Settings::from(|_| None).expect("nothing is required");
        assert_eq!((settings.port, settings.bind.as_str()), (8080, "0.0.0.0"));
    }

    #[test]
    fn an_empty_variable_is_as_good_as_none() {
        assert_eq!(with("PORT", "").map(|settings| settings.port), Ok(8080));
    }

    #[test]
    fn a_port_that_is_none_is_refused_by_name() {
        for text in ["abc", "0", "70000", "-1"] {
            let message = with("PORT", text).expect_err("not a port");
            assert_eq!(message, format!("PORT must be a number from 1 to 65535, not \"{text}\""));
        }
    }

    #[test]
    fn version_and_greeting_come_from_the_environment() {
        assert_eq!(with("APP_VERSION", "2.1").map(|settings| settings.version), Ok("2.1".to_owned()));
        assert_eq!(with("GREETING", "Hola").map(|settings| settings.greeting), Ok("Hola".to_owned()));
    }
}
