//! `recur`: a graph that is run once for each step of a sequence, and passes values on to itself.

use std::sync::Arc;

use ediacara_tensor::{Element, Tensor, with_element};

use super::support::{operand_error, tensor_error};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, GradientContext, Graph, NodeId, Op, OpDescription, OpError,
    OperandGradients, Registry, TensorType, ValueId,
};

const NAME: &str = "recur";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "Runs a graph once for each step of sequences, in order, and passes values from each step to the next.\n\
        Operands: the first values of what is carried, then what all steps read (tied), then at least one sequence \
        [T, ..]. The body's inputs are the same without the axis of T. Its outputs are what is carried on, of the types of \
        the first values, then results of the step. Results: what is carried after the last step, and for each result of \
        the steps all of them [T, ..].\n\
        Attributes: carried and tied, how many of each; reverse, whether the steps run from the end of the sequences to \
        their beginning (a result stands where what it was made of stood); body, the graph as text, whose constants are \
        inline.",
    build,
};

/// A graph that is run once for each step of sequences.
#[derive(Debug, Clone)]
pub struct Recur {
    body: Arc<Graph>,
    carried: usize,
    tied: usize,
    reverse: bool,
    /// The body as text.
    text: Arc<str>,
}

impl Recur {
    /// A recurrence over `body`, whose inputs are `carried` values, `tied` ones, and a step of each sequence.
    ///
    /// # Errors
    /// The body has no sequence, does not carry on what it takes, or has a constant that its text does not hold inline:
    /// such a constant is a tied operand.
    pub fn new(body: Graph, [carried, tied]: [usize; 2], reverse: bool) -> Result<Recur, OpError> {
        let problem = |problem: String| OpError::Other { op: NAME.to_owned(), problem };
        if body.inputs().len() <= carried.saturating_add(tied) {
            let found = body.inputs().len();
            return Err(problem(format!(
                "its body has {found} inputs, of which {carried} are carried and {tied} tied: no sequence is left"
            )));
        }
        if body.outputs().len() < carried {
            let found = body.outputs().len();
            return Err(problem(format!("its body has {found} outputs, and carries on {carried}")));
        }
        for (&input, &output) in body.inputs().iter().zip(body.outputs()).take(carried) {
            if body.ty(input) != body.ty(output) {
                return Err(problem(format!(
                    "its body takes `{}` of {} and carries on {}",
                    body.value(input).name,
                    body.ty(input),
                    body.ty(output)
                )));
            }
        }
        let large =
            |value| body.constant(value).is_some_and(|tensor| tensor.len() > crate::text::INLINE_ELEMENTS);
        let read = |&value: &_| body.is_output(value) || !body.consumers(value).is_empty();
        if let Some(value) = body.values().filter(read).find(|&value| large(value)) {
            let name = &body.value(value).name;
            return Err(problem(format!(
                "its body has the large constant `{name}`, which has to be a tied operand"
            )));
        }
        let text = body.to_text().into();
        Ok(Recur { body: Arc::new(body), carried, tied, reverse, text })
    }

    /// What runs in each step.
    pub fn body(&self) -> &Graph {
        &self.body
    }

    /// How many values are carried from step to step: the first operands and results.
    pub fn carried(&self) -> usize {
        self.carried
    }

    /// How many operands behind them all steps read.
    pub fn tied(&self) -> usize {
        self.tied
    }

    /// Whether the steps run from the end of the sequences to their beginning.
    pub fn is_reverse(&self) -> bool {
        self.reverse
    }

    /// Where the sequences stand in each of `steps` steps, in the order in which they run.
    pub fn positions(&self, steps: usize) -> impl Iterator<Item = usize> {
        let reverse = self.reverse;
        (0..steps).map(move |step| if reverse { steps - 1 - step } else { step })
    }

