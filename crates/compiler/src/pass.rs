//! The passes, in order, and what they hand on.

use std::collections::HashMap;

use ediacara_arch::Machine;
use ediacara_graph::{Graph, NodeId, ValueId};
use ediacara_isa::{Executable, MachineKey, Notes, Port, Value};

use crate::CompileError;
use crate::Explanation;
use crate::allocation::{self, Allocations};
use crate::allocation_check;
use crate::bounds::{Bounds, Source};
use crate::build::Built;
use crate::choices::Choices;
use crate::cost::Rates;
use crate::dram::DramImage;
use crate::fuse_block::{BlockNodes, fuse_blocks};
use crate::keep::{Keeping, Kept, KeptBuffer, keep};
use crate::layer::{Kind, Layer};
use crate::lower::Lowering;
use crate::partition::{Partition, partition};
use crate::place::{Placement, fuse_additions, place};
use crate::ports::{Ports, ports};
use crate::step::Step;
use crate::synchronise::{Ordered, synchronise};
use crate::view::View;
use crate::{bounds, build, decisions, emit, host};

/// A pass as users see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassDescription {
    /// The name that [`Options`] take.
    pub name: &'static str,
    /// What it does.
    pub documentation: &'static str,
    /// Whether [`Options::disable`] may name it.
    pub optional: bool,
}

/// The passes, in the order in which they run.
pub const PASSES: &[PassDescription] = &[
    PassDescription {
        name: "partition",
        documentation: "divides the graph between DLP and host, with a reason for every node of the host",
        optional: false,
    },
    PassDescription {
        name: "fuse-add",
        documentation: "lets a convolution or matrix product do the residual addition after it",
        optional: true,
    },
    PassDescription {
        name: "fuse-block",
        documentation: "joins depthwise convolutions and max pools with the convolutions around them where that is faster",
        optional: true,
    },
    PassDescription {
        name: "place",
        documentation: "gives every activation a home in DRAM; concats, slices and reshapes become views",
        optional: false,
    },
    PassDescription { name: "build", documentation: "makes layers of nodes", optional: false },
    PassDescription {
        name: "keep",
        documentation: "lets activations stay in NRAM between the layers that write and read them where that is faster",
        optional: true,
    },
    PassDescription {
        name: "lower",
        documentation: "tiles each layer and turns it into steps in program order",
        optional: false,
    },
    PassDescription {
        name: "synchronise",
        documentation: "finds, from the bytes that steps touch, which must wait for which",
        optional: false,
    },
    PassDescription {
        name: "emit",
        documentation: "writes configuration registers where they change and encodes instructions",
        optional: false,
    },
];

/// What a compilation may be told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Names of passes whose result is wanted as text.
    pub print_after: Vec<String>,
    /// Names of optional passes to leave out.
    pub disable: Vec<String>,
}

/// The result of a pass as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The pass.
    pub pass: &'static str,
    /// One line a thing.
    pub text: String,
}

/// A node that the host runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostOp {
    /// The node.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// Its operator.
    pub op: String,
    /// Why the DLP does not run it.
    pub reason: String,
}

/// An activation that the DLP computes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The value of the graph.
    pub value: ValueId,
    /// The layer after which it is complete.
    pub layer: u32,
    /// Where it lies in DRAM; if that is in the home of a [`KeptBuffer`], in NRAM instead. No two values share bytes in DRAM
    /// but where one is part of the other.
    pub view: View,
}

