//! `become`: the command line that makes another user of one, and how its questions are answered.

use std::fmt::Write as _;
use std::time::Duration;

use rplay_module::Secret;

use super::shell::{quote, split};

/// How one becomes another user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Elevation {
    pub(crate) method: Method,
    pub(crate) user: String,
    pub(crate) exe: Option<String>,
    pub(crate) flags: Option<String>,
    pub(crate) password: Option<Secret<String>>,
    /// `ansible_su_prompt_l10n`; the usual ones when empty.
    pub(crate) prompts: Vec<String>,
    /// `ansible_sudo_chdir`.
    pub(crate) chdir: Option<String>,
    /// What is said before the command begins is no output of it.
    pub(crate) strip_preamble: bool,
    pub(crate) patience: Duration,
}

/// The programs that can do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Sudo,
    Su,
}

/// A command line with what to wait for when it runs.
pub(super) struct Elevated {
    pub(super) command: String,
    /// Printed once one is the other user.
    pub(super) success: String,
    pub(super) prompt: Prompt,
}

/// What asks for the password.
pub(super) enum Prompt {
    /// Nothing: there is no password to give.
    None,
    /// A line that begins with it.
    Line(String),
    /// Any of these words before a colon.
    Words(Vec<String>),
}

/// "Password" in the languages in which `su` is likely to ask, by language.
const PROMPTS: [&str; 30] = [
    "Password",      // English, Italian
    "Passwort",      // German
    "Mot de passe",  // French
    "Contraseña",    // Spanish
    "Contrasenya",   // Catalan
    "Pasahitza",     // Basque
    "Senha",         // Portuguese
    "Palavra-passe", // Portuguese
    "Wachtwoord",    // Dutch
    "Adgangskode",   // Danish
    "Lösenord",      // Swedish
    "Passord",       // Norwegian
    "Salasana",      // Finnish
    "Parool",        // Estonian
    "Parole",        // Latvian
    "Hasło",         // Polish
    "Heslo",         // Czech, Slovak
    "Jelszó",        // Hungarian
    "Parolă",        // Romanian
    "Parola",        // Turkish, Romanian, Croatian
    "Лозинка",       // Serbian
    "Парола",        // Bulgarian
    "Пароль",        // Russian, Ukrainian
    "Sandi",         // Indonesian
    "Mật khẩu",      // Vietnamese
    "ססמה",          // Hebrew
    "암호",          // Korean
    "パスワード",    // Japanese
    "密码",          // Chinese
    "密碼",          // Chinese
];

impl Method {
    /// Returns the method of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name.strip_prefix("ansible.builtin.").or(name.strip_prefix("ansible.legacy.")).unwrap_or(name) {
            "sudo" => Some(Self::Sudo),
            "su" => Some(Self::Su),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sudo => "sudo",
            Self::Su => "su",
        }
    }
}

impl Elevation {
    /// Returns the command line that runs `command` as the other user; `id` makes its marks unlike anything else.
    pub(super) fn wrap(&self, command: &str, shell: &str, id: &str) -> Elevated {
        let success = format!("BECOME-SUCCESS-{id}");
        let inner = format!("{shell} -c {}", quote(&format!("echo {success} ; {command}")));
        let exe = self.exe.as_deref().filter(|exe| !exe.is_empty()).unwrap_or(self.method.name());
        match self.method {
            Method::Sudo => self.sudo(exe, &inner, success, id),
            Method::Su => {
                let flags = self.flags.as_deref().unwrap_or_default();
                let command = format!("{exe} {flags} {} -c {}", self.user, quote(&inner));
                let words = match self.prompts.as_slice() {
                    [] => PROMPTS.iter().map(ToString::to_string).collect(),
                    given => given.to_vec(),
                };
                let prompt = if self.password.is_some() { Prompt::Words(words) } else { Prompt::None };
                Elevated { command, success, prompt }
            }
        }
    }

    fn sudo(&self, exe: &str, inner: &str, success: String, id: &str) -> Elevated {
        let mut flags = self.flags.clone().unwrap_or_else(|| "-H -S -n".to_owned());
        let mut command = String::new();
        if let Some(folder) = &self.chdir {
            let _ = write!(command, "cd {} && ", quote(folder));
        }
        let mut prompt = Prompt::None;
        let mut asked = String::new();
        if self.password.is_some() {
            // Whoever may be asked must not say that there is nobody to answer.
            flags = split(&flags)
                .iter()
                .filter_map(|flag| interactive(flag))
                .map(|flag| quote(&flag))
                .collect::<Vec<_>>()
                .join(" ");
            let question = format!("[sudo via ansible, key={id}] password:");
            asked = format!("-p \"{question}\"");
            prompt = Prompt::Line(question);
        }
        let user = if self.user.is_empty() { String::new() } else { format!("-u {}", self.user) };
        let words = [exe, flags.as_str(), asked.as_str(), user.as_str(), inner];
        command.push_str(&words.join(" "));
        Elevated { command, success, prompt }
    }
}

