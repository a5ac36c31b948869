//! The passes in order: what each is given, and what it hands on. Start reading at [`compile`].

use std::collections::HashMap;
use std::ops::Range;

use ediacara_arch::Machine;
use ediacara_graph::{Graph, NodeId, ValueId};
use ediacara_isa::{Executable, MachineKey, Notes, Port, Value};

use crate::CompileError;
use crate::bounds::{self, Bounds, Source};
use crate::build::homes::{self, Placement};
use crate::build::layers::{self, Built};
use crate::build::ports::{Ports, ports};
use crate::check::declared::{self, Allocations};
use crate::check::disjoint;
use crate::fuse::additions::fuse_additions;
use crate::fuse::blocks::{BlockNodes, fuse_blocks};
use crate::keep::decide::{Keeping, Kept, KeptBuffer, keep};
use crate::listings;
use crate::lower::lower;
use crate::lower::lowering::Lowering;
use crate::passes::{Listing, Listings, Options};
use crate::place::dram::DramImage;
use crate::place::host::host_part;
use crate::place::partition::{HostOp, Partition, partition};
use crate::program::layer::Layer;
use crate::program::step::Step;
use crate::program::view::View;
use crate::synchronise::{Ordered, synchronise};
use crate::tile::choices::Choices;
use crate::tile::cost::Rates;
use crate::tile::explain::Explanation;
use crate::{decisions, emit};

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

/// Additions that a product before them does, with the product and the index of the operand that it computes.
type Additions = HashMap<NodeId, (NodeId, usize)>;

/// Compiles the quantised part of a graph for a machine; the rest becomes the host's graph.
///
/// # Errors
/// A layer does not fit the machine, DRAM is full, or a pass is unknown: see [`CompileError`].
pub fn compile(graph: &Graph, machine: &Machine, options: &Options) -> Result<Compiled, CompileError> {
    let mut compiler = Compiler { graph, machine, listings: Listings::new(options)? };
    let mut choices = Choices::new(Rates::of(machine));
    let mut dram = DramImage::new(machine);

    let division = compiler.partition();
    let additions = compiler.fuse_add(&division);
    let blocks = compiler.fuse_block(&division, &additions, &mut choices);
    let placement = compiler.place(&division, additions, &blocks, &mut dram)?;
    let mut network = compiler.build(&division, &placement, &dram, &mut choices)?;
    let kept = compiler.keep(&division, &placement, &mut network, &mut choices);
    let mut program = compiler.lower(&mut network, &kept, choices, dram)?;
    let ordered = compiler.synchronise(&program.lowering.steps);
    let executable = compiler.emit(&ordered, &network, &mut program)?;
    compiler.finish(division, &placement, network, kept, program, executable)
}

/// What every pass may look at.
struct Compiler<'a> {
    graph: &'a Graph,
    machine: &'a Machine,
    listings: Listings<'a>,
}

/// The layers, and what is known of them before they are lowered.
struct Network {
    layers: Vec<Layer>,
    /// After which layer each value is complete.
    completed_by: HashMap<ValueId, u32>,
    ports: Ports,
    /// For each layer, the reservations in DRAM that its operands are parts of.
    tensors: Vec<Vec<usize>>,
    bounds: Bounds,
}

/// The steps of all layers, after every allocation was doubted.
struct Program {
    lowering: Lowering,
    values: Vec<Value>,
}