    /// How many steps the operands have.
    fn steps(&self, inputs: &[&TensorType]) -> Result<usize, OpError> {
        let body = self.body.inputs();
        if inputs.len() != body.len() {
            let (expected, found) = (body.len().to_string(), inputs.len());
            return Err(OpError::OperandCount { op: NAME, expected, found });
        }
        let whole = self.carried + self.tied;
        let mut steps = None;
        for (index, (&ty, &input)) in inputs.iter().zip(body).enumerate() {
            let (name, wanted) = (&self.body.value(input).name, self.body.ty(input));
            let (own, fits) = match ty.shape.split_first() {
                _ if index < whole => (None, ty == wanted),
                None => (None, false),
                Some((&own, rest)) => {
                    (Some(own), ty.dtype == wanted.dtype && rest == wanted.shape.as_slice())
                }
            };
            if !fits {
                let what = if index < whole { "must be" } else { "must be, for each step," };
                return Err(operand_error(NAME, name, ty, format!("{what} {wanted}")));
            }
            if let Some(own) = own
                && *steps.get_or_insert(own) != own
            {
                let first = steps.unwrap_or_default();
                return Err(operand_error(
                    NAME,
                    name,
                    ty,
                    format!("must have {first} steps, as the first sequence"),
                ));
            }
        }
        Ok(steps.unwrap_or_default())
    }
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let counts = [reader.int_as("carried")?, reader.int_as("tied")?];
    let reverse = reader.flag("reverse")?;
    let text = reader.text("body")?;
    let body = Graph::parse(text, &Registry::core(), &|_| None);
    let body = body.map_err(|error| reader.error("body", error.to_string()))?;
    reader.finish()?;
    Ok(Arc::new(Recur::new(body, counts, reverse)?))
}

/// The values of the body in one step.
struct Frame<'a> {
    body: &'a Graph,
    values: Vec<Option<Tensor>>,
}

impl Frame<'_> {
    fn get(&self, value: ValueId) -> Result<&Tensor, OpError> {
        let name = || &self.body.value(value).name;
        let missing =
            || OpError::Other { op: NAME.to_owned(), problem: format!("`{}` was not computed", name()) };
        self.body.constant(value).or(self.values[value.index()].as_ref()).ok_or_else(missing)
    }

    fn run(&mut self, order: &[NodeId]) -> Result<(), OpError> {
        for &id in order {
            let node = self.body.node(id);
            let mut outputs = Vec::with_capacity(node.outputs.len());
            for &output in &node.outputs {
                outputs.push(match self.values[output.index()].take() {
                    Some(tensor) => tensor,
                    None => self.body.ty(output).zeros().map_err(tensor_error(NAME))?,
                });
            }
            let inputs = node.inputs.iter().map(|&input| self.get(input)).collect::<Result<Vec<_>, _>>()?;
            node.op.run(&inputs, &mut outputs)?;
            for (&output, tensor) in node.outputs.iter().zip(outputs) {
                self.values[output.index()] = Some(tensor);
            }
        }
        Ok(())
    }
}

/// Writes a step's result into its place among all.
fn put<T: Element>(all: &mut Tensor, position: usize, one: &Tensor) -> Result<(), OpError> {
    let one = one.to_contiguous();
    let one = one.as_slice::<T>().map_err(tensor_error(NAME))?;
    let all = all.as_mut_slice::<T>().map_err(tensor_error(NAME))?;
    all[position * one.len()..][..one.len()].copy_from_slice(one);
    Ok(())
}

