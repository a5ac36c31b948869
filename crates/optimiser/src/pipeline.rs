//! Running the passes.

use ediacara_graph::Graph;
use ediacara_graph::rewrite::{Application, Context, PassReport};

use crate::passes::pipeline;
use crate::{OptimiserError, Result};

/// How [`optimise`] runs the passes.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Names of passes that are left out.
    pub disable: Vec<String>,
    /// The most applications of rules, for finding the one that breaks a result; nothing for no limit.
    pub stop_after: Option<usize>,
}

impl Options {
    /// Options for a graph that is meant to compute in 16 bits: nothing is computed in more.
    pub fn same_precision() -> Options {
        Options { disable: vec!["half_precision".to_owned()], ..Options::default() }
    }
}

/// What the passes did.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// One entry for each pass.
    pub passes: Vec<PassReport>,
    /// Every application of a rule, in order.
    pub applications: Vec<Application>,
}

/// Runs the passes over a graph.
///
/// The result computes the same up to floating-point rounding; inputs and outputs keep type, order and name.
///
/// # Errors
/// A pass to be left out does not exist, or a pass failed.
pub fn optimise(graph: Graph, options: &Options) -> Result<Graph> {
    Ok(optimise_with(graph, options, |_, _| {})?.0)
}

/// As [`optimise`], and says what was done; `after` sees each pass's report and the graph after it.
///
/// # Errors
/// As [`optimise`].
pub fn optimise_with(
    mut graph: Graph,
    options: &Options,
    mut after: impl FnMut(&PassReport, &Graph),
) -> Result<(Graph, Report)> {
    let disabled: Vec<&str> = options.disable.iter().map(String::as_str).collect();
    let pipeline = pipeline().without(&disabled).map_err(|_| unknown(&disabled))?;
    let mut context = options.stop_after.map_or_else(Context::new, Context::stop_after);
    let mut passes = Vec::new();
    pipeline.run(&mut graph, &mut context, |report, graph| {
        if report.changes > 0 {
            let [before, now] = report.nodes;
            tracing::info!(
                "optimise: pass {}: {} changes, {before} nodes become {now}",
                report.pass,
                report.changes
            );
        }
        after(report, graph);
        passes.push(report.clone());
    })?;
    for Application { rewrite, node } in context.applications() {
        tracing::debug!("optimise: {rewrite} was applied at `{node}`");
    }
    graph.compact();
    restore_names(&mut graph);
    Ok((graph, Report { passes, applications: context.applications().to_vec() }))
}

fn unknown(names: &[&str]) -> OptimiserError {
    let pipeline = pipeline();
    let known: Vec<&str> = pipeline.passes().iter().map(|pass| pass.name()).collect();
    let name = names.iter().find(|name| !known.contains(name)).map_or("", |name| *name);
    OptimiserError::UnknownPass { name: name.to_owned(), known: known.join(", ") }
}

/// Gives values the names of their nodes again.
///
/// A node that took another's place carries that node's name, but its value had to be called otherwise while
/// both were there.
fn restore_names(graph: &mut Graph) {
    let nodes: Vec<_> = graph.nodes().collect();
    for id in nodes {
        let node = graph.node(id);
        let &[output] = node.outputs.as_slice() else { continue };
        let name = node.name.clone();
        let suffix =
            graph.value(output).name.strip_prefix(name.as_str()).and_then(|rest| rest.strip_prefix('_'));
        let made_unique = suffix.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
        if made_unique && !graph.is_output(output) && graph.value_by_name(&name).is_none() {
            graph.rename_value(output, name);
        }
    }
}
