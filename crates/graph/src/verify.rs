//! The verifier: every rule that a graph keeps, checked anew.

use std::collections::HashSet;

use crate::{Definition, Graph, GraphError, NodeId, TensorType, ValueId};

impl Graph {
    /// Checks every rule of the graph: operands and outputs exist and point back, types are what the
    /// operators infer, use lists are right, nothing live reads from anything unlinked, there is no cycle,
    /// names are unique.
    ///
    /// # Errors
    /// [`GraphError::Invalid`] with the rule and the place, or the operator's own error.
    pub fn verify(&self) -> Result<(), GraphError> {
        for id in self.values() {
            self.verify_value(id)?;
        }
        for id in self.nodes() {
            self.verify_node(id)?;
        }
        for &id in self.outputs() {
            self.check_value(id)?;
            self.verify_readable(id, "the graph's outputs")?;
        }
        self.verify_uses()?;
        self.verify_acyclic()
    }

    fn invalid(&self, problem: impl Into<String>) -> GraphError {
        GraphError::Invalid { graph: self.name.clone(), problem: problem.into() }
    }

    fn verify_value(&self, id: ValueId) -> Result<(), GraphError> {
        let value = self.value(id);
        if self.value_by_name(&value.name) != Some(id) {
            return Err(self.invalid(format!("the name `{}` is not registered for {id}", value.name)));
        }
        match &value.definition {
            Definition::Input if !self.inputs().contains(&id) => {
                Err(self.invalid(format!("input `{}` is not in the list of inputs", value.name)))
            }
            Definition::Constant(tensor) if TensorType::of(tensor) != value.ty => {
                let found = TensorType::of(tensor);
                Err(self.invalid(format!("constant `{}` is {} but holds {found}", value.name, value.ty)))
            }
            Definition::Node { node, index } => {
                let known =
                    node.index() < self.node_count() && self.node(*node).outputs.get(*index) == Some(&id);
                if known {
                    Ok(())
                } else {
                    Err(self.invalid(format!("`{}` is no output of {node}", value.name)))
                }
            }
            _ => Ok(()),
        }
    }

    fn verify_readable(&self, id: ValueId, reader: &str) -> Result<(), GraphError> {
        match self.producer(id) {
            Some(producer) if !self.is_live(producer) => {
                let problem = format!("{reader} read `{}` of an unlinked node", self.value(id).name);
                Err(self.invalid(problem))
            }
            _ => Ok(()),
        }
    }

    fn verify_node(&self, id: NodeId) -> Result<(), GraphError> {
        let node = self.node(id);
        for &input in &node.inputs {
            self.check_value(input)?;
            self.verify_readable(input, &format!("the operands of node `{}`", node.name))?;
        }
        let inferred = node
            .op
            .infer(&self.input_types(id))
            .map_err(|source| GraphError::Op { node: node.name.clone(), source: Box::new(source) })?;
        if inferred.iter().ne(self.output_types(id)) {
            let shown: Vec<String> = inferred.iter().map(TensorType::to_string).collect();
            let stated: Vec<String> = self.output_types(id).iter().map(|ty| ty.to_string()).collect();
            let (shown, stated) = (shown.join(", "), stated.join(", "));
            let problem =
                format!("{} at node `{}` infers {shown}, stated is {stated}", node.op.name(), node.name);
            return Err(self.invalid(problem));
        }
        for (index, &output) in node.outputs.iter().enumerate() {
            let points_back = match self.value(output).definition {
                Definition::Node { node, index: position } => node == id && position == index,
                _ => false,
            };
            if !points_back {
                return Err(
                    self.invalid(format!("output {index} of node `{}` does not point back", node.name))
                );
            }
        }
        Ok(())
    }

    fn verify_uses(&self) -> Result<(), GraphError> {
        let mut counted: Vec<Vec<NodeId>> = vec![Vec::new(); self.value_count()];
        for id in self.nodes() {
            for &input in &self.node(id).inputs {
                counted[input.index()].push(id);
            }
        }
        for id in self.values() {
            let mut recorded = self.uses_of(id).to_vec();
            recorded.sort_unstable();
            if recorded != counted[id.index()] {
                return Err(
                    self.invalid(format!("the readers of `{}` are not those recorded", self.value(id).name))
                );
            }
        }
        Ok(())
    }

    fn verify_acyclic(&self) -> Result<(), GraphError> {
        let mut done: HashSet<NodeId> = HashSet::new();
        for id in self.order() {
            let producers = self.node(id).inputs.iter().filter_map(|&input| self.producer(input));
            for producer in producers {
                if !done.contains(&producer) {
                    let (reader, producer) = (&self.node(id).name, &self.node(producer).name);
                    return Err(self.invalid(format!("node `{reader}` reads from `{producer}` in a cycle")));
                }
            }
            done.insert(id);
        }
        Ok(())
    }
}
