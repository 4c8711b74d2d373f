//! Ansible's own modules that rplay does not have.

use crate::load::bare;

/// Their names; a playbook for several systems has tasks for managers of packages that this one never reaches.
const NAMES: [&str; 11] = [
    "apt_key",
    "dnf",
    "dnf5",
    "expect",
    "iptables",
    "mount_facts",
    "reboot",
    "rpm_key",
    "subversion",
    "yum",
    "yum_repository",
];

/// Returns what is said of a module of Ansible's that is not there; `None` for a name that Ansible does not know either.
pub(crate) fn message(action: &str) -> Option<String> {
    let own = action.matches('.').count() == 0
        || action.starts_with("ansible.builtin.")
        || action.starts_with("ansible.legacy.");
    let name = bare(action);
    let known = NAMES.contains(&name);
    (own && known).then(|| {
        // Half of what these do is done by Ansible itself.
        let elsewhere = if matches!(name, "dnf" | "reboot" | "yum") {
            ""
        } else {
            ": `pip install ansible-core` on this machine runs Ansible's"
        };
        format!("the module '{name}' is not built into rplay{elsewhere}")
    })
}

#[cfg(test)]
mod tests {
    use super::message;

    #[test]
    fn only_what_ansible_itself_has_is_called_unbuilt() {
        assert!(message("dnf").is_some() && message("ansible.builtin.iptables").is_some());
        assert!(message("dfn").is_none() && message("community.general.dnf").is_none());
    }
}
