//! The executor: a plan, an arena, and the loop over nodes.

use std::num::NonZeroUsize;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rayon::ThreadPool;

use ediacara_graph::{Graph, NodeId, OpError, Tensor, TensorError, TensorType, ValueId};

use crate::plan::{fits, needed_order};
use crate::pool;
use crate::steps::{Step, TO_CHANNELS_FIRST, TO_CHANNELS_LAST, fuse};
use crate::{BufferPlan, HostError, MemoryPlan, Placement};

/// How an executor runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Threads that operators may use; nothing for a common pool, which has a thread for each processor of
    /// the machine.
    ///
    /// Results do not depend on it.
    pub threads: Option<NonZeroUsize>,
    /// Whether [`Executor::run`] gives the same bits as each operator by itself.
    ///
    /// Otherwise images lie in memory with channels last, from a convolution of constant filters on. That
    /// sums in another order and is faster.
    pub same_bits: bool,
}

impl Options {
    /// Options for so many threads; 0 is the process's common pool.
    pub fn with_threads(threads: usize) -> Self {
        Self { threads: NonZeroUsize::new(threads), ..Self::default() }
    }
}

/// How long a node took in [`Executor::run_timed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeTime {
    /// The node.
    pub node: NodeId,
    /// Wall-clock time of its operator, zero for a view.
    pub time: Duration,
}

/// A graph, ready to be run many times.
///
/// Runs may go on at the same time from several threads; each takes an arena of its own, and arenas are kept.
#[derive(Debug)]
pub struct Executor {
    graph: Graph,
    /// Runs node by node, where every value is to be seen.
    plain: Schedule,
    /// Runs followers in one pass, with constants made ready.
    ///
    /// That takes as much memory again, so that it is made only when it is first run.
    fused: OnceLock<Schedule>,
    same_bits: bool,
    pool: Pool,
}

/// The threads of this executor alone, or those of all.
#[derive(Debug)]
enum Pool {
    Own(ThreadPool),
    Common(&'static ThreadPool),
}

/// Steps in order, and memory for them.
#[derive(Debug)]
struct Schedule {
    steps: Vec<Step>,
    plan: MemoryPlan,
    arenas: Mutex<Vec<Arena>>,
}

impl Schedule {
    fn new(graph: &Graph, steps: Vec<Step>) -> Result<Self, HostError> {
        let plan = MemoryPlan::of_steps(graph, &steps)?;
        Ok(Self { steps, plan, arenas: Mutex::default() })
    }

    fn lock_arenas(&self) -> std::sync::MutexGuard<'_, Vec<Arena>> {
        // An arena is whole at any time, so that a panic of another run does not spoil it.
        self.arenas.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Memory for the buffers of one run at a time.
///
/// A buffer is there when no value is using it.
#[derive(Debug, Default)]
struct Arena {
    buffers: Vec<Option<Tensor>>,
    /// Memory that outputs may use, for this run alone.
    spares: Vec<Tensor>,
}

/// What happens around each operator of a run.
trait Around {
    /// Computes a step.
    fn call(
        &mut self,
        graph: &Graph,
        step: &Step,
        inputs: &[&Tensor],
        outputs: &mut [Tensor],
    ) -> Result<(), OpError>;
    /// Sees a value as soon as it is known.
    fn see(&mut self, value: ValueId, tensor: &Tensor);
}

impl Executor {
    /// Plans a graph.
    ///
    /// The graph is copied; its constants are shared. [`run`](Self::run) makes constants ready when it is
    /// first called.
    ///
    /// # Errors
    /// The graph cannot be put in order (a cycle, an output that nothing computes), or there are no threads.
    pub fn new(graph: &Graph, options: &Options) -> Result<Self, HostError> {
        let order = needed_order(graph)?;
        let plain = Schedule::new(graph, order.iter().map(|&node| Step::of(graph, node)).collect())?;
        let pool = match options.threads {
            Some(threads) => Pool::Own(pool::of_threads(Some(threads.get()))?),
            None => Pool::Common(pool::common()?),
        };
        Ok(Self { graph: graph.clone(), plain, fused: OnceLock::new(), same_bits: options.same_bits, pool })
    }

    /// The schedule of [`run`](Self::run).
    ///
    /// Two first runs at the same time both make it, and one is kept.
    fn fused(&self) -> Result<&Schedule, HostError> {
        if let Some(fused) = self.fused.get() {
            return Ok(fused);
        }
        let order: Vec<NodeId> = self.plain.steps.iter().map(|step| step.node).collect();
        let fused = Schedule::new(&self.graph, fuse(&self.graph, &order, !self.same_bits))?;
        let (steps, plan) = (&fused.steps, &fused.plan);
        tracing::info!(
            "host: {} nodes run in {} steps, {} of them with channels last; results are placed in {} buffers of {} KiB, \
            instead of {} KiB",
            order.len(),
            steps.len(),
            steps.iter().filter(|step| step.channels_last).count(),
            plan.buffers.len(),
            plan.buffer_bytes() / 1024,
            plan.unshared_bytes / 1024,
        );
        Ok(self.fused.get_or_init(|| fused))
    }

