//! Passes and the visible list of them.

use std::time::{Duration, Instant};

use super::{Context, Driver, Rewrite};
use crate::{Graph, GraphError};

/// A named change of a whole graph.
pub trait Pass: Send + Sync {
    /// The name in reports and on the command line, in snake case.
    fn name(&self) -> &'static str;

    /// What it does and why.
    fn documentation(&self) -> &'static str;

    /// Changes the graph; returns how many changes were made.
    ///
    /// The pass asks the context's budget before each change, and records the change there.
    ///
    /// # Errors
    /// The pass failed; the graph is then not to be used any more.
    fn run(&self, graph: &mut Graph, context: &mut Context) -> Result<usize, GraphError>;
}

/// A pass that applies rules until none matches.
pub struct RewritePass {
    name: &'static str,
    documentation: &'static str,
    rewrites: Vec<Box<dyn Rewrite>>,
}

impl RewritePass {
    /// A pass of these rules, tried in this order at each node.
    pub fn new(
        name: &'static str,
        documentation: &'static str,
        rewrites: Vec<Box<dyn Rewrite>>,
    ) -> RewritePass {
        RewritePass { name, documentation, rewrites }
    }

    /// The rules.
    pub fn rewrites(&self) -> &[Box<dyn Rewrite>] {
        &self.rewrites
    }
}

impl Pass for RewritePass {
    fn name(&self) -> &'static str {
        self.name
    }

    fn documentation(&self) -> &'static str {
        self.documentation
    }

    fn run(&self, graph: &mut Graph, context: &mut Context) -> Result<usize, GraphError> {
        Driver::new(&self.rewrites).run(graph, context)
    }
}

/// What one pass did.
#[derive(Debug, Clone)]
pub struct PassReport {
    /// The pass.
    pub pass: &'static str,
    /// How many changes it made.
    pub changes: usize,
    /// Live nodes before and after.
    pub nodes: [usize; 2],
    /// How long it took.
    pub duration: Duration,
}

/// The visible list of passes.
#[derive(Default)]
pub struct Pipeline {
    passes: Vec<Box<dyn Pass>>,
}

impl Pipeline {
    /// A pipeline of these passes in this order.
    pub fn new(passes: Vec<Box<dyn Pass>>) -> Pipeline {
        Pipeline { passes }
    }

    /// The passes in order.
    pub fn passes(&self) -> &[Box<dyn Pass>] {
        &self.passes
    }

    /// The same pipeline without the passes of these names.
    ///
    /// # Errors
    /// There is no pass of one of the names.
    pub fn without(mut self, names: &[&str]) -> Result<Pipeline, GraphError> {
        for &name in names {
            if !self.passes.iter().any(|pass| pass.name() == name) {
                let known = self.passes.iter().map(|pass| pass.name());
                let problem =
                    format!("no pass is called `{name}`; {}", ediacara_hint::there_are(name, known));
                return Err(GraphError::Other { problem });
            }
        }
        self.passes.retain(|pass| !names.contains(&pass.name()));
        Ok(self)
    }

    /// Runs the passes; `after` sees each pass's report and the graph after it.
    ///
    /// In debug builds the graph is verified before the first pass and after each.
    ///
    /// # Errors
    /// A pass failed or broke the graph; the error names it.
    pub fn run(
        &self,
        graph: &mut Graph,
        context: &mut Context,
        mut after: impl FnMut(&PassReport, &Graph),
    ) -> Result<(), GraphError> {
        if cfg!(debug_assertions) {
            graph.verify()?;
        }
        for pass in &self.passes {
            let in_pass =
                |source| GraphError::Pass { pass: pass.name().to_owned(), source: Box::new(source) };
            let (start, before) = (Instant::now(), graph.nodes().count());
            let changes = pass.run(graph, context).map_err(in_pass)?;
            if cfg!(debug_assertions) {
                graph.verify().map_err(in_pass)?;
            }
            let nodes = [before, graph.nodes().count()];
            after(&PassReport { pass: pass.name(), changes, nodes, duration: start.elapsed() }, graph);
        }
        Ok(())
    }
}
