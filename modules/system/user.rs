use std::path::{Path, PathBuf};

use rplay_module::{Action, Choice, Cx, Deed, Effect, Failure, InCheck, Params, Result, Secret};
use serde_json::{Map, Value, json};

use crate::accounts::{self, User as Account};
use crate::program::{Order, Ran};

mod home;
mod key;
mod orders;

/// Keeps a user account.
#[derive(Params)]
pub(crate) struct UserParams {
    /// The user's name.
    #[param(alias = "user")]
    name: String,
    /// Whether the account shall be there.
    #[param(default = "present")]
    state: State,
    /// Its number.
    uid: Option<u32>,
    /// Whether the number may be that of another user, too.
    #[param(default = false)]
    non_unique: bool,
    /// The primary group, by name or number.
    group: Option<String>,
    /// The further groups; an empty list takes the user out of all.
    groups: Option<Vec<String>>,
    /// The user's name in full, or what else is said of the account.
    comment: Option<String>,
    /// The home folder.
    home: Option<PathBuf>,
    /// The shell that the user gets.
    shell: Option<PathBuf>,
    /// The password, as the shadow file has it: hashed.
    password: Option<Secret<String>>,
    /// Only for systems that have login classes.
    #[expect(dead_code, reason = "Linux has no such thing")]
    login_class: Option<String>,
    /// After how many days the password has to be changed.
    password_expire_max: Option<i64>,
    /// How many days have to pass before it may be changed.
    password_expire_min: Option<i64>,
    /// How many days before that the user is warned.
    password_expire_warn: Option<i64>,
    /// Only for macOS.
    #[expect(dead_code, reason = "Linux has no such thing")]
    hidden: Option<bool>,
    /// The user of the `SELinux` context that a login gets.
    seuser: Option<String>,
    /// Whether an account in use is deleted, and a key that is there overwritten.
    #[param(default = false)]
    force: bool,
    /// Whether the home folder is deleted with the account.
    #[param(default = false)]
    remove: bool,
    /// Whether the home folder is made.
    #[param(default = true, alias = "createhome")]
    create_home: bool,
    /// The folder that a new home is a copy of; omitted the system's.
    skeleton: Option<String>,
    /// Whether a new account is one of the system.
    #[param(default = false)]
    system: bool,
    /// Whether what is in the old home is moved to a new one.
    #[param(default = false)]
    move_home: bool,
    /// Whether the user stays in groups that `groups` does not name.
    #[param(default = false)]
    append: bool,
    /// Whether a pair of SSH keys is made.
    generate_ssh_key: Option<bool>,
    /// The size of the key; 0 leaves it to the program.
    #[param(default = 0)]
    ssh_key_bits: u32,
    /// The kind of key.
    #[param(default = "rsa")]
    ssh_key_type: String,
    /// Where the key is; seen from the home folder. Omitted it is `.ssh/id_` and the kind.
    ssh_key_file: Option<PathBuf>,
    /// The comment of the key; omitted it names this host.
    ssh_key_comment: Option<String>,
    /// The passphrase of the key.
    ssh_key_passphrase: Option<Secret<String>>,
    /// Whether the password of an account that is there is set.
    #[param(default = "always")]
    update_password: UpdatePassword,
    /// When the account ends, in seconds since 1970; below zero never.
    expires: Option<f64>,
    /// Whether the password is locked.
    password_lock: Option<bool>,
    /// Whether the programs of libuser are used.
    local: Option<bool>,
    /// Only for Solaris.
    #[expect(dead_code, reason = "Linux has no such thing")]
    profile: Option<String>,
    /// Only for Solaris.
    #[expect(dead_code, reason = "Linux has no such thing")]
    authorization: Option<String>,
    /// Only for Solaris.
    #[expect(dead_code, reason = "Linux has no such thing")]
    role: Option<String>,
    /// The umask that a new home is made with.
    umask: Option<String>,
    /// How many days after the password has expired the account is closed.
    password_expire_account_disable: Option<i64>,
    /// The least number that a new account may get.
    uid_min: Option<u32>,
    /// The greatest number that a new account may get.
    uid_max: Option<u32>,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Absent,
    Present,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum UpdatePassword {
    Always,
    OnCreate,
}

impl UserParams {
    fn judge(&self, cx: &Cx) -> Result<()> {
        if self.local == Some(true) {
            let bounds = [
                ("umask", self.umask.is_some()),
                ("uid_min", self.uid_min.is_some()),
                ("uid_max", self.uid_max.is_some()),
            ];
            if let Some((name, _)) = bounds.iter().find(|(_, given)| *given) {
                return Err(Failure::new(format!("'{name}' can not be used with 'local'")));
            }
            return Err(Failure::new(
                "could not keep the account: 'local', accounts through libuser, is not built",
            ));
        }
        if self.groups.is_none() && self.append {
            cx.warn(
                "'append' is set, but no 'groups' are specified. Use 'groups' for appending new groups.This will change to \
                 an error in Ansible 2.14.",
            );
        }
        if self.password.as_ref().is_some_and(|password| !is_hashed(password.expose())) {
            cx.warn(
                "The input password appears not to have been hashed. The 'password' argument must be encrypted for this \
                 module to work properly.",
            );
        }
        Ok(())
    }

