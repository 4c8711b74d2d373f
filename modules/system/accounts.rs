//! The users and groups of the system.
//!
//! The files are read first, which costs nothing; an account that they do not have (of a directory service) is asked of
//! `getent`.

use rplay_module::Cx;

use crate::program::Order;

/// A user as `/etc/passwd` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) comment: String,
    pub(crate) home: String,
    pub(crate) shell: String,
}

/// A group as `/etc/group` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) gid: u32,
    pub(crate) members: Vec<String>,
}

/// What `/etc/shadow` has of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shadow {
    pub(crate) password: String,
    pub(crate) least: Option<i64>,
    pub(crate) most: Option<i64>,
    pub(crate) warning: Option<i64>,
    /// In days since 1970; below zero never.
    pub(crate) expires: Option<i64>,
}

fn user_of(line: &str) -> Option<User> {
    let [name, _, uid, gid, comment, home, shell] = line.split(':').collect::<Vec<_>>().try_into().ok()?;
    Some(User {
        name: name.to_owned(),
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        comment: comment.to_owned(),
        home: home.to_owned(),
        shell: shell.to_owned(),
    })
}

fn group_of(line: &str) -> Option<Group> {
    let [name, _, gid, members] = line.split(':').collect::<Vec<_>>().try_into().ok()?;
    let members = members.split(',').filter(|member| !member.is_empty()).map(str::to_owned).collect();
    Some(Group { name: name.to_owned(), gid: gid.parse().ok()?, members })
}

fn file(name: &str) -> String {
    std::fs::read(name).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

async fn asked(cx: &Cx, table: &str, key: &str) -> String {
    match Order::new(["getent", table, key]).run(cx).await {
        Ok(ran) if ran.ok() => ran.out,
        _ => String::new(),
    }
}

/// Finds a user by name.
pub(crate) async fn user(cx: &Cx, name: &str) -> Option<User> {
    let named = |lines: &str| lines.lines().filter_map(user_of).find(|user| user.name == name);
    match named(&file("/etc/passwd")) {
        Some(user) => Some(user),
        None => named(&asked(cx, "passwd", name).await),
    }
}

/// Finds a group by name.
pub(crate) async fn group(cx: &Cx, name: &str) -> Option<Group> {
    let named = |lines: &str| lines.lines().filter_map(group_of).find(|group| group.name == name);
    match named(&file("/etc/group")) {
        Some(group) => Some(group),
        None => named(&asked(cx, "group", name).await),
    }
}

/// Finds a group by number, else by name.
pub(crate) async fn group_meant(cx: &Cx, text: &str) -> Option<Group> {
    if let Ok(gid) = text.trim().parse::<u32>() {
        let numbered = |lines: &str| lines.lines().filter_map(group_of).find(|group| group.gid == gid);
        if let Some(group) =
            numbered(&file("/etc/group")).or(numbered(&asked(cx, "group", text.trim()).await))
        {
            return Some(group);
        }
    }
    group(cx, text).await
}

/// Returns the names of the groups that list a user as a member.
pub(crate) fn memberships(name: &str) -> Vec<String> {
    let lists = |group: &Group| group.members.iter().any(|member| member == name);
    file("/etc/group").lines().filter_map(group_of).filter(lists).map(|group| group.name).collect()
}

/// Returns what `/etc/shadow` has of a user; nothing where it may not be read.
pub(crate) fn shadow(name: &str) -> Option<Shadow> {
    shadow_in(&file("/etc/shadow"), name)
}

fn shadow_in(lines: &str, name: &str) -> Option<Shadow> {
    let fields = lines.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let fields = fields.into_iter().find(|fields| fields.first() == Some(&name))?;
    let number = |at: usize| fields.get(at).and_then(|text| text.parse().ok());
    Some(Shadow {
        password: fields.get(1).copied().unwrap_or_default().to_owned(),
        least: number(3),
        most: number(4),
        warning: number(5),
        expires: number(7),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let user = user_of("me:x:1000:1001:Me, too:/home/me:/bin/sh").unwrap();
        assert_eq!((user.uid, user.gid, user.comment.as_str()), (1000, 1001, "Me, too"));
        assert_eq!(user_of("# no"), None);
        assert_eq!(group_of("g:x:5:a,b").unwrap().members, ["a", "b"]);
        let shadow = shadow_in("a:*:1:0:99999:7:::\nme:$6$x:19000:1:90:7::20000:", "me").unwrap();
        assert_eq!((shadow.password.as_str(), shadow.most, shadow.expires), ("$6$x", Some(90), Some(20000)));
    }
}
