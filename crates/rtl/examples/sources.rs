//! Writes the hardware description of a machine into a folder, for tools that read SystemVerilog.
//!
//! Its command line is `sources MACHINE FOLDER`. The machine is a preset's name, a file, or the name of a
//! shape of the tests. It prints the files' names in the order in which a tool must read them.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool that talks to people")]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use ediacara_arch::Machine;
use ediacara_rtl::{FILES, machine_package};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [machine, folder] = arguments.as_slice() else {
        eprintln!("usage: sources MACHINE FOLDER");
        return ExitCode::from(2);
    };
    match write(machine, Path::new(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{machine}: {error}");
            ExitCode::from(2)
        }
    }
}

fn write(machine: &str, folder: &Path) -> Result<(), Box<dyn Error>> {
    let machine = match ediacara_fuzzgen::shapes().into_iter().find(|shape| shape.name == machine) {
        Some(shape) => shape,
        None => Machine::load(machine)?,
    };
    std::fs::create_dir_all(folder)?;
    let isa = ediacara_isa::system_verilog_package();
    let machine = machine_package(&machine);
    let packages = [("ediacara_isa_pkg.sv", isa.as_str()), ("ediacara_machine_pkg.sv", machine.as_str())];
    // Packages come before what uses them.
    let (types, modules): (Vec<_>, Vec<_>) = FILES.iter().partition(|(name, _)| name.ends_with("_pkg.sv"));
    for (name, text) in packages.into_iter().chain(types).chain(modules) {
        std::fs::write(folder.join(name), text)?;
        println!("{name}");
    }
    Ok(())
}
