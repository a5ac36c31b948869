//! `cargo xtask synth`: maps the hardware description to Lattice's ECP5 with Yosys, for the shapes of
//! `rtl/shapes`.
//!
//! It fails if there is a latch, a combinational loop, a conflicting or missing driver, or a cell that the
//! family has not. Otherwise it rewrites the tables of docs/rtl.md.

mod table;
pub(crate) mod yosys;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use table::Usage;

use crate::page;

/// The shapes that are mapped.
const SHAPES: &[&str] = &["synth-4x4", "synth-8x8"];

/// Maps all shapes, two at once, and rewrites the page.
///
/// With `--table` it uses what was mapped last.
pub(crate) fn run(root: &Path) -> Result<()> {
    match std::env::args().nth(2).as_deref() {
        None => map_all(root)?,
        Some("--table") => {}
        Some(argument) => bail!("unknown argument `{argument}`; usage: synth [--table]"),
    }
    let mut text = String::new();
    for shape in SHAPES {
        let usage = usage(&folder(root, shape)).with_context(|| format!("shape {shape}"))?;
        text.push_str(&table::render(shape, &usage));
    }
    print!("{text}");
    page::replace(root, "docs/rtl.md", "synth", text.trim_end())
}

fn map_all(root: &Path) -> Result<()> {
    let yosys = yosys::ensure(root)?;
    println!("== {}", yosys::version(&yosys)?);
    std::thread::scope(|scope| {
        let threads: Vec<_> = SHAPES.iter().map(|shape| scope.spawn(|| map(root, &yosys, shape))).collect();
        for (thread, shape) in threads.into_iter().zip(SHAPES) {
            let result = thread.join().unwrap_or_else(|_| bail!("its thread ended early"));
            result.with_context(|| format!("shape {shape}"))?;
        }
        Ok(())
    })
}

/// Where a shape's files are, for Yosys and from it.
fn folder(root: &Path, shape: &str) -> PathBuf {
    root.join("target/synth").join(shape)
}

/// Checks and maps one shape.
fn map(root: &Path, yosys: &Path, shape: &str) -> Result<()> {
    let (folder, start) = (folder(root, shape), Instant::now());
    let files = sources(root, shape, &folder)?;
    yosys::check(yosys, &folder, &files)?;
    println!("{shape}: no latch, no loop, every driver there ({:.0} s)", start.elapsed().as_secs_f64());
    for part in yosys::PARTS {
        yosys::map(yosys, &folder, &files, *part)?;
        println!("{shape}: {} is mapped ({:.0} s)", part.2, start.elapsed().as_secs_f64());
    }
    Ok(())
}

/// The cells of each module of a shape that has been mapped.
fn usage(folder: &Path) -> Result<Usage> {
    let mut all = Usage::new();
    for (_, module, name) in yosys::PARTS {
        all.extend(table::usage(&yosys::statistics(folder, name)?, module)?);
    }
    Ok(all)
}

/// Writes the SystemVerilog of a shape into a folder, and returns the files' names, in order.
fn sources(root: &Path, shape: &str, folder: &Path) -> Result<Vec<String>> {
    let machine: PathBuf = root.join("rtl/shapes").join(shape).with_extension("toml");
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(root)
        .args(["run", "--quiet", "--locked", "--package", "ediacara-rtl", "--example", "sources", "--"])
        .args([&machine, folder])
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!("the hardware of {shape} cannot be written: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}
