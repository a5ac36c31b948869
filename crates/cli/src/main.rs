//! The `ediacara` command.
//!
//! Arguments are in [`arguments`], and each subcommand is in one file of [`commands`]. The `ediacara` crate
//! does the work: this crate only asks and prints.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command prints; the crates beneath do not")]

mod arguments;
mod commands;
mod interrupt;
mod operators;
mod output;
mod places;
mod progress;
mod summary_table;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(message) => return output::leave_with(&message),
    };
    start_logging(arguments.verbose);
    interrupt::clean_up_when_interrupted();
    let files = places::read_files(&arguments.command);
    let failure = match places::check(&arguments.command) {
        Ok(()) => match execute(arguments.command) {
            Ok(code) => return code,
            Err(error) => places::named(&files, error.to_string()),
        },
        Err(problem) => problem,
    };
    eprintln!("error: {}", output::bounded(&failure));
    ExitCode::FAILURE
}

fn execute(command: Command) -> commands::Outcome {
    match command {
        Command::Run(arguments) => commands::run::execute(&arguments),
        Command::Compile(arguments) => commands::compile::execute(&arguments),
        Command::Exec(arguments) => commands::exec::execute(&arguments),
        Command::Asm(arguments) => commands::asm::execute(&arguments),
        Command::Disasm(arguments) => commands::disasm::execute(&arguments),
        Command::Machines(arguments) => commands::machines::execute(&arguments),
        Command::Verify(arguments) => commands::verify::execute(&arguments),
        Command::Prove(arguments) => commands::prove::execute(&arguments),
        Command::Summary(arguments) => commands::summary::execute(&arguments),
        Command::Train(arguments) => commands::train::execute(&arguments),
        Command::Estimate(arguments) => commands::estimate::execute(&arguments),
        Command::Roofline(arguments) => commands::roofline::execute(&arguments),
        Command::Utilisation(arguments) => commands::utilisation::execute(&arguments),
        Command::Tiles(arguments) => commands::tiles::execute(&arguments),
        Command::Speedup(arguments) => commands::speedup::execute(&arguments),
        Command::Decoder(arguments) => commands::decoder::execute(&arguments),
        Command::Plot(arguments) => commands::plot::execute(&arguments),
        Command::Data(arguments) => commands::data::execute(&arguments),
    }
}

/// Sends library messages to stderr: warnings always, more with each `-v`; `EDIACARA_LOG` overrides.
fn start_logging(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("EDIACARA_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let colours = std::io::stderr().is_terminal();
    let messages = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).without_time();
    messages.with_writer(std::io::stderr).init();
}
