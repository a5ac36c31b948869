//! Eager programs that become graphs: traced once for each list of operand types, then run as planned graphs.

use std::collections::HashMap;

use ediacara_autodiff::{GraphEmitter, Recorder, Tape};
use ediacara_graph::{Graph, TensorType, ValueId};
use ediacara_host::{Executor, Options};
use ediacara_tensor::Tensor;

use crate::TrainError;
use crate::part::prune;

/// A program and the graphs that were traced of it, made by [`function`].
#[derive(Debug)]
pub struct Function<F> {
    program: F,
    threads: usize,
    traces: HashMap<Vec<TensorType>, Trace>,
}

/// The program's graph for operands of certain types, ready to run.
#[derive(Debug)]
struct Trace {
    graph: Graph,
    executor: Executor,
    /// The operands that the results depend on.
    needed: Vec<usize>,
}

/// Makes a program into a function that can be called with tensors.
///
/// The program is given where its operators go and a value for each operand, and gives its results. It is
/// ordinary code, with loops and conditions over whatever it knows, and may take gradients:
///
/// ```
/// # use ediacara_train::{TrainError, function};
/// # use ediacara_graph::ops::{Mul, Reduce, ReduceKind};
/// # use ediacara_tensor::Tensor;
/// # fn main() -> Result<(), TrainError> {
/// let mut slope_of_fourth_power = function(|record, operands| {
///     let x = operands[0];
///     let mut power = x;
///     for _ in 0..3 {
///         power = record.one(Mul, &[power, x])?;
///     }
///     Ok(record.gradients(power, &[x])?)
/// });
/// let slope = slope_of_fourth_power.call(&[Tensor::from_vec(&[2], vec![1.0_f32, 2.0])?])?;
/// assert_eq!(slope[0].to_vec::<f32>()?, [4.0, 32.0]);
/// assert_eq!(slope_of_fourth_power.trace_count(), 1);
/// # Ok(())
/// # }
/// ```
///
/// The graph is run as it was traced, without being optimised, so that its results are those of eager
/// computation to the bit.
///
/// The program sees types, never numbers. It runs once for each list of operand types that it is called with,
/// and its decisions then stay. What it takes from outside must therefore not change.
pub fn function<F>(program: F) -> Function<F>
where
    F: Fn(&mut dyn Recorder, &[ValueId]) -> Result<Vec<ValueId>, TrainError>,
{
    Function { program, threads: 0, traces: HashMap::new() }
}

impl<F> Function<F>
where
    F: Fn(&mut dyn Recorder, &[ValueId]) -> Result<Vec<ValueId>, TrainError>,
{
    /// The same function with so many threads; 0 for as many as the machine has.
    pub fn with_threads(self, threads: usize) -> Function<F> {
        Function { threads, ..self }
    }

    /// The program's results, by the graph for operands of these types.
    ///
    /// The first call with them traces the program.
    ///
    /// # Errors
    /// Those of the program when it is traced, or a result is of another graph; those of the operators when
    /// they run. A program that failed to be traced is traced again at the next call.
    pub fn call(&mut self, operands: &[Tensor]) -> Result<Vec<Tensor>, TrainError> {
        let types: Vec<TensorType> = operands.iter().map(TensorType::of).collect();
        if !self.traces.contains_key(&types) {
            let trace = self.trace(&types)?;
            self.traces.insert(types.clone(), trace);
        }
        let trace = &self.traces[&types];
        let needed: Vec<Tensor> = trace.needed.iter().map(|&index| operands[index].clone()).collect();
        Ok(trace.executor.run(&needed)?)
    }

    /// The program's results, computed eagerly, operator by operator.
    ///
    /// They are those of [`call`](Function::call) to the bit.
    ///
    /// # Errors
    /// Those of the program; a result is of another graph.
    pub fn call_eagerly(&self, operands: &[Tensor]) -> Result<Vec<Tensor>, TrainError> {
        let mut tape = Tape::new();
        let values: Vec<ValueId> =
            operands.iter().map(|operand| tape.value("operand", operand.clone())).collect();
        let results = (self.program)(&mut tape, &values)?;
        check_results(&results, tape.graph())?;
        Ok(results.into_iter().map(|result| tape.tensor(result).clone()).collect())
    }

    /// How often the program was traced: for how many lists of operand types there is a graph.
    pub fn trace_count(&self) -> usize {
        self.traces.len()
    }

    /// The graph for operands of these types, if the program was called with such.
    ///
    /// Its inputs are the operands.
    pub fn graph(&self, types: &[TensorType]) -> Option<&Graph> {
        self.traces.get(types).map(|trace| &trace.graph)
    }

    fn trace(&self, types: &[TensorType]) -> Result<Trace, TrainError> {
        let mut graph = Graph::new("function");
        let inputs: Vec<ValueId> = types.iter().map(|ty| graph.add_input("operand", ty.clone())).collect();
        let outputs = (self.program)(&mut GraphEmitter::new(&mut graph, "function"), &inputs)?;
        check_results(&outputs, &graph)?;
        graph.set_outputs(outputs.clone());
        let (pruned, used) = prune(&graph, &outputs)?;
        tracing::info!(
            "function: traced for {} operands; its results need {} of {} nodes",
            types.len(),
            pruned.node_count(),
            graph.node_count()
        );
        // The results must have the bits of eager computation, which knows one operator at a time.
        let options = Options { same_bits: true, ..Options::with_threads(self.threads) };
        let executor = Executor::new(&pruned, &options)?;
        let needed = used.iter().filter_map(|used| inputs.iter().position(|input| input == used)).collect();
        Ok(Trace { graph, executor, needed })
    }
}

/// Refuses results of another graph: a program can return what it was not given.
fn check_results(results: &[ValueId], graph: &Graph) -> Result<(), TrainError> {
    match results.iter().find(|result| graph.check_value(**result).is_err()) {
        Some(foreign) => {
            Err(TrainError::Session(format!("{foreign}, a result of a function, is no value of its graph")))
        }
        None => Ok(()),
    }
}
