//! `ediacara disasm`: executable to text.

use std::fmt::Write as _;
use std::process::ExitCode;

use ediacara::isa::{Executable, Notes, Plan, PlanNotes, Segment, Work, disassemble};

use super::Outcome;
use crate::arguments::DisasmArguments;
use crate::output::write_whole;

pub(crate) fn execute(arguments: &DisasmArguments) -> Outcome {
    let text = text(&Plan::load(&arguments.program)?)?;
    match &arguments.output {
        None => crate::output::write(format_args!("{text}")),
        Some(path) => write_whole(path, text.as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The programs in order; where there are several, or the host has a part, each segment with a headline. What the host
/// runs stands in comments.
fn text(plan: &Plan) -> Result<String, std::fmt::Error> {
    if let [Segment { work: Work::Dlp(programs), .. }] = plan.segments.as_slice()
        && let [program] = programs.as_slice()
    {
        // All of the file is this program and its notes, so that the text assembles to the same file.
        let PlanNotes { self_test, rest, unknown } = plan.notes.clone();
        let mut executable = Executable::clone(&program.executable);
        executable.notes = Notes { self_test, rest, unknown, ..executable.notes };
        executable.bindings.clone_from(&plan.bindings);
        return Ok(disassemble(&executable));
    }
    let mut text = String::new();
    let count = plan.segments.len();
    for (index, segment) in plan.segments.iter().enumerate() {
        match &segment.work {
            Work::Dlp(programs) => {
                for program in programs {
                    if count > 1 {
                        writeln!(text, "// segment {index} of {count}, on core {} of the DLP", program.core)?;
                    }
                    text += &disassemble(&program.executable);
                }
            }
            Work::Host(program) => {
                writeln!(text, "// segment {index} of {count}, on the host")?;
                program.graph.lines().try_for_each(|line| writeln!(text, "// {line}"))?;
            }
        }
    }
    Ok(text)
}