/// A compiled network.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// What the DLP runs.
    pub executable: Executable,
    /// What the host runs afterwards. Its inputs are those of `dlp_outputs`, then those network inputs that it
    /// reads itself; its outputs are the network's, under their names.
    pub host: Graph,
    /// Every node of the network that the host runs, before or after the DLP, with the reason.
    pub host_ops: Vec<HostOp>,
    /// Every node of the network that the DLP runs, in order.
    pub dlp_nodes: Vec<NodeId>,
    /// For each input of `host` that the DLP gives, in order, the output port that holds its bytes. Several ports may
    /// hold the same.
    pub dlp_outputs: Vec<(ValueId, String)>,
    /// For each input port of the executable, in order, the network's input that it holds.
    pub dlp_inputs: Vec<(ValueId, String)>,
    /// For the inputs of `host` after those of `dlp_outputs`, in order, the network's inputs.
    pub host_inputs: Vec<ValueId>,
    /// Every activation that a layer writes: for checks against the host.
    pub homes: Vec<Home>,
    /// What of them stays in NRAM, in the order of the layers that write it first.
    pub kept: Vec<KeptBuffer>,
    /// The floor and the yardstick that stand beside the program's cycles.
    pub bounds: Bounds,
    /// For each layer, beats of the matrix engine on rows of a block that it expands once more: those that the windows of
    /// two tiles see.
    pub repeated_beats: Vec<u64>,
    /// Why layers are cut as they are, in their order.
    pub explanations: Vec<Explanation>,
    /// What was decided about keeping activations in NRAM between layers, in the order of the layers.
    pub keepings: Vec<Keeping>,
    /// What lies where in every memory, who writes it and who reads it, for `ediacara_prove::prove_values`.
    pub values: Vec<Value>,
    /// What [`Options::print_after`] asked for.
    pub listings: Vec<Listing>,
}

struct Listings<'a> {
    options: &'a Options,
    found: Vec<Listing>,
}

impl Listings<'_> {
    fn add(&mut self, pass: &'static str, text: impl FnOnce() -> String) {
        if self.options.print_after.iter().any(|name| name == pass) {
            self.found.push(Listing { pass, text: text() });
        }
    }

    fn enabled(&self, pass: &str) -> bool {
        !self.options.disable.iter().any(|name| name == pass)
    }
}

fn check_names(options: &Options) -> Result<(), CompileError> {
    let all: Vec<&'static str> = PASSES.iter().map(|pass| pass.name).collect();
    let optional: Vec<&'static str> =
        PASSES.iter().filter(|pass| pass.optional).map(|pass| pass.name).collect();
    for (names, known) in [(&options.print_after, all), (&options.disable, optional)] {
        if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(CompileError::UnknownPass { name: name.clone(), known });
        }
    }
    Ok(())
}

