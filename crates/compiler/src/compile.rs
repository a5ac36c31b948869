//! The passes in order: what each is given, and what it hands on. Start reading at [`compile`].

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use ediacara_arch::Machine;
use ediacara_graph::{Graph, NodeId, ValueId};
use ediacara_isa::{Binding, Executable, MachineKey, Notes, Port, Value};

use crate::CompileError;
use crate::bounds::{self, Bounds, Source};
use crate::build::homes::{self, Appends, Fused, Placement};
use crate::build::layers::{self, Built};
use crate::build::ports::{Ports, ports};
use crate::check::declared::{self, Allocations};
use crate::check::disjoint;
use crate::fuse::additions::fuse_additions;
use crate::fuse::blocks::{BlockNodes, fuse_blocks};
use crate::fuse::epilogues::{ProductOf, fuse_epilogues};
use crate::fuse::gathers::{GatherOf, fuse_gathers, taken};
use crate::fuse::rows::{Chain, fuse_rows, gathered};
use crate::fuse::tables::{LookedUp, fuse_tables};
use crate::keep::decide::{Keeping, Kept, KeptBuffer, keep};
use crate::keep::export::{self, Stored, Twin};
use crate::keep::hold::{Holding, hold};
use crate::listings;
use crate::lower::lower;
use crate::lower::lowering::Lowering;
use crate::passes::{Listing, Listings, Options};
use crate::place::bindings::Bindings;
use crate::place::dram::DramImage;
use crate::place::host::host_graph;
use crate::place::pack::packings;
use crate::place::partition::{HostOp, places};
use crate::place::segments::{Division, DlpPart, Part, divide};
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
    /// but where one is part of the other. One that is kept and stored, too, has a home in both.
    pub view: View,
}

/// A compiled network.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// What runs, in order.
    pub segments: Vec<Segment>,
    /// Numbers that every program is given before it starts, each called after an input of the network.
    pub bindings: Vec<Binding>,
    /// Every node of the network that the DLP does not run, with the reason.
    pub host_ops: Vec<HostOp>,
    /// What [`Options::print_after`] asked for.
    pub listings: Vec<Listing>,
}

/// What runs without a pause in one place.
#[derive(Debug, Clone)]
pub enum Segment {
    /// A program of the DLP.
    Dlp(Box<DlpSegment>),
    /// A graph of the host.
    Host(Box<HostSegment>),
}

/// A segment of the host.
#[derive(Debug, Clone)]
pub struct HostSegment {
    /// What it runs.
    pub graph: Graph,
    /// The nodes of the network that it runs, in order.
    pub nodes: Vec<NodeId>,
    /// For each input of `graph`, the value of the network.
    pub inputs: Vec<ValueId>,
    /// For each output of `graph`, the value of the network.
    pub outputs: Vec<ValueId>,
}

/// A segment of the DLP.
#[derive(Debug, Clone)]
pub struct DlpSegment {
    /// What it runs.
    pub executable: Arc<Executable>,
    /// The nodes of the network that it runs, in order.
    pub nodes: Vec<NodeId>,
    /// For each input port of the executable, the value of the network that the port is made of.
    pub inputs: Vec<ValueId>,
    /// For each output port, the value of the network that the port makes.
    pub outputs: Vec<ValueId>,
    /// Every activation that a layer writes: for checks against the host.
    pub homes: Vec<Home>,
    /// What of them stays in NRAM, in the order of the layers that write it first.
    pub kept: Vec<KeptBuffer>,
    /// The floor and the yardstick that stand beside the program's cycles.
    pub bounds: Bounds,
    /// For each layer, beats of the matrix engine on rows of a block that it expands once more: those that the windows of
    /// two tiles see.
    pub repeated_beats: Vec<u64>,
    /// For each layer, bytes of an element that the matrix engine multiplies; 1 where it multiplies none.
    pub matrix_element_bytes: Vec<u64>,
    /// Why layers are cut as they are, in their order.
    pub explanations: Vec<Explanation>,
    /// What was decided about keeping activations in NRAM between layers, in the order of the layers.
    pub keepings: Vec<Keeping>,
    /// What was decided about holding weights in WRAM from layer to layer.
    pub holdings: Vec<Holding>,
    /// What lies where in every memory, who writes it and who reads it, for `ediacara_prove::prove_values`.
    pub values: Vec<Value>,
}

impl Compiled {
    /// The segments of the DLP, in order.
    pub fn dlp(&self) -> impl Iterator<Item = &DlpSegment> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Dlp(segment) => Some(&**segment),
            Segment::Host(_) => None,
        })
    }

    /// The segment of the DLP in a network that has exactly one.
    pub fn only_dlp(&self) -> Option<&DlpSegment> {
        let mut all = self.dlp();
        all.next().filter(|_| all.next().is_none())
    }
}

