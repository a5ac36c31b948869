//! Which rules of docs/microarchitecture.md decide when an event happens.

use ediacara_isa::{Engine, Operation};
use ediacara_sim::{EventKind, Requester};

/// The identifiers of the rules that decide the cycle of an event of an instruction, the likeliest first.
///
/// `operation` is the event's instruction, where it decodes.
pub fn rule_of(event: &EventKind, operation: Option<&Operation>) -> &'static [&'static str] {
    match event {
        EventKind::Issue { engine: Engine::Control, .. } => match operation {
            Some(Operation::Sync | Operation::Halt) => &["T-CONTROL-SYNC", "T-CONTROL-FAULT"],
            _ => &["T-CONTROL-RATE", "T-FETCH-DATA", "T-FETCH-REDIRECT"],
        },
        EventKind::Issue { .. } => &["T-CONTROL-QUEUE", "T-CONTROL-RATE", "T-FETCH-DATA"],
        EventKind::Start { engine, .. } => match (operation, engine) {
            (Some(Operation::Move(_)), _) => &["T-MOVE", "T-START", "T-SEMAPHORE"],
            (Some(Operation::Fill(_) | Operation::Requantise(_)), _) => {
                &["T-START", "T-SEMAPHORE", "T-VECTOR"]
            }
            (_, Engine::Vector) => &["T-VECTOR-ORDER", "T-START", "T-SEMAPHORE", "T-VECTOR"],
            (_, Engine::Matrix) => &["T-START", "T-SEMAPHORE", "T-DOT"],
            (_, Engine::Load) => &["T-START", "T-SEMAPHORE", "T-LOAD"],
            (_, Engine::Store) => &["T-START", "T-SEMAPHORE", "T-STORE"],
            (_, Engine::Control) => &["T-START"],
        },
        EventKind::Commit { engine, .. } => match (operation, engine) {
            (Some(Operation::Move(_)), _) => &["T-MOVE", "T-COMMIT"],
            (_, Engine::Load) => &["T-LOAD", "T-COMMIT", "T-DMA-BURSTS"],
            (_, Engine::Matrix) => &["T-DOT", "T-COMMIT"],
            (_, Engine::Vector) => &["T-VECTOR", "T-COMMIT"],
            (_, Engine::Store) => &["T-STORE", "T-COMMIT", "T-DMA-BURSTS"],
            (_, Engine::Control) => &["T-COMMIT"],
        },
        EventKind::Grant { requester, .. } => match requester {
            Requester::Fetch => {
                &["T-FETCH-FIFO", "T-FETCH-REDIRECT", "T-DRAM-GRANT", "T-DRAM-BANDWIDTH", "T-DRAM-LATENCY"]
            }
            Requester::Load => {
                &["T-LOAD", "T-DMA-BURSTS", "T-DRAM-GRANT", "T-DRAM-BANDWIDTH", "T-DRAM-LATENCY"]
            }
            Requester::Store => {
                &["T-STORE", "T-DMA-BURSTS", "T-DRAM-GRANT", "T-DRAM-BANDWIDTH", "T-DRAM-LATENCY"]
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_named_exists() {
        let page = include_str!("../../../docs/microarchitecture.md");
        let engines = Engine::ALL.into_iter().flat_map(|engine| {
            [
                EventKind::Issue { engine, instruction: 0 },
                EventKind::Start { engine, instruction: 0 },
                EventKind::Commit { engine, instruction: 0 },
            ]
        });
        let grants = Requester::ALL.map(|requester| EventKind::Grant { requester, address: 0 });
        let text = "halt\nmove source=0, destination=wram[0], length=1\nfill d=0, value=0, length=1";
        let executable = ediacara_isa::assemble(text, "test").unwrap();
        let decoded = |index| executable.instruction(index).unwrap().unwrap().operation;
        let operations = [None, Some(decoded(0)), Some(decoded(1)), Some(decoded(2))];
        for event in engines.chain(grants) {
            for operation in &operations {
                for rule in rule_of(&event, operation.as_ref()) {
                    assert!(page.contains(&format!("**{rule}.**")), "{rule} is not in the document");
                }
            }
        }
    }
}
