//! `ediacara decoder`: fetch, decode and issue as states.

use std::process::ExitCode;

use ediacara::isa::Engine;
use ediacara::profile::plain_table;
use ediacara::textbook::decoder::{STATES, TRANSITIONS, diagram, mnemonics, to_json};

use super::Outcome;
use crate::arguments::DecoderArguments;
use crate::output::{say, write_whole};

pub(crate) fn execute(arguments: &DecoderArguments) -> Outcome {
    if let Some(path) = &arguments.svg {
        write_whole(path, diagram().to_svg().as_bytes())?;
    }
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&to_json())?);
        return Ok(ExitCode::SUCCESS);
    }
    let states = STATES.iter().map(|(name, what)| vec![(*name).to_owned(), (*what).to_owned()]);
    say!("{}\n", plain_table(&["state", "meaning"], 0..0, states.collect()));
    let transitions = TRANSITIONS.iter().map(|one| [one.from, one.to, one.when].map(str::to_owned).to_vec());
    say!("{}\n", plain_table(&["from", "to", "when"], 0..0, transitions.collect()));
    let engines =
        Engine::ALL.iter().map(|&engine| vec![engine.name().to_owned(), mnemonics(engine).join(", ")]);
    say!("{}", plain_table(&["engine", "instructions"], 0..0, engines.collect()));
    Ok(ExitCode::SUCCESS)
}
