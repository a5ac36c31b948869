//! Speed-ups of a network and of a layer.
//!
//! The kinds of layers of a network become faster by different factors (Amdahl, "Validity of the single
//! processor approach to achieving large scale computing capabilities", 1967). The layer is bound by
//! bandwidth.

use ediacara_plot::{Row, Span, Timeline};
use serde_json::{Value, json};

/// Kinds of layers, as the questions name them.
pub const KINDS: [&str; 3] = ["conv", "fc", "other"];

/// The kind of a layer, by its operator's name in a report.
///
/// A layer that is fused with others counts for its first operator.
pub fn kind_of(op: &str) -> &'static str {
    let first = op.split('+').next().unwrap_or_default();
    match first {
        first if first.contains("conv") => KINDS[0],
        first if first.contains("matmul") || first.contains("gemm") => KINDS[1],
        _ => KINDS[2],
    }
}

/// A part of the whole that becomes faster by one factor.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// What it is.
    pub name: String,
    /// Time before, in any unit.
    pub before: f64,
    /// How many times as fast it becomes.
    pub factor: f64,
}

impl Part {
    /// Time after.
    pub fn after(&self) -> f64 {
        self.before / self.factor
    }
}

/// The whole before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct Speedup {
    /// The parts.
    pub parts: Vec<Part>,
}

impl Speedup {
    /// Time before.
    pub fn before(&self) -> f64 {
        self.parts.iter().map(|part| part.before).sum()
    }

    /// Time after.
    pub fn after(&self) -> f64 {
        self.parts.iter().map(Part::after).sum()
    }

    /// How many times as fast the whole becomes: `sum t / sum (t / s)`.
    pub fn factor(&self) -> f64 {
        self.before() / self.after()
    }

    /// What the whole would become if the part with this index took no time at all; infinite if there is no
    /// other part.
    pub fn limit(&self, index: usize) -> f64 {
        let rest = self.parts.iter().enumerate().filter(|(other, _)| *other != index);
        self.before() / rest.map(|(_, part)| part.after()).sum::<f64>()
    }

    /// The speed-up for other tools.
    pub fn to_json(&self) -> Value {
        json!({
            "before": self.before(),
            "after": self.after(),
            "speedup": self.factor(),
            "parts": self.parts.iter().enumerate().map(|(index, part)| json!({
                "name": part.name,
                "before": part.before,
                "share_before": part.before / self.before(),
                "factor": part.factor,
                "after": part.after(),
                "share_after": part.after() / self.after(),
                "speedup_if_free": Some(self.limit(index)).filter(|limit| limit.is_finite()),
            })).collect::<Vec<_>>(),
        })
    }

    /// Before and after as two bars of parts.
    pub fn timeline(&self, title: &str, axis: &str) -> Timeline {
        let row = |name: &str, time: fn(&Part) -> f64| {
            let mut start = 0.0;
            let mut spans = Vec::new();
            for (kind, part) in self.parts.iter().enumerate() {
                let end = start + time(part);
                spans.push(Span { start, end, kind, name: part.name.clone() });
                start = end;
            }
            Row { name: name.to_owned(), spans }
        };
        Timeline {
            title: title.to_owned(),
            axis: axis.to_owned(),
            kinds: self
                .parts
                .iter()
                .map(|part| format!("{}, {} times as fast", part.name, part.factor))
                .collect(),
            rows: vec![row("before", |part| part.before), row("after", Part::after)],
        }
    }
}

/// A fully connected layer on an accelerator that is fed from memory, and on a machine with one arithmetic
/// unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Streamed {
    /// Inputs of the layer.
    pub inputs: u64,
    /// Outputs of the layer.
    pub outputs: u64,
    /// Rows that share the weights.
    pub batch: u64,
    /// Bytes of a number.
    pub number_bytes: u64,
    /// Memory bandwidth, bytes a second.
    pub bytes_per_second: f64,
    /// The accelerator's multiply-adds a second; infinite for one that never limits.
    pub macs_per_second: f64,
    /// Operations a second of the one arithmetic unit, which multiplies or adds.
    pub alu_operations_per_second: f64,
}

impl Streamed {
    /// Multiply-adds: one for each weight and row.
    pub fn macs(&self) -> f64 {
        self.inputs as f64 * self.outputs as f64 * self.batch as f64
    }

    /// Bytes that pass the memory: weights once, inputs, outputs.
    pub fn bytes(&self) -> f64 {
        let numbers = self.inputs as f64 * self.outputs as f64
            + self.batch as f64 * (self.inputs as f64 + self.outputs as f64);
        numbers * self.number_bytes as f64
    }

    /// Seconds on the accelerator: max(bytes / bandwidth, multiply-adds / peak).
    pub fn accelerator_seconds(&self) -> f64 {
        (self.bytes() / self.bytes_per_second).max(self.macs() / self.macs_per_second)
    }

    /// Seconds on the one unit, whose memory never limits.
    ///
    /// Each multiply-add takes a multiplication and an addition.
    pub fn alu_seconds(&self) -> f64 {
        2.0 * self.macs() / self.alu_operations_per_second
    }

    /// How many times as fast the accelerator is.
    pub fn factor(&self) -> f64 {
        self.alu_seconds() / self.accelerator_seconds()
    }

    /// The factor that no accelerator with this memory passes.
    ///
    /// Each weight that passes the memory serves one multiply-add, two operations, for each row of the batch.
    pub fn limit(&self) -> f64 {
        2.0 * self.batch as f64 * self.bytes_per_second
            / self.number_bytes as f64
            / self.alu_operations_per_second
    }

    /// The layer and its times for other tools.
    pub fn to_json(&self) -> Value {
        json!({
            "inputs": self.inputs,
            "outputs": self.outputs,
            "batch": self.batch,
            "number_bytes": self.number_bytes,
            "bytes_per_second": self.bytes_per_second,
            "macs_per_second": Some(self.macs_per_second).filter(|peak| peak.is_finite()),
            "alu_operations_per_second": self.alu_operations_per_second,
            "macs": self.macs(),
            "bytes": self.bytes(),
            "accelerator_seconds": self.accelerator_seconds(),
            "alu_seconds": self.alu_seconds(),
            "speedup": self.factor(),
            "limit": self.limit(),
        })
    }
}
