//! Ansible's configuration: one table of settings, and what a file and the environment make of it.
//!
//! Everything that asks for a setting asks a [`Config`]: the command line, the engine, `lookup('config', ..)`, and
//! `rplay config`. The table is what `ansible-core` documents, also where nothing here uses a setting: a playbook may ask
//! for it, and a setting that is not in the table is named to the user.
//!
//! **Invariant:** the environment, the home folder and the current folder are handed in; only the configuration file is
//! read here.

mod config;
mod convert;
mod find;
mod ini;
mod setting;
mod table;

pub use config::{Config, ConfigError, Found, Surroundings};
pub use convert::is_true;
pub use setting::{Kind, Origin, Setting};
pub use table::{core, plugins};
