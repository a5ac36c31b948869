//! From tokens to a graph.

use std::collections::HashMap;

use ediacara_tensor::{DType, Element, Tensor, with_element};

use super::lexer::{Place, Token, tokens};
use super::printer::checksum;
use crate::{Attribute, Attributes, Graph, GraphError, Registry, TensorType, ValueId};

pub(super) fn parse(
    text: &str,
    registry: &Registry,
    constants: &dyn Fn(&str) -> Option<Tensor>,
) -> Result<Graph, GraphError> {
    let tokens = tokens(text)?;
    let mut parser =
        Parser { tokens, position: 0, registry, constants, graph: Graph::new(""), values: HashMap::new() };
    parser.graph()?;
    Ok(parser.graph)
}

struct Parser<'a> {
    tokens: Vec<(Token, Place)>,
    position: usize,
    registry: &'a Registry,
    constants: &'a dyn Fn(&str) -> Option<Tensor>,
    graph: Graph,
    values: HashMap<String, ValueId>,
}

/// A value as it is declared: name, where it stands, stated type.
type Declaration = (String, Place, TensorType);

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.position].0
    }

    fn place(&self) -> Place {
        self.tokens[self.position].1
    }

    /// Takes the next token; the last one, the end, is never passed.
    fn next(&mut self) -> Token {
        let token = self.tokens[self.position].0.clone();
        self.position = (self.position + 1).min(self.tokens.len() - 1);
        token
    }

    fn unexpected<T>(&self, wanted: &str) -> Result<T, GraphError> {
        Err(self.place().error(format!("expected {wanted}, found {}", self.peek().shown())))
    }

    fn mark(&mut self, mark: char) -> Result<(), GraphError> {
        if self.accept(mark) { Ok(()) } else { self.unexpected(&format!("`{mark}`")) }
    }

    fn accept(&mut self, mark: char) -> bool {
        let found = *self.peek() == Token::Mark(mark);
        if found {
            self.next();
        }
        found
    }

    fn accept_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Token::Word(found) if found == word);
        if found {
            self.next();
        }
        found
    }

    fn graph(&mut self) -> Result<(), GraphError> {
        if !self.accept_word("graph") {
            return self.unexpected("`graph`");
        }
        self.graph.name = self.quoted("the graph's name in quotes")?;
        self.mark('{')?;
        let mut outputs = Vec::new();
        while !self.accept('}') {
            if self.accept_word("input") {
                self.input(Graph::add_input)?;
            } else if self.accept_word("variable") {
                self.input(Graph::add_variable)?;
            } else if self.accept_word("constant") {
                self.constant()?;
            } else if self.accept_word("output") {
                outputs.push(self.use_of_value()?);
            } else if matches!(self.peek(), Token::Value(_)) {
                self.node()?;
            } else {
                return self.unexpected("`input`, `variable`, `constant`, `output`, a value or `}`");
            }
        }
        self.graph.set_outputs(outputs);
        if *self.peek() == Token::End { Ok(()) } else { self.unexpected("the end of the text") }
    }

    fn quoted(&mut self, what: &str) -> Result<String, GraphError> {
        if let Token::Quoted(text) = self.peek().clone() {
            self.next();
            return Ok(text);
        }
        self.unexpected(what)
    }

    fn declaration(&mut self) -> Result<Declaration, GraphError> {
        let place = self.place();
        let Token::Value(name) = self.peek().clone() else { return self.unexpected("a value, as `%name`") };
        if self.values.contains_key(&name) {
            return Err(place.error(format!("`%{name}` is defined twice")));
        }
        self.next();
        self.mark(':')?;
        Ok((name, place, self.tensor_type()?))
    }

    fn tensor_type(&mut self) -> Result<TensorType, GraphError> {
        let place = self.place();
        let Token::Word(word) = self.peek().clone() else { return self.unexpected("an element type") };
        let dtype: DType =
            word.parse().map_err(|error: ediacara_tensor::TensorError| place.error(error.to_string()))?;
        self.next();
        self.mark('[')?;
        let mut shape = Vec::new();
        while !self.accept(']') {
            if !shape.is_empty() {
                self.mark(',')?;
            }
            let place = self.place();
            let Token::Number(number) = self.peek().clone() else { return self.unexpected("a dimension") };
            shape.push(number.parse().map_err(|_| place.error(format!("`{number}` is no dimension")))?);
            self.next();
        }
        let ty = TensorType { dtype, shape };
        ty.checked_elements().map_err(|error| place.error(error.to_string()))?;
        Ok(ty)
    }

    fn use_of_value(&mut self) -> Result<ValueId, GraphError> {
        let Token::Value(name) = self.peek().clone() else { return self.unexpected("a value, as `%name`") };
        let Some(&id) = self.values.get(&name) else {
            return Err(self.place().error(format!("`%{name}` is not defined above")));
        };
        self.next();
        Ok(id)
    }

    /// Gives the value its name in the text, whatever name the graph chose when it was added.
    fn define(&mut self, id: ValueId, name: String) {
        self.graph.rename_value(id, name.clone());
        self.values.insert(name, id);
    }

    fn input(&mut self, add: fn(&mut Graph, String, TensorType) -> ValueId) -> Result<(), GraphError> {
        let (name, _, ty) = self.declaration()?;
        let id = add(&mut self.graph, name.clone(), ty);
        self.define(id, name);
        Ok(())
    }

    fn constant(&mut self) -> Result<(), GraphError> {
        let (name, _, ty) = self.declaration()?;
        self.mark('=')?;
        let tensor = match self.peek().clone() {
            Token::Mark('[') => self.inline_tensor(&ty)?,
            Token::Reference(reference) => self.referenced_tensor(&reference, &ty)?,
            _ => return self.unexpected("a list of elements or `@name`"),
        };
        let id = self.graph.add_constant(name.clone(), tensor);
        self.define(id, name);
        Ok(())
    }

    fn referenced_tensor(&mut self, reference: &str, ty: &TensorType) -> Result<Tensor, GraphError> {
        let place = self.place();
        self.next();
        let Some(tensor) = (self.constants)(reference) else {
            return Err(place.error(format!("the constant `@{reference}` was not found")));
        };
        let found = TensorType::of(&tensor);
        if found != *ty {
            return Err(place.error(format!("the constant `@{reference}` is {found}, stated is {ty}")));
        }
        if self.accept_word("checksum") {
            let place = self.place();
            let Token::Number(number) = self.peek().clone() else { return self.unexpected("a checksum") };
            let digits = number.strip_prefix("0x").unwrap_or(&number);
            let stated = u64::from_str_radix(digits, 16)
                .map_err(|_| place.error(format!("`{number}` is no 64-bit hexadecimal number")))?;
            self.next();
            let found = checksum(&tensor);
            if found != stated {
                let problem = format!(
                    "the constant `@{reference}` has checksum {found:#018x}, stated is {stated:#018x}"
                );
                return Err(place.error(problem));
            }
        }
        Ok(tensor)
    }

    fn inline_tensor(&mut self, ty: &TensorType) -> Result<Tensor, GraphError> {
        with_element!(ty.dtype, T => self.elements::<T>(ty))
    }

    fn elements<T: Element>(&mut self, ty: &TensorType) -> Result<Tensor, GraphError> {
        let start = self.place();
        self.mark('[')?;
        let mut values: Vec<T> = Vec::new();
        while !self.accept(']') {
            if !values.is_empty() {
                self.mark(',')?;
            }
            values.push(self.element(ty.dtype)?);
        }
        Tensor::from_vec(&ty.shape, values).map_err(|error| start.error(error.to_string()))
    }

    fn element<T: Element>(&mut self, dtype: DType) -> Result<T, GraphError> {
        let place = self.place();
        let text = match self.peek() {
            Token::Number(text) | Token::Word(text) => text.clone(),
            _ => return self.unexpected("an element"),
        };
        self.next();
        let wrong = || place.error(format!("`{text}` is no value of {dtype}"));
        let parsed = match dtype {
            DType::F32 | DType::F16 | DType::BF16 => {
                Tensor::scalar(text.parse::<f32>().map_err(|_| wrong())?)
            }
            DType::F64 => Tensor::scalar(text.parse::<f64>().map_err(|_| wrong())?),
            DType::Bool => Tensor::scalar(text.parse::<bool>().map_err(|_| wrong())?),
            _ => Tensor::scalar(text.parse::<i64>().map_err(|_| wrong())?),
        };
        let converted = parsed.cast(dtype);
        // An integer must survive the way through its type; floats are rounded by design.
        if dtype.is_integer() && converted.cast(DType::I64) != parsed {
            return Err(wrong());
        }
        converted.to_vec::<T>().ok().and_then(|values| values.first().copied()).ok_or_else(wrong)
    }

    fn node(&mut self) -> Result<(), GraphError> {
        let place = self.place();
        let mut declared = vec![self.declaration()?];
        while self.accept(',') {
            let next = self.declaration()?;
            if declared.iter().any(|(name, ..)| *name == next.0) {
                return Err(next.1.error(format!("`%{}` is defined twice", next.0)));
            }
            declared.push(next);
        }
        self.mark('=')?;
        let op_place = self.place();
        let Token::Word(op_name) = self.peek().clone() else { return self.unexpected("an operator") };
        self.next();
        let inputs = self.operands()?;
        let attributes = self.attributes()?;
        let name = if self.accept_word("as") {
            self.quoted("the node's name in quotes")?
        } else {
            declared[0].0.clone()
        };
        let op =
            self.registry.build(&op_name, &attributes).map_err(|error| op_place.error(error.to_string()))?;
        let added =
            self.graph.add_node(name, op, &inputs).map_err(|error| op_place.error(error.to_string()))?;
        let outputs = self.graph.outputs_of(added).to_vec();
        if outputs.len() != declared.len() {
            let problem = format!("{op_name} has {} results, {} are named", outputs.len(), declared.len());
            return Err(place.error(problem));
        }
        for (&id, (name, place, stated)) in outputs.iter().zip(&declared) {
            let inferred = self.graph.ty(id);
            if inferred != stated {
                return Err(
                    place.error(format!("`%{name}` is stated as {stated}, but {op_name} gives {inferred}"))
                );
            }
        }
        for (id, (name, ..)) in outputs.into_iter().zip(declared) {
            self.define(id, name);
        }
        Ok(())
    }

    fn operands(&mut self) -> Result<Vec<ValueId>, GraphError> {
        self.mark('(')?;
        let mut inputs = Vec::new();
        while !self.accept(')') {
            if !inputs.is_empty() {
                self.mark(',')?;
            }
            inputs.push(self.use_of_value()?);
        }
        Ok(inputs)
    }

    fn attributes(&mut self) -> Result<Attributes, GraphError> {
        let mut attributes = Attributes::new();
        if !self.accept('{') {
            return Ok(attributes);
        }
        while !self.accept('}') {
            if !attributes.is_empty() {
                self.mark(',')?;
            }
            let place = self.place();
            let Token::Word(name) = self.peek().clone() else {
                return self.unexpected("an attribute's name");
            };
            if attributes.get(&name).is_some() {
                return Err(place.error(format!("attribute `{name}` is given twice")));
            }
            self.next();
            self.mark('=')?;
            let value = self.attribute()?;
            attributes = attributes.with(&name, value);
        }
        Ok(attributes)
    }

    fn attribute(&mut self) -> Result<Attribute, GraphError> {
        match self.peek().clone() {
            Token::Quoted(text) => {
                self.next();
                Ok(Attribute::Text(text))
            }
            Token::Word(word) if !matches!(word.as_str(), "inf" | "nan") => {
                self.next();
                Ok(match word.as_str() {
                    "true" => Attribute::Bool(true),
                    "false" => Attribute::Bool(false),
                    _ => Attribute::Text(word),
                })
            }
            Token::Mark('[') => self.list(),
            _ => self.number(),
        }
    }

    fn number(&mut self) -> Result<Attribute, GraphError> {
        let place = self.place();
        let text = match self.peek() {
            Token::Number(text) | Token::Word(text) => text.clone(),
            _ => return self.unexpected("a value"),
        };
        self.next();
        if let Ok(integer) = text.parse::<i64>() {
            return Ok(Attribute::Int(integer));
        }
        text.parse().map(Attribute::Float).map_err(|_| place.error(format!("`{text}` is no number")))
    }

    fn list(&mut self) -> Result<Attribute, GraphError> {
        self.mark('[')?;
        let mut numbers = Vec::new();
        while !self.accept(']') {
            if !numbers.is_empty() {
                self.mark(',')?;
            }
            numbers.push(self.number()?);
        }
        let integers: Option<Vec<i64>> = numbers
            .iter()
            .map(|number| if let Attribute::Int(value) = number { Some(*value) } else { None })
            .collect();
        Ok(integers
            .map_or_else(|| Attribute::Floats(numbers.iter().map(as_float).collect()), Attribute::Ints))
    }
}

fn as_float(number: &Attribute) -> f64 {
    match number {
        Attribute::Int(value) => *value as f64,
        Attribute::Float(value) => *value,
        _ => f64::NAN,
    }
}