impl Compiler<'_> {
    /// Divides the graph between DLP and host.
    fn partition(&mut self) -> Partition {
        let graph = self.graph;
        let division = partition(graph);
        decisions::tell_partition(graph, &division);
        self.listings.add("partition", || listings::partition_text(graph, &division));
        division
    }

    /// Finds the additions that a product before them does.
    fn fuse_add(&mut self, division: &Partition) -> Additions {
        let graph = self.graph;
        let additions = match self.listings.enabled("fuse-add") {
            true => fuse_additions(graph, division),
            false => HashMap::new(),
        };
        decisions::tell_additions(graph, division, &additions);
        self.listings.add("fuse-add", || listings::additions_text(graph, &additions));
        additions
    }

    /// Finds the windows that run faster together with the convolutions around them.
    fn fuse_block(
        &mut self,
        division: &Partition,
        additions: &Additions,
        choices: &mut Choices,
    ) -> Vec<BlockNodes> {
        let graph = self.graph;
        let blocks = match self.listings.enabled("fuse-block") {
            true => fuse_blocks(graph, division, additions, choices),
            false => Vec::new(),
        };
        decisions::tell_blocks(graph, &blocks);
        self.listings
            .add("fuse-block", || blocks.iter().map(|block| listings::block_text(graph, block)).collect());
        blocks
    }

    /// Gives every activation a home in DRAM.
    fn place(
        &mut self,
        division: &Partition,
        additions: Additions,
        blocks: &[BlockNodes],
        dram: &mut DramImage,
    ) -> Result<Placement, CompileError> {
        let graph = self.graph;
        let placement = homes::place(graph, division, additions, blocks, dram)?;
        decisions::tell_placement(graph, &placement);
        self.listings.add("place", || listings::placement_text(graph, &placement));
        Ok(placement)
    }

    /// Makes layers of nodes.
    fn build(
        &mut self,
        division: &Partition,
        placement: &Placement,
        dram: &DramImage,
        choices: &mut Choices,
    ) -> Result<Network, CompileError> {
        let graph = self.graph;
        let Built { mut layers, completed_by } = layers::build(graph, division, placement, choices)?;
        self.listings.add("build", || layers.iter().map(listings::layer_text).collect());
        let tensors = declared::tensors(&mut layers, dram.reservations());
        let ports = ports(graph, division, placement)?;
        let sources = sources(graph, placement, &ports.inputs);
        let bounds = bounds::bounds(self.machine, &layers, &sources, &ports.outputs);
        Ok(Network { layers, completed_by, ports, tensors, bounds })
    }

    /// Moves activations to NRAM where that is faster.
    fn keep(
        &mut self,
        division: &Partition,
        placement: &Placement,
        network: &mut Network,
        choices: &mut Choices,
    ) -> Kept {
        let kept = if self.listings.enabled("keep") {
            let outputs: Vec<View> =
                division.outputs.iter().filter_map(|value| placement.homes.get(value).cloned()).collect();
            keep(self.graph, &mut network.layers, &placement.buffers, &outputs, choices)
        } else {
            Kept::nothing(&network.layers, choices.rates())
        };
        decisions::tell_keepings(&kept.keepings);
        self.listings.add("keep", || kept.keepings.iter().map(|keeping| format!("{keeping}\n")).collect());
        kept
    }

    /// Turns each layer into steps, and doubts every allocation.
    fn lower(
        &mut self,
        network: &mut Network,
        kept: &Kept,
        choices: Choices,
        dram: DramImage,
    ) -> Result<Program, CompileError> {
        let operands = declared::operands(&mut network.layers, &network.tensors);
        let mut lowering = Lowering::new(self.machine, choices, dram);
        let mut constants: Vec<Range<usize>> = Vec::with_capacity(network.layers.len());
        for (index, layer) in network.layers.iter().enumerate() {
            let placed = lowering.dram.reservations().len();
            lower(&mut lowering, index as u32, layer, &kept.room(index))?;
            constants.push(placed..lowering.dram.reservations().len());
        }
        self.listings
            .add("lower", || lowering.steps.iter().map(Step::to_string).map(|line| line + "\n").collect());
        let allocations = Allocations {
            names: network.layers.iter().map(|layer| &*layer.info.name).collect(),
            reservations: lowering.dram.reservations(),
            constants,
            operands,
            residences: kept.residences().collect(),
            tile_bytes: kept.tile_bytes(),
            slots: &lowering.slots,
        };
        disjoint::check(&allocations, &lowering.steps, memory_sizes(self.machine))?;
        let values = allocations.declare(&network.ports.inputs, &network.ports.outputs);
        Ok(Program { lowering, values })
    }

    /// Finds which steps wait for which.
    fn synchronise(&mut self, steps: &[Step]) -> Vec<Ordered> {
        let ordered = synchronise(steps, self.machine.core.queue_entries as usize);
        self.listings.add("synchronise", || ordered.iter().map(listings::ordered_text).collect());
        ordered
    }

    /// Encodes the instructions, and puts them into DRAM behind everything else.
    fn emit(
        &mut self,
        ordered: &[Ordered],
        network: &Network,
        program: &mut Program,
    ) -> Result<Executable, CompileError> {
        let code = emit::emit(ordered, |layer| {
            network.layers.get(layer as usize).map_or_else(String::new, |layer| layer.info.name.clone())
        })?;
        let dram = &mut program.lowering.dram;
        let names = dram.names();
        let code_base = dram.reserve(code.words.len() as u64 * 32, "code")?;
        let executable = Executable {
            machine: machine_key(self.machine),
            code_base,
            code: code.words,
            data: dram.take_data(),
            inputs: network.ports.inputs.clone(),
            outputs: network.ports.outputs.clone(),
            source_map: code.source_map,
            layers: network.layers.iter().map(|layer| layer.info.clone()).collect(),
            notes: Notes { labels: code.labels, values: names, ..Notes::default() },
        };
        self.listings.add("emit", || ediacara_isa::disassemble(&executable));
        Ok(executable)
    }

    /// What the passes made, for who asked.
    fn finish(
        self,
        division: Partition,
        placement: &Placement,
        network: Network,
        kept: Kept,
        program: Program,
        executable: Executable,
    ) -> Result<Compiled, CompileError> {
        let part = host_part(self.graph, &division)?;
        let input_names: Vec<String> = executable.inputs.iter().map(|port| port.name.clone()).collect();
        Ok(Compiled {
            host: part.graph,
            host_ops: division.host,
            dlp_nodes: division.dlp,
            dlp_outputs: part.from_dlp.into_iter().zip(network.ports.read).collect(),
            dlp_inputs: division.fed.iter().map(|(_, fed)| fed.input).zip(input_names).collect(),
            host_inputs: part.from_network,
            homes: homes_of(placement, &network.completed_by),
            kept: kept.buffers(&executable.source_map),
            bounds: network.bounds,
            repeated_beats: program.lowering.repeated_beats,
            explanations: program.lowering.explanations,
            keepings: kept.keepings,
            values: program.values,
            listings: self.listings.finish(),
            executable,
        })
    }
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

fn memory_sizes(machine: &Machine) -> disjoint::Sizes {
    disjoint::Sizes {
        nram: machine.core.nram_bytes,
        wram: machine.core.wram_bytes,
        aram: machine.aram_accumulators(),
        pram: machine.pram_records(),
    }
}

/// The homes of what layers write, in the order in which they are complete.
fn homes_of(placement: &Placement, completed_by: &HashMap<ValueId, u32>) -> Vec<Home> {
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