    fn home(&self) -> Option<String> {
        self.home.as_ref().map(|home| home.to_string_lossy().into_owned())
    }

    fn failed(&self, ran: &Ran) -> Failure {
        Failure::new(ran.err.as_str()).field("name", self.name.as_str()).field("rc", ran.rc)
    }

    fn start(&self) -> Map<String, Value> {
        Map::from_iter([
            ("name".to_owned(), json!(self.name)),
            ("state".to_owned(), json!(self.state.as_str())),
        ])
    }
}

/// Whether a password looks as one of the shadow file does.
fn is_hashed(password: &str) -> bool {
    if matches!(password, "" | "*" | "!" | "*************") {
        return true;
    }
    let fields: Vec<&str> = password.split('$').collect();
    let (Some(kind), Some(hash), false) = (fields.get(1), fields.last(), fields.len() < 3) else {
        return false;
    };
    let long = match *kind {
        "1" => Some(22),
        "5" | "y" => Some(43),
        "6" => Some(86),
        _ => None,
    };
    let plain = hash.chars().all(|letter| letter.is_ascii_alphanumeric() || "./=".contains(letter));
    !password.contains([':', '*', '!']) && plain && long.is_none_or(|long| hash.len() == long)
}

/// What was done, told piece by piece.
struct Telling {
    result: Map<String, Value>,
    changed: bool,
}

impl Telling {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.result.insert(name.to_owned(), value.into());
    }

    fn ran(&mut self, ran: Option<&Ran>) {
        let Some(ran) = ran else { return };
        self.changed = true;
        for (name, text) in [("stdout", &ran.out), ("stderr", &ran.err)] {
            if !text.is_empty() {
                self.put(name, text.as_str());
                self.put(&format!("{name}_lines"), text.lines().map(str::to_owned).collect::<Vec<_>>());
            }
        }
    }

    fn account(&mut self, p: &UserParams, account: &Account) {
        self.put("uid", account.uid);
        self.put("group", account.gid);
        self.put("comment", account.comment.as_str());
        self.put("home", account.home.as_str());
        self.put("shell", account.shell.as_str());
        if let Some(groups) = &p.groups {
            self.put("groups", groups.join(","));
        }
    }

    fn deed(self) -> Deed {
        Deed { changed: self.changed, result: self.result, ..Deed::default() }
    }
}

pub(crate) struct User;

