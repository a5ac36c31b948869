//! The driver: applies rules until none matches.

use std::collections::{BTreeMap, VecDeque};

use super::Patch;
use super::patch::Changes;
use crate::{Graph, GraphError, NodeId};

/// One rule: one algebraic fact, looked for at one node.
pub trait Rewrite: Send + Sync {
    /// The name in reports and on the command line, in snake case.
    fn name(&self) -> &'static str;

    /// The fact that the rule rests on, and when it applies.
    fn documentation(&self) -> &'static str;

    /// The change to make at `node`, if the rule matches there.
    ///
    /// A patch must bring progress: applied again and again, rules must come to rest.
    ///
    /// # Errors
    /// Something the rule computes (a folded constant) failed.
    fn apply(&self, graph: &Graph, node: NodeId) -> Result<Option<Patch>, GraphError>;
}

/// One application of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// The rule.
    pub rewrite: &'static str,
    /// The name of the node that it matched.
    pub node: String,
}

/// What passes share: the budget of applications, and the log of those made.
#[derive(Debug, Default)]
pub struct Context {
    stop_after: Option<usize>,
    applications: Vec<Application>,
}

impl Context {
    /// No limit.
    pub fn new() -> Context {
        Context::default()
    }

    /// At most `count` applications over all passes: bisecting over it finds the one that breaks a result.
    pub fn stop_after(count: usize) -> Context {
        Context { stop_after: Some(count), applications: Vec::new() }
    }

    /// Every application, in order.
    pub fn applications(&self) -> &[Application] {
        &self.applications
    }

    /// How often each rule was applied.
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for application in &self.applications {
            *counts.entry(application.rewrite).or_insert(0) += 1;
        }
        counts
    }

    /// Whether the budget is used up.
    ///
    /// A pass that is not a set of rules asks before each change.
    pub fn is_exhausted(&self) -> bool {
        self.stop_after.is_some_and(|limit| self.applications.len() >= limit)
    }

    /// Enters one application into the log.
    pub fn record(&mut self, rewrite: &'static str, node: impl Into<String>) {
        self.applications.push(Application { rewrite, node: node.into() });
    }
}

/// Generations of rewritten nodes that are allowed beyond the number of nodes at the start.
///
/// A rule that undoes another one soon needs more.
const SPARE_GENERATIONS: usize = 64;

/// Applies rules to a graph until none matches.
pub struct Driver<'a> {
    rewrites: &'a [Box<dyn Rewrite>],
    verify: bool,
}

impl<'a> Driver<'a> {
    /// A driver of these rules, tried in this order at each node.
    ///
    /// In debug builds the graph is verified after each application.
    pub fn new(rewrites: &'a [Box<dyn Rewrite>]) -> Driver<'a> {
        Driver { rewrites, verify: cfg!(debug_assertions) }
    }

    /// The same driver, with the graph verified after each application.
    #[must_use]
    pub fn verifying(self) -> Driver<'a> {
        Driver { verify: true, ..self }
    }

    /// Applies rules until none matches or the context's budget is used up; returns how many applications
    /// were made.
    ///
    /// # Errors
    /// A rule failed, its patch did not fit or broke the graph, or the rules do not come to rest. The graph
    /// is then not to be used any more.
    pub fn run(&self, graph: &mut Graph, context: &mut Context) -> Result<usize, GraphError> {
        let before = context.applications.len();
        let mut queue: VecDeque<NodeId> = graph.order().into();
        let mut queued = vec![true; graph.node_count()];
        let mut generations = vec![0_usize; graph.node_count()];
        let limit = SPARE_GENERATIONS + queue.len();
        while let Some(node) = queue.pop_front() {
            queued[node.index()] = false;
            while graph.is_live(node) && !context.is_exhausted() {
                let Some((rewrite, changes)) = self.step(graph, node)? else { break };
                let name = graph.node(node).name.clone();
                context.record(rewrite, name.clone());
                let generation = generations[node.index()] + 1;
                // The matched node stays where only some of its outputs were replaced; it must come to rest
                // too.
                generations[node.index()] = generation;
                generations.resize(graph.node_count(), generation);
                queued.resize(graph.node_count(), false);
                if generation > limit {
                    let count = context.applications.len() - before;
                    return Err(GraphError::Loop { rewrite: rewrite.to_owned(), count, node: name });
                }
                for neighbour in neighbours(graph, node, &changes) {
                    if !std::mem::replace(&mut queued[neighbour.index()], true) {
                        queue.push_back(neighbour);
                    }
                }
            }
        }
        Ok(context.applications.len() - before)
    }

    /// Applies the first rule that matches at `node`.
    fn step(&self, graph: &mut Graph, node: NodeId) -> Result<Option<(&'static str, Changes)>, GraphError> {
        for rewrite in self.rewrites {
            let in_rewrite =
                |source| GraphError::Pass { pass: rewrite.name().to_owned(), source: Box::new(source) };
            let Some(patch) = rewrite.apply(graph, node).map_err(in_rewrite)? else { continue };
            let changes = patch.apply(graph, node).map_err(in_rewrite)?;
            if self.verify {
                graph.verify().map_err(in_rewrite)?;
            }
            return Ok(Some((rewrite.name(), changes)));
        }
        Ok(None)
    }
}

/// The live nodes whose surroundings a patch has changed: the new ones, their producers, and the readers of
/// what they replace.
fn neighbours(graph: &Graph, matched: NodeId, changes: &Changes) -> Vec<NodeId> {
    let mut nodes = changes.added.clone();
    for &replacement in &changes.replacements {
        nodes.extend(graph.producer(replacement));
        nodes.extend(graph.consumers(replacement));
    }
    let around: Vec<NodeId> = changes.added.iter().copied().chain([matched]).collect();
    for node in around {
        nodes.extend(graph.node(node).inputs.iter().filter_map(|&input| graph.producer(input)));
    }
    nodes.retain(|&node| graph.is_live(node));
    nodes
}