/// Additions that a product before them does, with the product and the index of the operand that it computes.
type Additions = HashMap<NodeId, (NodeId, usize)>;

/// Compiles a graph for a machine: its quantised part for the DLP, the rest for the host.
///
/// # Errors
/// A layer does not fit the machine, DRAM is full, or a pass is unknown: see [`CompileError`].
pub fn compile(graph: &Graph, machine: &Machine, options: &Options) -> Result<Compiled, CompileError> {
    let (listings, appends) = (Listings::new(options)?, Appends::default());
    let mut compiler = Compiler { graph, machine, listings, appends };
    let division = compiler.partition();
    compiler.pack(&division);
    let mut state = State {
        choices: Choices::new(Rates::of(machine)),
        dram: DramImage::new(machine),
        stay: HashMap::new(),
    };
    let mut segments = Vec::with_capacity(division.parts.len());
    for part in &division.parts {
        segments.push(match part {
            Part::Dlp(part) => {
                let (segment, after) = compiler.segment(part, state)?;
                state = after;
                Segment::Dlp(Box::new(segment))
            }
            Part::Host(part) => Segment::Host(Box::new(HostSegment {
                graph: host_graph(graph, part)?,
                nodes: part.nodes.clone(),
                inputs: part.inputs.clone(),
                outputs: part.outputs.clone(),
            })),
        });
    }
    let bindings = compiler.appends.bindings.declared(graph);
    Ok(Compiled { segments, bindings, host_ops: division.host, listings: compiler.listings.finish() })
}

/// What every pass may look at.
struct Compiler<'a> {
    graph: &'a Graph,
    machine: &'a Machine,
    listings: Listings<'a>,
    appends: Appends,
}

/// What one segment of the DLP leaves to the next.
struct State {
    /// The tilings that were searched for.
    choices: Choices,
    /// What of DRAM is in use.
    dram: DramImage,
    /// Where values that pass between segments lie in DRAM.
    stay: HashMap<ValueId, u64>,
}

/// The layers, and what is known of them before they are lowered.
struct Network {
    layers: Vec<Layer>,
    /// Where the activations lie that layers write.
    homes: Vec<Home>,
    ports: Ports,
    /// For each layer, the reservations in DRAM that its operands are parts of.
    tensors: Vec<Vec<usize>>,
    bounds: Bounds,
}

/// A segment with some activations in two places.
struct Variant {
    /// With all activations in DRAM.
    network: Network,
    /// Its layers where some are kept in NRAM.
    after: Vec<Layer>,
    kept: Kept,
}

/// The steps of all layers, after every allocation was doubted.
struct Program {
    lowering: Lowering,
    values: Vec<Value>,
}

