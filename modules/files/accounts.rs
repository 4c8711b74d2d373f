//! Users and groups by name and by number.
//!
//! The files are asked first, which costs nothing; what they do not have (a directory service) is asked of `getent`.

use rplay_module::{Child, Cx};

/// A table of accounts.
#[derive(Clone, Copy)]
pub(crate) enum Table {
    Users,
    Groups,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::Users => "passwd",
            Self::Groups => "group",
        }
    }

    /// Returns the number of an account that is named or numbered.
    pub(crate) async fn number(self, cx: &Cx, account: &str) -> Option<u32> {
        match account.trim().parse() {
            Ok(number) => Some(number),
            Err(_) => self.line(cx, account, 0).await?.get(2)?.parse().ok(),
        }
    }

    /// Returns the name of an account, or the number itself where it has none.
    pub(crate) async fn name_of(self, cx: &Cx, number: u32) -> String {
        self.known(cx, number).await.unwrap_or_else(|| number.to_string())
    }

    /// Returns the name of an account, if it has one.
    pub(crate) async fn known(self, cx: &Cx, number: u32) -> Option<String> {
        self.line(cx, &number.to_string(), 2).await?.into_iter().next()
    }

    async fn line(self, cx: &Cx, account: &str, field: usize) -> Option<Vec<String>> {
        let file = std::fs::read_to_string(format!("/etc/{}", self.name())).unwrap_or_default();
        if let Some(found) = find(&file, account, field) {
            return Some(found);
        }
        let argv = ["getent", self.name(), account].map(str::to_owned).to_vec();
        let exit = cx.spawn(Child { argv, ..Child::default() }).await.ok().filter(|exit| exit.rc == 0)?;
        find(&String::from_utf8_lossy(&exit.stdout), account, field)
    }
}

fn find(lines: &str, account: &str, field: usize) -> Option<Vec<String>> {
    lines
        .lines()
        .map(|line| line.split(':').map(str::to_owned).collect::<Vec<_>>())
        .find(|fields| fields.get(field).is_some_and(|text| text == account))
}

/// Returns a user's home folder; without a name that of whoever runs the task.
pub(crate) fn home(cx: &Cx, user: &str) -> Option<String> {
    if user.is_empty() {
        return cx.env("HOME");
    }
    find(&std::fs::read_to_string("/etc/passwd").ok()?, user, 0)?.into_iter().nth(5)
}
