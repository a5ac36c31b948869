//! Runs programs of the system, looks for them, and installs them with its package manager.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

/// Runs a command to its end.
///
/// It fails where the command cannot be started, or fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status()?;
    if !status.success() {
        bail!("{command:?} failed ({status})");
    }
    Ok(())
}

/// Whether a program is there and ends well with these arguments.
pub(crate) fn works(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Each package manager with the arguments before the package names.
const PACKAGE_MANAGERS: &[(&str, &[&str])] =
    &[("apt-get", &["install", "-y"]), ("dnf", &["install", "-y"]), ("brew", &["install"])];

/// Installs packages.
///
/// If that cannot be done, the error names them.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let Some((manager, arguments)) = PACKAGE_MANAGERS.iter().find(|(name, _)| works(name, &["--version"]))
    else {
        bail!("the tests need {}: install them and run this again", packages.join(", "));
    };
    if *manager == "apt-get" {
        let _ = privileged(manager).arg("update").status();
    }
    let status = privileged(manager).args(*arguments).args(packages).status()?;
    if !status.success() {
        bail!("{manager} could not install {}: install them and run this again", packages.join(", "));
    }
    Ok(())
}

/// A package manager's command, through `sudo` where that works without a password and is needed.
fn privileged(manager: &str) -> Command {
    let by_root = works("test", &["-w", "/usr/bin"]);
    if manager == "brew" || by_root || !works("sudo", &["-n", "true"]) {
        return Command::new(manager);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", manager]);
    command
}