/// Takes `-n` out of a flag, be it alone or among others.
fn interactive(flag: &str) -> Option<String> {
    match flag {
        "-n" | "--non-interactive" => None,
        long if long.starts_with("--") => Some(long.to_owned()),
        short if short.starts_with('-') => Some(short.replacen('n', "", 1)),
        other => Some(other.to_owned()),
    }
}

impl Prompt {
    pub(super) fn is_expected(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Returns whether the question has been asked in this output.
    pub(super) fn asked_in(&self, output: &[u8]) -> bool {
        let text = String::from_utf8_lossy(output);
        match self {
            Self::None => false,
            Self::Line(prompt) => text.lines().any(|line| line.trim().starts_with(prompt.as_str())),
            Self::Words(words) => {
                let text = text.to_lowercase();
                words.iter().any(|word| {
                    let word = word.to_lowercase();
                    text.match_indices(&word).any(|(at, found)| {
                        let rest = text.get(at + found.len()..).unwrap_or_default().trim_start();
                        rest.starts_with([':', '：'])
                    })
                })
            }
        }
    }

    /// Cuts off everything up to the question.
    pub(super) fn strip(&self, output: &mut Vec<u8>) {
        if let Self::Line(prompt) = self {
            strip_through(prompt.as_bytes(), output);
        }
    }
}

/// Cuts off everything up to a mark, and white space after it.
pub(super) fn strip_through(mark: &[u8], output: &mut Vec<u8>) {
    let Some(at) = find(output, mark) else { return };
    let mut end = at + mark.len();
    while output.get(end).is_some_and(u8::is_ascii_whitespace) {
        end += 1;
    }
    output.drain(..end);
}

/// Returns where a mark stands.
pub(super) fn find(output: &[u8], mark: &[u8]) -> Option<usize> {
    output.windows(mark.len().max(1)).position(|window| window == mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elevation(method: Method, password: Option<&str>) -> Elevation {
        Elevation {
            method,
            user: "app".to_owned(),
            exe: None,
            flags: None,
            password: password.map(|password| Secret::new(password.to_owned())),
            prompts: Vec::new(),
            chdir: None,
            strip_preamble: true,
            patience: Duration::from_secs(10),
        }
    }

    #[test]
    fn without_a_password_sudo_must_not_ask() {
        let elevated = elevation(Method::Sudo, None).wrap("id", "/bin/sh", "k");
        assert_eq!(elevated.command, "sudo -H -S -n  -u app /bin/sh -c 'echo BECOME-SUCCESS-k ; id'");
        assert!(!elevated.prompt.is_expected());
    }

    #[test]
    fn with_a_password_sudo_may_ask_and_the_password_is_in_no_command_line() {
        let elevated = elevation(Method::Sudo, Some("hush")).wrap("id", "/bin/sh", "k");
        assert_eq!(
            elevated.command,
            "sudo -H -S -p \"[sudo via ansible, key=k] password:\" -u app /bin/sh -c 'echo BECOME-SUCCESS-k ; id'"
        );
        assert!(elevated.prompt.asked_in(b"noise\n[sudo via ansible, key=k] password:"));
    }

    #[test]
    fn su_asks_in_many_languages() {
        let elevated = elevation(Method::Su, Some("hush")).wrap("id", "/bin/sh", "k");
        assert_eq!(elevated.command, "su  app -c '/bin/sh -c '\"'\"'echo BECOME-SUCCESS-k ; id'\"'\"''");
        for asked in ["Password: ", "password:", "Mot de passe :"] {
            assert!(elevated.prompt.asked_in(asked.as_bytes()), "{asked}");
        }
        assert!(!elevated.prompt.asked_in(b"Password"));
    }

    #[test]
    fn what_precedes_a_mark_is_cut_off() {
        let mut output = b"noise\nMARK\nrest".to_vec();
        strip_through(b"MARK", &mut output);
        assert_eq!(output, b"rest");
        strip_through(b"MARK", &mut output);
        assert_eq!(output, b"rest");
    }
}