impl Op for Recur {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("carried", Attribute::Int(self.carried as i64))
            .with("tied", Attribute::Int(self.tied as i64))
            .with("reverse", Attribute::Bool(self.reverse))
            .with("body", Attribute::word(&self.text))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let steps = self.steps(inputs)?;
        let outputs = self.body.outputs().iter().enumerate();
        let ty = outputs.map(|(index, &output)| {
            let ty = self.body.ty(output).clone();
            match index < self.carried {
                true => ty,
                false => TensorType { shape: [&[steps], ty.shape.as_slice()].concat(), ..ty },
            }
        });
        Ok(ty.collect())
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let body = &*self.body;
        let order = body.order();
        let mut frame = Frame { body, values: vec![None; body.value_count()] };
        let whole = self.carried + self.tied;
        for (&input, &tensor) in body.inputs().iter().zip(inputs).take(whole) {
            frame.values[input.index()] = Some(tensor.clone());
        }
        let steps = inputs.get(whole).map_or(0, |sequence| sequence.shape()[0]);
        for position in self.positions(steps) {
            for (&input, sequence) in body.inputs().iter().zip(inputs).skip(whole) {
                let at = position as isize;
                let step = sequence.slice(0, at, at + 1, 1).map_err(tensor_error(NAME))?.to_contiguous();
                let step = step.reshape(&body.ty(input).shape).map_err(tensor_error(NAME))?;
                frame.values[input.index()] = Some(step);
            }
            frame.run(&order)?;
            for (&output, all) in body.outputs().iter().zip(&mut *outputs).skip(self.carried) {
                with_element!(all.dtype(), T => put::<T>(all, position, frame.get(output)?))?;
            }
            let next: Vec<Tensor> = body.outputs()[..self.carried]
                .iter()
                .map(|&output| frame.get(output).map(Tensor::to_contiguous))
                .collect::<Result<_, _>>()?;
            for (&input, tensor) in body.inputs().iter().zip(next) {
                frame.values[input.index()] = Some(tensor);
            }
        }
        for (&input, last) in body.inputs().iter().zip(outputs).take(self.carried) {
            let tensor = frame.get(input)?.clone();
            super::support::copy_into(NAME, &tensor, last)?;
        }
        Ok(())
    }

    fn gradient(&self, _context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        let problem = "unroll the graph first (rewrite::unroll), which makes nodes of its steps".to_owned();
        Err(OpError::NotDifferentiable { op: NAME, problem })
    }

    fn cost(&self, inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        let steps =
            inputs.get(self.carried + self.tied).and_then(|ty| ty.shape.first()).copied().unwrap_or(0);
        let nodes = self.body.nodes().map(|node| self.body.cost_of(node)).sum::<Cost>();
        let times = |count: u64| count.saturating_mul(steps as u64);
        Cost {
            macs: times(nodes.macs),
            multiplications: times(nodes.multiplications),
            additions: times(nodes.additions),
            others: times(nodes.others),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A leaky sum: h' = h * w + x, whose double is a result of the step.
    fn leaky(reverse: bool) -> Recur {
        let text = r#"graph "body" {
  input %h: f32[2]
  input %w: f32[2]
  input %x: f32[2]
  constant %two: f32[] = [2.0]
  %kept: f32[2] = mul(%h, %w)
  %next: f32[2] = add(%kept, %x)
  %y: f32[2] = mul(%next, %two)
  output %next
  output %y
}
"#;
        let body = Graph::parse(text, &Registry::core(), &|_| None).unwrap();
        Recur::new(body, [1, 1], reverse).unwrap()
    }

    fn run(recur: &Recur) -> [Vec<f32>; 2] {
        let tensor = |shape: &[usize], values: &[f32]| Tensor::from_vec(shape, values.to_vec()).unwrap();
        let inputs = [
            tensor(&[2], &[8.0, 1.0]),
            tensor(&[2], &[0.5, 0.0]),
            tensor(&[3, 2], &[1.0, 10.0, 2.0, 20.0, 3.0, 30.0]),
        ];
        let types: Vec<TensorType> = inputs.iter().map(TensorType::of).collect();
        let results = recur.infer(&types.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(results, [TensorType::f32(&[2]), TensorType::f32(&[3, 2])]);
        let mut outputs: Vec<Tensor> = results.iter().map(|ty| ty.zeros().unwrap()).collect();
        recur.run(&inputs.iter().collect::<Vec<_>>(), &mut outputs).unwrap();
        [0, 1].map(|index| outputs[index].to_vec::<f32>().unwrap())
    }

    #[test]
    fn what_is_carried_passes_from_step_to_step() {
        // 8 / 2 + 1 = 5, 5 / 2 + 2 = 4.5, 4.5 / 2 + 3 = 5.25.
        assert_eq!(run(&leaky(false)), [vec![5.25, 30.0], vec![10.0, 20.0, 9.0, 40.0, 10.5, 60.0]]);
    }

    #[test]
    fn in_reverse_results_stand_where_their_steps_stood() {
        // 8 / 2 + 3 = 7, 7 / 2 + 2 = 5.5, 5.5 / 2 + 1 = 3.75.
        assert_eq!(run(&leaky(true)), [vec![3.75, 10.0], vec![7.5, 20.0, 11.0, 40.0, 14.0, 60.0]]);
    }

    #[test]
    fn attributes_hold_all_of_it() {
        let recur = leaky(true);
        let again = build(&recur.attributes()).unwrap();
        assert!(again.same_as(&recur));
    }

    #[test]
    fn operands_that_do_not_fit_are_named() {
        let recur = leaky(false);
        let refused =
            |types: [TensorType; 3]| recur.infer(&types.iter().collect::<Vec<_>>()).unwrap_err().to_string();
        let [two, three] = [TensorType::f32(&[2]), TensorType::f32(&[3])];
        let said = refused([three.clone(), two.clone(), TensorType::f32(&[5, 2])]);
        assert!(said.contains("operand `h` is f32[3]: must be f32[2]"), "{said}");
        let said = refused([two.clone(), two, three]);
        assert!(said.contains("operand `x` is f32[3]: must be, for each step, f32[2]"), "{said}");
    }
}