/// Compiles the quantised part of a graph for a machine; the rest becomes the host's graph.
///
/// # Errors
/// A layer does not fit the machine, DRAM is full, or a pass is unknown: see [`CompileError`].
pub fn compile(graph: &Graph, machine: &Machine, options: &Options) -> Result<Compiled, CompileError> {
    check_names(options)?;
    let mut listings = Listings { options, found: Vec::new() };

    let division = partition(graph);
    decisions::tell_partition(graph, &division);
    listings.add("partition", || partition_text(graph, &division));

    let fused = if listings.enabled("fuse-add") { fuse_additions(graph, &division) } else { HashMap::new() };
    decisions::tell_additions(graph, &division, &fused);
    listings.add("fuse-add", || {
        let mut lines: Vec<String> = fused
            .iter()
            .map(|(add, (conv, _))| format!("{} + {}\n", graph.node(*conv).name, graph.node(*add).name))
            .collect();
        lines.sort();
        lines.concat()
    });

    let mut choices = Choices::new(Rates::of(machine));
    let blocks = if listings.enabled("fuse-block") {
        fuse_blocks(graph, &division, &fused, &mut choices)
    } else {
        Vec::new()
    };
    decisions::tell_blocks(graph, &blocks);
    listings.add("fuse-block", || blocks.iter().map(|block| block_text(graph, block)).collect());

    let mut dram = DramImage::new(machine);
    let placement = place(graph, &division, fused, &blocks, &mut dram)?;
    decisions::tell_placement(graph, &placement);
    listings.add("place", || placement_text(graph, &placement));

    let Built { mut layers, completed_by } = build::build(graph, &division, &placement)?;
    listings.add("build", || layers.iter().map(layer_text).collect());

    let tensors = allocation::tensors(&mut layers, dram.reservations());
    let Ports { inputs, outputs, read } = ports(graph, &division, &placement)?;
    let sources = sources(graph, &placement, &inputs);
    let bounds = bounds::bounds(machine, &layers, &sources, &outputs);

    let kept = if listings.enabled("keep") {
        let outputs: Vec<View> =
            division.outputs.iter().filter_map(|value| placement.homes.get(value).cloned()).collect();
        keep(graph, &mut layers, &placement.buffers, &outputs, &mut choices)
    } else {
        Kept::nothing(&layers, choices.rates())
    };
    decisions::tell_keepings(&kept.keepings);
    listings.add("keep", || kept.keepings.iter().map(|keeping| format!("{keeping}\n")).collect());

    let operands = allocation::operands(&mut layers, &tensors);
    let mut lowering = Lowering::new(machine, choices, dram);
    let mut constants = Vec::with_capacity(layers.len());
    for (index, layer) in layers.iter().enumerate() {
        let placed = lowering.dram.reservations().len();
        lowering.layer(index as u32, layer, &kept.room(index))?;
        constants.push(placed..lowering.dram.reservations().len());
    }
    listings.add("lower", || lowering.steps.iter().map(Step::to_string).map(|line| line + "\n").collect());

    let allocations = Allocations {
        names: layers.iter().map(|layer| &*layer.info.name).collect(),
        reservations: lowering.dram.reservations(),
        constants,
        operands,
        residences: kept.residences().collect(),
        tile_bytes: kept.tile_bytes(),
        slots: &lowering.slots,
    };
    allocation_check::check(&allocations, &lowering.steps, memory_sizes(machine))?;
    let values = allocations.declare(&inputs, &outputs);

    let ordered = synchronise(&lowering.steps, machine.core.queue_entries as usize);
    listings.add("synchronise", || ordered.iter().map(ordered_text).collect());

    let code = emit::emit(&ordered, |layer| {
        layers.get(layer as usize).map_or_else(String::new, |l| l.info.name.clone())
    })?;
    let names = lowering.dram.names();
    let code_base = lowering.dram.reserve(code.words.len() as u64 * 32, "code")?;
    let executable = Executable {
        machine: machine_key(machine),
        code_base,
        code: code.words,
        segments: lowering.dram.into_segments(),
        inputs,
        outputs,
        source_map: code.source_map,
        layers: layers.iter().map(|layer| layer.info.clone()).collect(),
        notes: Notes { labels: code.labels, values: names, ..Notes::default() },
    };
    listings.add("emit", || ediacara_isa::disassemble(&executable));

    let part = host::host_part(graph, &division)?;
    let input_names: Vec<String> = executable.inputs.iter().map(|port| port.name.clone()).collect();
    Ok(Compiled {
        host: part.graph,
        host_ops: division.host,
        dlp_nodes: division.dlp,
        dlp_outputs: part.from_dlp.into_iter().zip(read).collect(),
        dlp_inputs: division.fed.iter().map(|(_, fed)| fed.input).zip(input_names).collect(),
        host_inputs: part.from_network,
        homes: homes(&placement, &completed_by),
        kept: kept.buffers(&executable.source_map),
        bounds,
        repeated_beats: lowering.repeated_beats,
        explanations: lowering.explanations,
        keepings: kept.keepings,
        values,
        listings: listings.found,
        executable,
    })
}

/// What the layers read and none of them writes.
fn sources<'a>(graph: &'a Graph, placement: &Placement, inputs: &[Port]) -> Vec<Source<'a>> {
    let constant = |(value, view): (&ValueId, &View)| {
        let constant = graph.constant(*value)?;
        Some(Source { base: view.base, bytes: view.len(), constant: Some(constant) })
    };
    let mut constants: Vec<_> = placement.homes.iter().filter_map(constant).collect();
    constants.sort_by_key(|source| source.base);
    let input = |port: &Port| Source { base: port.address, bytes: port.len() as u64, constant: None };
    inputs.iter().map(input).chain(constants).collect()
}