impl Action for User {
    type Params = UserParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, cx: &Cx, p: &UserParams) -> Result<Deed> {
        p.judge(cx)?;
        let account = accounts::user(cx, &p.name).await;
        let mut telling = Telling { result: p.start(), changed: false };
        let account = match (p.state, account) {
            (State::Absent, Some(_)) | (State::Present, None) => return Ok(Deed::new(true, json!({}))),
            (State::Absent, None) => return Ok(telling.deed()),
            (State::Present, Some(account)) => account,
        };
        telling.changed = orders::modification(cx, p, &account).await?.is_some();
        kept(&mut telling, p);
        telling.account(p, &account);
        let home = p.home().unwrap_or_else(|| account.home.clone());
        telling.changed |= p.create_home && !Path::new(&home).exists();
        if p.generate_ssh_key == Some(true) {
            telling.changed |= key::would_change(p, &account);
            key::tell(cx, p, &account, &mut telling).await?;
        }
        telling.changed |= orders::expiry(cx, p)?.is_some();
        Ok(telling.deed())
    }

    async fn perform(&self, cx: &Cx, p: &UserParams) -> Result<Deed> {
        p.judge(cx)?;
        let account = accounts::user(cx, &p.name).await;
        let mut telling = Telling { result: p.start(), changed: false };
        match (p.state, &account) {
            (State::Absent, None) => return Ok(telling.deed()),
            (State::Absent, Some(_)) => {
                let ran = run(cx, p, orders::deletion(cx, p)?).await?;
                telling.put("force", p.force);
                telling.put("remove", p.remove);
                telling.ran(Some(&ran));
                return Ok(telling.deed());
            }
            (State::Present, None) => make(cx, p, &mut telling).await?,
            (State::Present, Some(account)) => {
                let ran = match orders::modification(cx, p, account).await? {
                    Some(order) => Some(run(cx, p, order).await?),
                    None => None,
                };
                kept(&mut telling, p);
                telling.ran(ran.as_ref());
            }
        }
        let Some(account) = accounts::user(cx, &p.name).await else { return Ok(telling.deed()) };
        telling.account(p, &account);
        let path = p.home().unwrap_or_else(|| account.home.clone());
        if p.create_home && !Path::new(&path).exists() {
            home::make(p.skeleton.as_deref(), Path::new(&path))?;
            home::give(Path::new(&path), &account)?;
            telling.changed = true;
        }
        if p.generate_ssh_key == Some(true) {
            telling.changed |= key::make(cx, p, &account).await?;
            key::tell(cx, p, &account, &mut telling).await?;
        }
        if let Some(order) = orders::expiry(cx, p)? {
            run(cx, p, order).await?;
            telling.changed = true;
        }
        Ok(telling.deed())
    }
}

/// What is told of an account that was there.
fn kept(telling: &mut Telling, p: &UserParams) {
    telling.put("append", p.append);
    telling.put("move_home", p.move_home);
    if p.password.is_some() {
        telling.put("password", "NOT_LOGGING_PASSWORD");
    }
}

async fn run(cx: &Cx, p: &UserParams, order: Order) -> Result<Ran> {
    let ran = order.run(cx).await?;
    if ran.ok() { Ok(ran) } else { Err(p.failed(&ran)) }
}

async fn make(cx: &Cx, p: &UserParams, telling: &mut Telling) -> Result<()> {
    let path = p.home().filter(|_| p.create_home);
    let lone =
        path.as_deref().is_some_and(|path| Path::new(path).parent().is_some_and(|above| !above.is_dir()));
    if let Some(path) = path.as_deref().filter(|_| lone) {
        // `useradd` makes no folders on the way.
        home::make(p.skeleton.as_deref(), Path::new(path))?;
    }
    let ran = run(cx, p, orders::creation(cx, p).await?).await?;
    telling.ran(Some(&ran));
    if let (Some(path), true, Some(account)) = (&path, lone, accounts::user(cx, &p.name).await) {
        home::give(Path::new(path), &account)?;
    }
    telling.put("system", p.system);
    telling.put("create_home", p.create_home);
    if p.password.is_some() {
        telling.put("password", "NOT_LOGGING_PASSWORD");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
