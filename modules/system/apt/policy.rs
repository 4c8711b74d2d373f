//! What `policy-rc.d` answers while packages are installed: whether they may start their services.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rplay_module::{Failure, Result};

const POLICY: &str = "/usr/sbin/policy-rc.d";
const KEPT: &str = "/usr/sbin/.policy-rc.d.rplay";

/// Runs something while the policy answers with that code, and puts the old policy back, however it ends.
pub(super) async fn under<T>(code: Option<i32>, deed: impl Future<Output = Result<T>>) -> Result<T> {
    let Some(code) = code else { return deed.await };
    let there = Path::new(POLICY).exists();
    if there {
        fs::rename(POLICY, KEPT).map_err(|_| Failure::new(format!("Fail to move {POLICY} to {KEPT}")))?;
    }
    let written = write(code).map_err(|_| Failure::new(format!("Failed to create or chmod {POLICY}")));
    let done = match written {
        Ok(()) => deed.await,
        Err(failure) => Err(failure),
    };
    let restored = if there { fs::rename(KEPT, POLICY) } else { fs::remove_file(POLICY) };
    restored.map_err(|_| Failure::new(format!("Fail to remove {POLICY} (after package manipulation)")))?;
    done
}

fn write(code: i32) -> io::Result<()> {
    fs::write(POLICY, format!("#!/bin/sh\nexit {code}\n"))?;
    fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755))
}