    /// The graph that is run.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Where the graph's values are during a run that shows each of them.
    ///
    /// [`run`](Self::run) has fewer: an elementwise operator may be computed with the operator before it,
    /// whose result is then nowhere.
    pub fn plan(&self) -> &MemoryPlan {
        &self.plain.plan
    }

    /// Runs the graph on one tensor for each input, in the graph's order, and gives one tensor for each
    /// output.
    ///
    /// # Errors
    /// Inputs that are not the graph's; an operator that fails, with the node's name.
    pub fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, HostError> {
        self.run_reusing(inputs, Vec::new())
    }

    /// As [`run`](Self::run), with outputs in the memory of `spares` where types allow.
    ///
    /// `spares` are tensors that nobody needs any more, such as a variable's value before the last. Their
    /// content is lost.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_reusing(&self, inputs: &[Tensor], spares: Vec<Tensor>) -> Result<Vec<Tensor>, HostError> {
        struct Plain;
        impl Around for Plain {
            fn call(
                &mut self,
                graph: &Graph,
                step: &Step,
                x: &[&Tensor],
                y: &mut [Tensor],
            ) -> Result<(), OpError> {
                step.run(graph, x, y)
            }
            fn see(&mut self, _: ValueId, _: &Tensor) {}
        }
        // The whole run moves into the pool once, so that no operator has to move by itself.
        self.install(|| self.execute(self.fused()?, inputs, spares, &mut Plain))
    }

