//! A copy of the simulator in which one file at a time is changed and compared with recorded answers.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::verilator;

/// The most time of a whole run before it counts as hanging.
///
/// One takes a few seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// The copy and the answers.
pub(super) struct Workbench {
    root: PathBuf,
    folder: PathBuf,
    answers: PathBuf,
}

/// The outcome of a change.
pub(super) enum Fate {
    /// Some program showed the change, and how.
    Killed(String),
    Survived,
}

impl Workbench {
    /// Records the answers and copies the simulator, which must agree before anything is changed.
    pub(super) fn prepare(root: &Path, programs: u64, recorded: Option<&str>) -> Result<Self> {
        let folder = target(root).join("mutate");
        fs::create_dir_all(&folder)?;
        let answers = recorded.map_or_else(|| folder.join("answers.bin"), PathBuf::from);
        let bench = Self { root: root.to_owned(), folder, answers };
        if recorded.is_none() {
            println!("recording what the hardware answers to {programs} programs of each shape");
            bench.record(programs)?;
        }
        bench.copy()?;
        match bench.check()? {
            Fate::Survived => Ok(bench),
            Fate::Killed(how) => bail!("simulator and hardware differ without any change: {how}"),
        }
    }

    fn record(&self, programs: u64) -> Result<()> {
        // The tests of `crates/rtl` keep their builds in this place.
        let cache = target(&self.root).join("tmp/rtl");
        let mut command = cargo(&self.root);
        command.args(["run", "--quiet", "--package", "ediacara-rtl", "--example", "record", "--"]);
        command.arg(&self.answers).arg(cache).arg(programs.to_string()).arg(verilator::ensure(&self.root)?);
        let status = command.status().context("cannot start cargo")?;
        if !status.success() {
            bail!("recording failed ({status})");
        }
        Ok(())
    }

    /// Copies what git knows of the crates, and puts a workspace around it with a package of the checker
    /// alone.
    ///
    /// So a change builds two packages.
    fn copy(&self) -> Result<()> {
        copy_tracked(&self.root, &self.folder, &["crates", "Cargo.lock"])?;
        write_if_other(&self.folder.join("Cargo.toml"), self.workspace()?.as_bytes())?;
        write_if_other(&self.folder.join("checker/Cargo.toml"), CHECKER_MANIFEST.as_bytes())
    }

    /// The workspace's manifest with other members, and with the fastest build.
    ///
    /// It has no debug assertions, because what the simulator says of itself is no comparison with the
    /// hardware.
    fn workspace(&self) -> Result<String> {
        let text = fs::read_to_string(self.root.join("Cargo.toml"))?;
        let (head, _) = text.split_once("[profile.").context("Cargo.toml has no profiles")?;
        let is_member = |line: &&str| !line.starts_with("members") && !line.starts_with("default-members");
        let kept: Vec<_> = head.lines().filter(is_member).collect();
        let members = "[workspace]\nmembers = [\"crates/*\", \"checker\"]";
        Ok(kept.join("\n").replacen("[workspace]", members, 1) + PROFILE)
    }

    /// The outcome of a change of one file, which is then taken back.
    pub(super) fn with_change(&self, file: &str, changed: &str) -> Result<Fate> {
        let path = self.folder.join(file);
        write_if_other(&path, changed.as_bytes())?;
        let fate = self.check();
        write_if_other(&path, &fs::read(self.root.join(file))?)?;
        fate
    }

    fn check(&self) -> Result<Fate> {
        let output = cargo(&self.folder)
            .args(["build", "--quiet", "--offline", "--package", "checker"])
            .env("CARGO_TARGET_DIR", self.folder.join("target"))
            .env("RUSTFLAGS", "-Awarnings")
            .output()
            .context("cannot start cargo")?;
        if !output.status.success() {
            bail!("a change does not compile:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        let said = self.folder.join("said.txt");
        let mut checker = Command::new(self.folder.join("target/debug/checker"))
            .arg(&self.answers)
            .stdout(File::create(&said)?)
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the checker")?;
        let start = Instant::now();
        let status = loop {
            if let Some(status) = checker.try_wait()? {
                break status;
            }
            if start.elapsed() > PATIENCE {
                checker.kill()?;
                checker.wait()?;
                return Ok(Fate::Killed("it hangs".into()));
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        Ok(match status.code() {
            Some(0) => Fate::Survived,
            Some(1) => Fate::Killed(fs::read_to_string(said)?.trim().to_owned()),
            Some(2) => bail!("the checker cannot read its file"),
            // Status 101 is a panic, at an index that is out of bounds.
            _ => Fate::Killed("it panics".into()),
        })
    }
}

/// The profile builds without optimisation, except for crates that are never changed.
const PROFILE: &str = "
[profile.dev]
opt-level = 0
debug = false
debug-assertions = false
overflow-checks = false

[profile.dev.package.\"*\"]
opt-level = 1
";

const CHECKER_MANIFEST: &str = "[package]
name = \"checker\"
version = \"0.0.0\"
edition = \"2024\"

[dependencies]
ediacara-arch = { workspace = true }
ediacara-isa = { workspace = true }
ediacara-sim = { workspace = true }

[[bin]]
name = \"checker\"
path = \"../crates/sim/examples/answers/main.rs\"
";

/// Copies what git knows of some paths.
pub(super) fn copy_tracked(root: &Path, folder: &Path, paths: &[&str]) -> Result<()> {
    let listed = Command::new("git")
        .current_dir(root)
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "--"])
        .args(paths)
        .output()
        .context("cannot start git")?;
    for path in String::from_utf8(listed.stdout)?.lines() {
        let from = root.join(path);
        if from.exists() {
            write_if_other(&folder.join(path), &fs::read(from)?)?;
        }
    }
    Ok(())
}

/// Where cargo builds.
pub(super) fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

pub(super) fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder);
    command
}

/// Leaves a file and its time alone where it already holds the bytes, because cargo goes by time.
pub(super) fn write_if_other(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|found| found == bytes) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::create(path).with_context(|| path.display().to_string())?;
    Ok(file.write_all(bytes)?)
}
