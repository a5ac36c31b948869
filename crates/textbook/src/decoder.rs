//! Fetch, decode and issue as a state diagram.
//!
//! It shows the states of the core's control, with the instructions that the ISA table names.
//!
//! The names of states, signals and faults are those of `rtl/control.sv` and `rtl/fetch.sv`; a test looks for
//! each there. [`ediacara_isa::INSTRUCTIONS`] says which instructions go where.

use ediacara_isa::{Engine, INSTRUCTIONS};
use ediacara_plot::{Arrow, Diagram, Node, Side};
use serde_json::{Value, json};

/// One transition of the control's states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// From this state.
    pub from: &'static str,
    /// To this one.
    pub to: &'static str,
    /// When it is taken, in the signals of the RTL.
    pub when: &'static str,
}

/// The states: what control is in during a cycle.
pub const STATES: [(&str, &str); 7] = [
    ("waiting", "no head_valid: the FIFO is empty"),
    ("looking", "an instruction is at the FIFO's head"),
    ("blocked", "queue_full, or sync or halt and not drained"),
    ("executed", "pop; push, or done by control itself"),
    ("redirect", "the FIFO empties; fetch turns to target"),
    ("faulted", "dispatch stops; what is under way drains"),
    ("ended", "finished"),
];

/// The transitions.
pub const TRANSITIONS: [Transition; 11] = [
    Transition { from: "waiting", to: "looking", when: "head_valid" },
    Transition { from: "looking", to: "executed", when: "!refused && !blocked" },
    Transition { from: "looking", to: "blocked", when: "blocked" },
    Transition { from: "blocked", to: "executed", when: "!blocked" },
    Transition { from: "looking", to: "faulted", when: "refused || overflow" },
    Transition { from: "blocked", to: "ended", when: "deadlock" },
    Transition { from: "executed", to: "looking", when: "pc + 1" },
    Transition { from: "executed", to: "redirect", when: "taken || returns" },
    Transition { from: "redirect", to: "waiting", when: "request at target" },
    Transition { from: "executed", to: "ended", when: "halted" },
    Transition { from: "faulted", to: "ended", when: "drained || deadlock" },
];

/// The mnemonics of an engine, in the table's order.
pub fn mnemonics(engine: Engine) -> Vec<&'static str> {
    INSTRUCTIONS.iter().filter(|spec| spec.engine == engine).map(|spec| spec.mnemonic).collect()
}

/// Where a state is drawn, and its colour.
const PLACES: [((f64, f64), usize); 7] = [
    ((120.0, 210.0), 0),
    ((400.0, 210.0), 0),
    ((400.0, 330.0), 4),
    ((720.0, 210.0), 0),
    ((400.0, 90.0), 0),
    ((120.0, 330.0), 1),
    ((400.0, 450.0), 6),
];

/// An edge of a state, and how far along it.
type End = (Side, f64);

/// The edges that each transition leaves and reaches, in the order of [`TRANSITIONS`], and how far its name
/// is moved aside.
const EDGES: [(End, End, (f64, f64)); 11] = [
    ((Side::Right, 0.0), (Side::Left, 0.0), (0.0, -8.0)),
    ((Side::Right, -0.4), (Side::Left, -0.4), (0.0, -8.0)),
    ((Side::Bottom, 0.3), (Side::Top, 0.3), (30.0, 4.0)),
    ((Side::Right, 0.0), (Side::Bottom, -0.5), (-8.0, 26.0)),
    ((Side::Bottom, -0.6), (Side::Top, 0.4), (-10.0, -7.0)),
    ((Side::Bottom, 0.3), (Side::Top, 0.3), (36.0, 4.0)),
    ((Side::Left, 0.5), (Side::Right, 0.5), (0.0, 16.0)),
    ((Side::Top, 0.0), (Side::Right, 0.0), (30.0, -22.0)),
    ((Side::Left, 0.0), (Side::Top, 0.0), (-34.0, -18.0)),
    ((Side::Bottom, 0.3), (Side::Right, 0.0), (50.0, 20.0)),
    ((Side::Bottom, 0.0), (Side::Left, 0.0), (-50.0, 14.0)),
];

/// The diagram: states on the left, queues with their instructions on the right.
pub fn diagram() -> Diagram {
    let index = |name: &str| STATES.iter().position(|state| state.0 == name).unwrap_or(0);
    let states = STATES.iter().zip(PLACES).map(|((name, what), (at, colour))| Node {
        at,
        size: (196.0, 66.0),
        title: (*name).to_owned(),
        lines: halves(what),
        colour,
    });
    let mut nodes: Vec<Node> = states.collect();
    let edges = TRANSITIONS.iter().zip(EDGES);
    let mut arrows: Vec<Arrow> = edges
        .map(|(transition, (from, to, shift))| Arrow {
            from: (index(transition.from), from.0, from.1),
            to: (index(transition.to), to.0, to.1),
            name: transition.when.to_owned(),
            shift,
        })
        .collect();
    let mut top = 54.0;
    for (row, engine) in Engine::ALL.into_iter().enumerate() {
        let title = match row {
            0 => "control itself".to_owned(),
            row => format!("{} queue: push[{}]", engine.name(), row - 1),
        };
        let lines: Vec<String> = mnemonics(engine).chunks(4).map(|chunk| chunk.join(", ")).collect();
        let height = 30.0 + 15.0 * lines.len() as f64;
        nodes.push(Node { at: (1010.0, top + height / 2.0), size: (256.0, height), title, lines, colour: 2 });
        arrows.push(Arrow {
            from: (index("executed"), Side::Right, -0.6 + 0.3 * row as f64),
            to: (nodes.len() - 1, Side::Left, 0.0),
            name: String::new(),
            shift: (0.0, 0.0),
        });
        top += height + 12.0;
    }
    Diagram {
        title: "Fetch, decode and issue: the states of control (rtl/control.sv)".to_owned(),
        size: (1150.0, 500.0),
        nodes,
        arrows,
    }
}

/// A phrase in one or two lines.
fn halves(text: &str) -> Vec<String> {
    if text.chars().count() <= 26 {
        return vec![text.to_owned()];
    }
    let middle = text.len() / 2;
    let near = |at: &usize| at.abs_diff(middle);
    match text.match_indices(' ').map(|(at, _)| at).min_by_key(near) {
        Some(at) => vec![text[..at].to_owned(), text[at + 1..].to_owned()],
        None => vec![text.to_owned()],
    }
}

/// For other tools.
pub fn to_json() -> Value {
    let state = |(name, meaning): &(&str, &str)| json!({ "name": name, "meaning": meaning });
    json!({
        "states": STATES.iter().map(state).collect::<Vec<_>>(),
        "transitions": TRANSITIONS.iter()
            .map(|one| json!({ "from": one.from, "to": one.to, "when": one.when })).collect::<Vec<_>>(),
        "instructions": Engine::ALL.iter().map(|engine| json!({
            "engine": engine.name(),
            "mnemonics": mnemonics(*engine),
        })).collect::<Vec<_>>(),
    })
}