    /// Runs the graph and shows every input and every result to `observer` when it is known, views included.
    ///
    /// It serves calibration and debugging. A tensor that the observer keeps costs a copy later.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_with_observer(
        &self,
        inputs: &[Tensor],
        observer: impl FnMut(ValueId, &Tensor),
    ) -> Result<Vec<Tensor>, HostError> {
        struct Observed<'e, F>(&'e Executor, F);
        impl<F: FnMut(ValueId, &Tensor)> Around for Observed<'_, F> {
            fn call(
                &mut self,
                graph: &Graph,
                step: &Step,
                x: &[&Tensor],
                y: &mut [Tensor],
            ) -> Result<(), OpError> {
                self.0.install(|| step.run(graph, x, y))
            }
            fn see(&mut self, value: ValueId, tensor: &Tensor) {
                self.1(value, tensor);
            }
        }
        // The observer stays on this thread, so that it need not be able to leave it.
        self.execute(&self.plain, inputs, Vec::new(), &mut Observed(self, observer))
    }

    /// Runs the graph and measures every node, in the order of the run.
    ///
    /// Each node runs by itself: [`run`](Self::run) is faster than their sum.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_timed(&self, inputs: &[Tensor]) -> Result<(Vec<Tensor>, Vec<NodeTime>), HostError> {
        struct Timed(Vec<NodeTime>);
        impl Around for Timed {
            fn call(
                &mut self,
                graph: &Graph,
                step: &Step,
                x: &[&Tensor],
                y: &mut [Tensor],
            ) -> Result<(), OpError> {
                let start = Instant::now();
                let result = step.run(graph, x, y);
                self.0.push(NodeTime { node: step.node, time: start.elapsed() });
                result
            }
            fn see(&mut self, _: ValueId, _: &Tensor) {}
        }
        let mut timed = Timed(Vec::with_capacity(self.plain.steps.len()));
        let outputs = self.install(|| self.execute(&self.plain, inputs, Vec::new(), &mut timed))?;
        Ok((outputs, timed.0))
    }

    /// Runs `work` where parallel loops, those of operators among them, find this executor's threads.
    pub fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Pool::Own(pool) => pool.install(work),
            Pool::Common(pool) => pool.install(work),
        }
    }

    fn check_inputs(&self, inputs: &[Tensor]) -> Result<(), HostError> {
        let graph = &self.graph;
        let (expected, found) = (graph.inputs().len(), inputs.len());
        if expected != found {
            return Err(HostError::InputCount { graph: graph.name.clone(), expected, found });
        }
        for (&input, tensor) in graph.inputs().iter().zip(inputs) {
            if !fits(graph, input, tensor) {
                return Err(HostError::Input {
                    graph: graph.name.clone(),
                    input: graph.value(input).name.clone(),
                    expected: Box::new(graph.ty(input).clone()),
                    found: Box::new(TensorType::of(tensor)),
                });
            }
        }
        Ok(())
    }

    fn execute(
        &self,
        schedule: &Schedule,
        inputs: &[Tensor],
        spares: Vec<Tensor>,
        around: &mut impl Around,
    ) -> Result<Vec<Tensor>, HostError> {
        self.check_inputs(inputs)?;
        let mut arena = schedule.lock_arenas().pop().unwrap_or_default();
        arena.spares = spares;
        arena.buffers.resize(schedule.plan.buffers.len(), None);
        let mut known: Vec<Option<Tensor>> = vec![None; self.graph.value_count()];
        for (&input, tensor) in self.graph.inputs().iter().zip(inputs) {
            // The plan assumed contiguous inputs when it asked operators for views.
            let tensor = tensor.to_contiguous();
            around.see(input, &tensor);
            known[input.index()] = Some(tensor);
        }
        for (step, released) in schedule.steps.iter().zip(&schedule.plan.released) {
            self.step(&schedule.plan, step, &mut known, &mut arena, around)?;
            for &value in released {
                release(&schedule.plan, value, &mut known, &mut arena);
            }
        }
        arena.spares.clear();
        schedule.lock_arenas().push(arena);
        self.graph.outputs().iter().map(|&output| self.output(output, &known)).collect()
    }

    /// A value that is known, or a constant.
    fn operand<'a>(&'a self, value: ValueId, known: &'a [Option<Tensor>]) -> Option<&'a Tensor> {
        known[value.index()].as_ref().or_else(|| self.graph.constant(value))
    }

    fn step(
        &self,
        plan: &MemoryPlan,
        step: &Step,
        known: &mut [Option<Tensor>],
        arena: &mut Arena,
        around: &mut impl Around,
    ) -> Result<(), HostError> {
        let node = self.graph.node(step.node);
        let name = || node.name.clone();
        let mut inputs = Vec::with_capacity(step.inputs.len());
        for &input in &step.inputs {
            let unknown = || HostError::Order { node: name(), value: self.graph.value(input).name.clone() };
            inputs.push(self.operand(input, known).ok_or_else(unknown)?);
        }
        let mut outputs = Vec::with_capacity(step.outputs.len());
        let view = match (&step.outputs[..], &inputs[..]) {
            ([output], [input]) if matches!(plan.placement(*output), Placement::View(_)) => {
                node.op.view(input).filter(|view| fits(&self.graph, *output, view))
            }
            _ => None,
        };
        match view {
            Some(view) => outputs.push(view),
            None => {
                let allocation = |source| HostError::Allocation { node: name(), source };
                for &output in &step.outputs {
                    let shape = shape_in_memory(&self.graph.ty(output).shape, step.channels_last);
                    outputs.push(self.allocate(plan, output, &shape, arena).map_err(allocation)?);
                }
                let result = around.call(&self.graph, step, &inputs, &mut outputs);
                result.map_err(|source| HostError::Node { node: name(), source: Box::new(source) })?;
                if step.channels_last {
                    for output in &mut outputs {
                        *output = output.transpose(&TO_CHANNELS_FIRST).map_err(allocation)?;
                    }
                }
            }
        }
        for (&output, tensor) in step.outputs.iter().zip(outputs) {
            around.see(output, &tensor);
            known[output.index()] = Some(tensor);
        }
        Ok(())
    }

    /// A dense tensor of this shape for a result: the plan's buffer where it has one.
    ///
    /// Its content is what was there before.
    fn allocate(
        &self,
        plan: &MemoryPlan,
        value: ValueId,
        shape: &[usize],
        arena: &mut Arena,
    ) -> Result<Tensor, TensorError> {
        let ty = self.graph.ty(value);
        let Placement::Buffer(index) = plan.placement(value) else {
            let fits = |spare: &Tensor| spare.dtype() == ty.dtype && spare.len() == ty.elements();
            return match arena.spares.iter().position(fits) {
                Some(spare) => arena.spares.swap_remove(spare).into_dense(shape),
                None => Tensor::zeros(ty.dtype, shape),
            };
        };
        // An observer that kept a tensor has taken the buffer's memory with it; new memory then replaces it.
        match arena.buffers[index].take().and_then(|buffer| buffer.into_aligned(shape).ok()) {
            Some(tensor) => Ok(tensor),
            None => {
                let BufferPlan { dtype, elements } = plan.buffers[index];
                let slack = Tensor::ALIGNMENT_BYTES / dtype.size_bytes();
                Tensor::zeros(dtype, &[elements.saturating_add(slack)])?.into_aligned(shape)
            }
        }
    }

    fn output(&self, output: ValueId, known: &[Option<Tensor>]) -> Result<Tensor, HostError> {
        let unknown = || HostError::Output {
            graph: self.graph.name.clone(),
            output: self.graph.value(output).name.clone(),
        };
        Ok(self.operand(output, known).ok_or_else(unknown)?.to_contiguous())
    }
}

/// A value's shape as its elements lie in memory.
fn shape_in_memory(shape: &[usize], channels_last: bool) -> Vec<usize> {
    if channels_last { TO_CHANNELS_LAST.map(|axis| shape[axis]).to_vec() } else { shape.to_vec() }
}

/// Forgets a value and its views, and gives its memory back to the arena.
fn release(plan: &MemoryPlan, value: ValueId, known: &mut [Option<Tensor>], arena: &mut Arena) {
    for &view in &plan.views[value.index()] {
        known[view.index()] = None;
    }
    let tensor = known[value.index()].take();
    if let Placement::Buffer(index) = plan.placement(value) {
        arena.buffers[index] = tensor;
    }
}
