//! The modules of the system: accounts, services, packages, scheduled jobs, working copies.
//!
//! One file is one module. They work through the programs of the system ([`program`]), which the engine starts so that they
//! die with rplay, and read what these keep in files.
//!
//! **Invariant:** nothing here is asked twice of a program that a file answers as well, and nothing here knows the files of
//! the playbook, or AWS.

mod accounts;
mod apt;
mod apt_repository;
mod cron;
mod debconf;
mod dpkg_selections;
mod getent;
mod git;
mod group;
mod hostname;
mod known_hosts;
mod package;
mod package_facts;
mod paths;
mod pip;
mod program;
mod service;
mod service_facts;
mod systemd;
mod sysv;
mod user;

use rplay_module::{Done, Module, Params};

/// The modules of this family.
pub const MODULES: &[Module] = &[
    Module {
        names: &["apt", "ansible.builtin.apt", "ansible.legacy.apt"],
        native: false,
        spec: <apt::AptParams as Params>::spec,
        pick: |_| Box::new(Done("apt", apt::Apt)),
    },
    Module {
        names: &["apt_repository", "ansible.builtin.apt_repository", "ansible.legacy.apt_repository"],
        native: false,
        spec: <apt_repository::AptRepositoryParams as Params>::spec,
        pick: |_| Box::new(Done("apt_repository", apt_repository::AptRepository)),
    },
    Module {
        names: &["cron", "ansible.builtin.cron", "ansible.legacy.cron"],
        native: false,
        spec: <cron::CronParams as Params>::spec,
        pick: |_| Box::new(Done("cron", cron::Cron)),
    },
    Module {
        names: &["debconf", "ansible.builtin.debconf", "ansible.legacy.debconf"],
        native: false,
        spec: <debconf::DebconfParams as Params>::spec,
        pick: |_| Box::new(Done("debconf", debconf::Debconf)),
    },
    Module {
        names: &["dpkg_selections", "ansible.builtin.dpkg_selections", "ansible.legacy.dpkg_selections"],
        native: false,
        spec: <dpkg_selections::DpkgSelectionsParams as Params>::spec,
        pick: |_| Box::new(Done("dpkg_selections", dpkg_selections::DpkgSelections)),
    },
    Module {
        names: &["getent", "ansible.builtin.getent", "ansible.legacy.getent"],
        native: false,
        spec: <getent::GetentParams as Params>::spec,
        pick: |_| Box::new(Done("getent", getent::Getent)),
    },
    Module {
        names: &["git", "ansible.builtin.git", "ansible.legacy.git"],
        native: false,
        spec: <git::GitParams as Params>::spec,
        pick: |_| Box::new(Done("git", git::Git)),
    },
    Module {
        names: &["group", "ansible.builtin.group", "ansible.legacy.group"],
        native: false,
        spec: <group::GroupParams as Params>::spec,
        pick: |_| Box::new(Done("group", group::Group)),
    },
    Module {
        names: &["hostname", "ansible.builtin.hostname", "ansible.legacy.hostname"],
        native: false,
        spec: <hostname::HostnameParams as Params>::spec,
        pick: |_| Box::new(Done("hostname", hostname::Hostname)),
    },
    Module {
        names: &["known_hosts", "ansible.builtin.known_hosts", "ansible.legacy.known_hosts"],
        native: false,
        spec: <known_hosts::KnownHostsParams as Params>::spec,
        pick: |_| Box::new(Done("known_hosts", known_hosts::KnownHosts)),
    },
    Module {
        names: &["package", "ansible.builtin.package", "ansible.legacy.package"],
        native: false,
        spec: <package::PackageParams as Params>::spec,
        pick: |_| Box::new(Done("package", package::Package)),
    },
    Module {
        names: &["package_facts", "ansible.builtin.package_facts", "ansible.legacy.package_facts"],
        native: false,
        spec: <package_facts::PackageFactsParams as Params>::spec,
        pick: |_| Box::new(Done("package_facts", package_facts::PackageFacts)),
    },
    Module {
        names: &["pip", "ansible.builtin.pip", "ansible.legacy.pip"],
        native: false,
        spec: <pip::PipParams as Params>::spec,
        pick: |_| Box::new(Done("pip", pip::Pip)),
    },
    Module {
        names: &["service", "ansible.builtin.service", "ansible.legacy.service"],
        native: false,
        spec: <service::ServiceParams as Params>::spec,
        pick: |_| Box::new(Done("service", service::Service)),
    },
    Module {
        names: &["service_facts", "ansible.builtin.service_facts", "ansible.legacy.service_facts"],
        native: false,
        spec: <service_facts::ServiceFactsParams as Params>::spec,
        pick: |_| Box::new(Done("service_facts", service_facts::ServiceFacts)),
    },
    Module {
        names: &[
            "systemd",
            "ansible.builtin.systemd",
            "ansible.legacy.systemd",
            "systemd_service",
            "ansible.builtin.systemd_service",
            "ansible.legacy.systemd_service",
        ],
        native: false,
        spec: <systemd::SystemdParams as Params>::spec,
        pick: |_| Box::new(Done("systemd", systemd::Systemd)),
    },
    Module {
        names: &["sysvinit", "ansible.builtin.sysvinit", "ansible.legacy.sysvinit"],
        native: false,
        spec: <service::SysvinitParams as Params>::spec,
        pick: |_| Box::new(Done("sysvinit", service::Sysvinit)),
    },
    Module {
        names: &["user", "ansible.builtin.user", "ansible.legacy.user"],
        native: false,
        spec: <user::UserParams as Params>::spec,
        pick: |_| Box::new(Done("user", user::User)),
    },
];

#[cfg(test)]
mod tests;