fn memory_sizes(machine: &Machine) -> allocation_check::Sizes {
    allocation_check::Sizes {
        nram: machine.core.nram_bytes,
        wram: machine.core.wram_bytes,
        aram: machine.aram_accumulators(),
        pram: machine.pram_records(),
    }
}

/// The homes of what layers write, in the order in which they are complete.
fn homes(placement: &Placement, completed_by: &HashMap<ValueId, u32>) -> Vec<Home> {
    let home = |(&value, view): (&ValueId, &View)| {
        completed_by.get(&value).map(|&layer| Home { value, layer, view: view.clone() })
    };
    let mut homes: Vec<Home> = placement.homes.iter().filter_map(home).collect();
    homes.sort_by_key(|home| (home.layer, home.value));
    homes
}

/// What a program for `machine` depends on.
pub fn machine_key(machine: &Machine) -> MachineKey {
    MachineKey {
        name: machine.name.clone(),
        rows: machine.matrix.rows,
        columns: machine.matrix.columns,
        nram_bytes: machine.core.nram_bytes,
        wram_bytes: machine.core.wram_bytes,
        aram_bytes: machine.core.aram_bytes,
        pram_bytes: machine.core.pram_bytes,
        dram_bytes: machine.dram.bytes,
    }
}

fn partition_text(graph: &Graph, division: &Partition) -> String {
    let mut text = String::new();
    for (value, _) in &division.fed {
        text += &format!("input  {}\n", graph.value(*value).name);
    }
    for &node in &division.dlp {
        text += &format!("dlp    {} {}\n", graph.node(node).op.name(), graph.node(node).name);
    }
    for &value in &division.outputs {
        text += &format!("output {}\n", graph.value(value).name);
    }
    for op in &division.host {
        text += &format!("host   {} {}: {}\n", op.op, op.name, op.reason);
    }
    text
}

fn block_text(graph: &Graph, block: &BlockNodes) -> String {
    let names: Vec<&str> = block.nodes().into_iter().map(|id| graph.node(id).name.as_str()).collect();
    names.join(" + ") + "\n"
}

fn placement_text(graph: &Graph, placement: &Placement) -> String {
    let mut homes: Vec<_> = placement.homes.iter().collect();
    homes.sort_by_key(|(value, _)| **value);
    let line = |(value, view): (&ValueId, &crate::view::View)| {
        format!("{} {:#x} {:?} pitch {:?}\n", graph.value(*value).name, view.base, view.shape, view.strides)
    };
    homes.into_iter().map(line).collect()
}

fn layer_text(layer: &Layer) -> String {
    let detail = match &layer.kind {
        Kind::Conv(conv) | Kind::Depthwise(conv) => {
            format!("kernel {:?} stride {:?} groups {}", conv.window.kernel, conv.window.stride, conv.groups)
        }
        Kind::Pool(pool) => format!("kernel {:?} stride {:?}", pool.window.kernel, pool.window.stride),
        Kind::Block(block) => {
            let (x, _, window) = block.middle.shape();
            format!("kernel {:?} stride {:?} channels {}", window.kernel, window.stride, x.channels)
        }
        Kind::Copy(copy) => format!("{} parts", copy.parts.len()),
        Kind::Binary(_) | Kind::Table(_) => String::new(),
    };
    format!("{} {} {:?} {detail}\n", layer.info.op, layer.info.name, layer.info.shape)
}

fn ordered_text(ordered: &Ordered) -> String {
    let list = |mask: u16| {
        let set: Vec<String> =
            (0..16).filter(|bit| mask >> bit & 1 == 1).map(|bit| bit.to_string()).collect();
        set.join(",")
    };
    format!("{} wait({}) post({})\n", ordered.step, list(ordered.wait), list(ordered.post))
}