impl Compiler<'_> {
    /// Divides the graph into segments of DLP and host.
    fn partition(&mut self) -> Division {
        let graph = self.graph;
        let mut division = divide(graph, &places(graph, self.machine));
        for part in &mut division.parts {
            if let Part::Dlp(part) = part
                && let Some(order) = gathered(graph, part, self.machine.core.nram_bytes)
            {
                part.dlp = order;
            }
        }
        decisions::tell_partition(graph, &division);
        self.listings.add("partition", || listings::partition_text(graph, &division));
        division
    }

    /// Decides which caches lie in DRAM as WRAM wants them, and which bindings say where rows are appended.
    fn pack(&mut self, division: &Division) {
        let graph = self.graph;
        let packings = match self.listings.enabled("pack") {
            true => packings(graph, division, self.machine),
            false => HashMap::new(),
        };
        decisions::tell_packings(graph, &packings);
        self.listings.add("pack", || listings::packings_text(graph, &packings));
        let bindings = Bindings::new(graph, division.parts.iter().flat_map(Part::dlp).copied(), &packings);
        self.appends = Appends { packings, bindings };
    }

    /// Runs all other passes over a segment of the DLP.
    fn segment(&mut self, part: &DlpPart, state: State) -> Result<(DlpSegment, State), CompileError> {
        let State { mut choices, mut dram, mut stay } = state;
        let additions = self.fuse_add(part);
        let blocks = self.fuse_block(part, &additions, &mut choices);
        let gathers = self.fuse_gather(part, &additions, &blocks, &mut choices);
        let tables = self.fuse_table(part, &additions, &blocks);
        let chains = self.fuse_row(part);
        let epilogues = self.fuse_epilogue(part, &chains, choices.rates());
        let fused = Fused { additions, gathers, tables, blocks, chains, epilogues };
        let placement = self.place(part, fused, &stay, &mut dram)?;
        let (mut network, mut kept) = self.build(part, &placement, &mut dram, &mut choices)?;
        let holdings = self.hold(&mut network, &mut kept, &mut choices);
        let mut program = self.lower(&mut network, &kept, choices, dram)?;
        let ordered = self.synchronise(&program.lowering.steps);
        let executable = self.emit(&ordered, &network, &mut program)?;
        // What the host leaves for several segments has one address too.
        let given =
            part.fed.iter().filter(|(_, fed)| fed.is_as_given()).map(|(value, fed)| (fed.source, *value));
        let left = part.read.iter().map(|&value| (value, value));
        let address = |(name, value): (ValueId, ValueId)| Some((name, placement.homes.get(&value)?.base));
        stay.extend(given.chain(left).filter_map(address));
        let Program { lowering, values } = program;
        let segment = DlpSegment {
            nodes: part.dlp.clone(),
            inputs: part.brought().map(|(_, fed)| fed.source).collect(),
            outputs: network.ports.values,
            homes: network.homes,
            kept: kept.buffers(&executable.source_map),
            bounds: network.bounds,
            repeated_beats: lowering.repeated_beats,
            matrix_element_bytes: network
                .layers
                .iter()
                .map(|layer| layer.kind.matrix_element_bytes())
                .collect(),
            explanations: lowering.explanations,
            keepings: kept.keepings,
            holdings,
            values,
            executable: Arc::new(executable),
        };
        Ok((segment, State { choices: lowering.choices, dram: lowering.dram, stay }))
    }

    /// Finds the additions that a product before them does.
    fn fuse_add(&mut self, part: &DlpPart) -> Additions {
        let graph = self.graph;
        let additions = match self.listings.enabled("fuse-add") {
            true => fuse_additions(graph, part),
            false => HashMap::new(),
        };
        decisions::tell_additions(graph, part, &additions);
        self.listings.add("fuse-add", || {
            listings::pairs_text(graph, additions.iter().map(|(add, (product, _))| [*product, *add]))
        });
        additions
    }

    /// Finds the windows that run faster together with the convolutions around them.
    fn fuse_block(
        &mut self,
        part: &DlpPart,
        additions: &Additions,
        choices: &mut Choices,
    ) -> Vec<BlockNodes> {
        let graph = self.graph;
        let blocks = match self.listings.enabled("fuse-block") {
            true => fuse_blocks(graph, part, additions, choices),
            false => Vec::new(),
        };
        decisions::tell_blocks(graph, &blocks);
        self.listings
            .add("fuse-block", || blocks.iter().map(|block| listings::block_text(graph, block)).collect());
        blocks
    }

    /// Finds the shuffles that are faster as the order of the channels that the convolution before them writes.
    fn fuse_gather(
        &mut self,
        part: &DlpPart,
        additions: &Additions,
        blocks: &[BlockNodes],
        choices: &mut Choices,
    ) -> HashMap<NodeId, GatherOf> {
        let graph = self.graph;
        let gathers = match self.listings.enabled("fuse-gather") {
            true => fuse_gathers(graph, part, &taken(blocks, additions), choices),
            false => HashMap::new(),
        };
        decisions::tell_gathers(graph, part, &gathers);
        let pairs = gathers.iter().map(|(gather, of)| [of.conv, *gather]);
        self.listings.add("fuse-gather", || listings::pairs_text(graph, pairs));
        gathers
    }

    /// Finds the tables that the layer before them does.
    fn fuse_table(
        &mut self,
        part: &DlpPart,
        additions: &Additions,
        blocks: &[BlockNodes],
    ) -> HashMap<NodeId, LookedUp> {
        let graph = self.graph;
        let tables = match self.listings.enabled("fuse-table") {
            true => fuse_tables(graph, part, additions, blocks),
            false => HashMap::new(),
        };
        decisions::tell_tables(graph, part, &tables);
        self.listings.add("fuse-table", || {
            listings::pairs_text(graph, tables.iter().map(|(table, found)| [found.before, *table]))
        });
        tables
    }

    /// Puts nodes of the float dialect together that go over the same rows.
    fn fuse_row(&mut self, part: &DlpPart) -> Vec<Chain> {
        let graph = self.graph;
        let nram = self.machine.core.nram_bytes;
        let chains = fuse_rows(graph, part, nram, !self.listings.enabled("fuse-row"));
        self.listings
            .add("fuse-row", || chains.iter().map(|chain| listings::chain_text(graph, chain)).collect());
        chains
    }

    /// Finds the chains that go on with the sums of a product, tile by tile.
    fn fuse_epilogue(
        &mut self,
        part: &DlpPart,
        chains: &[Chain],
        rates: &Rates,
    ) -> HashMap<NodeId, ProductOf> {
        let graph = self.graph;
        let epilogues = match self.listings.enabled("fuse-epilogue") {
            true => fuse_epilogues(graph, part, chains, rates),
            false => HashMap::new(),
        };
        let pairs = || epilogues.iter().map(|(first, of)| [of.product, *first]);
        self.listings.add("fuse-epilogue", || listings::pairs_text(graph, pairs()));
        epilogues
    }

    /// Gives every activation a home in DRAM.
    fn place(
        &mut self,
        part: &DlpPart,
        fused: Fused,
        stay: &HashMap<ValueId, u64>,
        dram: &mut DramImage,
    ) -> Result<Placement, CompileError> {
        let graph = self.graph;
        let placement = homes::place(graph, part, fused, &self.appends, stay, dram)?;
        decisions::tell_placement(graph, &placement);
        self.listings.add("place", || listings::placement_text(graph, &placement));
        Ok(placement)
    }

    /// Makes layers of nodes, and moves activations to NRAM where that is faster.
    ///
    /// What others read too stays there if the segment is faster with a layer that stores it.
    fn build(
        &mut self,
        part: &DlpPart,
        placement: &Placement,
        dram: &mut DramImage,
        choices: &mut Choices,
    ) -> Result<(Network, Kept), CompileError> {
        let mut best = self.variant(part, placement, &[], dram, choices)?;
        let free = dram.next();
        let mut twins = match self.listings.enabled("keep") {
            true => {
                export::twins(self.graph, part, placement, &mut best.network.layers, (dram, choices.rates()))?
            }
            false => Vec::new(),
        };
        while !twins.is_empty() {
            let other = self.variant(part, placement, &twins, dram, choices)?;
            let all = twins.len();
            twins.retain(|twin| other.kept.holds(&twin.twin));
            if twins.len() == all {
                if other.kept.cycles < best.kept.cycles {
                    return Ok(self.built(other));
                }
                break;
            }
        }
        dram.release(free);
        Ok(self.built(best))
    }

    /// The layers with these twins, before and after activations are moved to NRAM.
    fn variant(
        &self,
        part: &DlpPart,
        placement: &Placement,
        twins: &[Twin],
        dram: &DramImage,
        choices: &mut Choices,
    ) -> Result<Variant, CompileError> {
        let graph = self.graph;
        let moved = export::moved(placement, twins);
        let mut built = layers::build(graph, part, &moved, choices)?;
        let stored = export::store(graph, placement, &mut built, twins);
        let Built { mut layers, completed_by } = built;
        let homes = homes_of(&moved, &completed_by, stored);
        let tensors = declared::tensors(&mut layers, dram.reservations());
        let ports = ports(graph, part, placement)?;
        let sources = sources(graph, placement, &ports.inputs);
        let bounds = bounds::bounds(self.machine, &layers, &sources, &ports.outputs);
        let mut after = layers.clone();
        let kept = if self.listings.enabled("keep") {
            let outputs: Vec<View> =
                part.outputs.iter().filter_map(|value| placement.homes.get(value).cloned()).collect();
            keep(graph, &mut after, &moved.buffers, &outputs, choices)
        } else {
            Kept::nothing(&after, choices.rates())
        };
        Ok(Variant { network: Network { layers, homes, ports, tensors, bounds }, after, kept })
    }

    /// Tells of the variant that was chosen.
    fn built(&mut self, Variant { mut network, after, kept }: Variant) -> (Network, Kept) {
        self.listings.add("build", || network.layers.iter().map(listings::layer_text).collect());
        decisions::tell_keepings(&kept.keepings);
        self.listings.add("keep", || kept.keepings.iter().map(|keeping| format!("{keeping}\n")).collect());
        network.layers = after;
        (network, kept)
    }

    /// Holds weights in WRAM where several layers multiply by them, and that is faster.
    fn hold(&mut self, network: &mut Network, kept: &mut Kept, choices: &mut Choices) -> Vec<Holding> {
        let holdings = match self.listings.enabled("hold") {
            true => hold(&mut network.layers, kept, choices),
            false => Vec::new(),
        };
        decisions::tell_holdings(&holdings);
        self.listings.add("hold", || holdings.iter().map(|holding| format!("{holding}\n")).collect());
        holdings
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
            reused: &lowering.reused,
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
            bindings: Vec::new(),
        };
        self.listings.add("emit", || ediacara_isa::disassemble(&executable));
        Ok(executable)
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

/// The homes of what layers write and of what is `stored` behind them, in the order in which they are complete.
fn homes_of(placement: &Placement, completed_by: &HashMap<ValueId, u32>, stored: Vec<Stored>) -> Vec<Home> {
    let home = |(&value, view): (&ValueId, &View)| {
        completed_by.get(&value).map(|&layer| Home { value, layer, view: view.clone() })
    };
    let stored = stored.into_iter().map(|Stored { value, layer, view }| Home { value, layer, view });
    let mut homes: Vec<Home> = placement.homes.iter().filter_map(home).chain(stored).collect();
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
