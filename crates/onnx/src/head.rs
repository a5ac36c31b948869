//! A node before it is handled: its operator and the names that it reads and defines.
//!
//! A decoded node gives them, and so does one that lies in the file's bytes, which in a large network saves
//! most of the memory.

use crate::proto::NodeProto;
use crate::wire;

/// Operator and names of a node.
///
/// A text that is left out is empty.
pub(crate) trait Head {
    /// The names of its operands; empty where one is left out.
    fn inputs(&self) -> impl Iterator<Item = &str>;
    /// The names of its outputs; empty where one is left out.
    fn outputs(&self) -> impl Iterator<Item = &str>;
    /// Its own name.
    fn name(&self) -> &str;
    /// Domain, type and overload of its operator.
    fn operator(&self) -> [&str; 3];
    /// Calls `visit` with every name that it reads: its operands, and all that its branches read.
    ///
    /// Names that a branch defines itself are among them.
    fn each_read<'s>(&'s self, visit: &mut dyn FnMut(&'s str));

    /// Its name for messages: its own, or that of its first output.
    fn label(&self) -> &str {
        match self.name() {
            "" => self.outputs().find(|name| !name.is_empty()).unwrap_or("(unnamed)"),
            name => name,
        }
    }
}

impl Head for NodeProto {
    fn inputs(&self) -> impl Iterator<Item = &str> {
        self.input.iter().map(String::as_str)
    }

    fn outputs(&self) -> impl Iterator<Item = &str> {
        self.output.iter().map(String::as_str)
    }

    fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("")
    }

    fn operator(&self) -> [&str; 3] {
        [&self.domain, &self.op_type, &self.overload].map(|text| text.as_deref().unwrap_or(""))
    }

    fn each_read<'s>(&'s self, visit: &mut dyn FnMut(&'s str)) {
        self.inputs().filter(|name| !name.is_empty()).for_each(&mut *visit);
        for graph in self.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs)) {
            graph.node.iter().for_each(|node| node.each_read(visit));
            graph.output.iter().filter_map(|output| output.name.as_deref()).for_each(&mut *visit);
        }
    }
}

/// A node as it lies in the file's bytes, which the decoder has accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawNode<'a>(&'a [u8]);

impl<'a> RawNode<'a> {
    const INPUT: u64 = 1;
    const OUTPUT: u64 = 2;
    const NAME: u64 = 3;
    const OPERATOR: u64 = 4;
    const ATTRIBUTE: u64 = 5;
    const DOMAIN: u64 = 7;
    const OVERLOAD: u64 = 8;

    /// The node in these bytes.
    pub(crate) fn new(bytes: &'a [u8]) -> RawNode<'a> {
        RawNode(bytes)
    }

    /// Its bytes.
    pub(crate) fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// As [`Head::outputs`], for as long as the bytes live.
    pub(crate) fn output_names(self) -> impl Iterator<Item = &'a str> {
        texts(self.0, RawNode::OUTPUT)
    }

    /// Domain and type of its operator, for as long as the bytes live.
    pub(crate) fn file_operator(self) -> (&'a str, &'a str) {
        let text = |field| texts(self.0, field).last().unwrap_or("");
        (text(RawNode::DOMAIN), text(RawNode::OPERATOR))
    }

    /// As [`Head::label`], for as long as the bytes live.
    pub(crate) fn file_label(self) -> &'a str {
        let named = texts(self.0, RawNode::NAME).last().filter(|name| !name.is_empty());
        let output = || self.output_names().find(|name| !name.is_empty());
        named.or_else(output).unwrap_or("(unnamed)")
    }
}

impl Head for RawNode<'_> {
    fn inputs(&self) -> impl Iterator<Item = &str> {
        texts(self.0, RawNode::INPUT)
    }

    fn outputs(&self) -> impl Iterator<Item = &str> {
        self.output_names()
    }

    fn name(&self) -> &str {
        texts(self.0, RawNode::NAME).last().unwrap_or("")
    }

    fn operator(&self) -> [&str; 3] {
        // If a field is there more than once, the last one counts.
        [RawNode::DOMAIN, RawNode::OPERATOR, RawNode::OVERLOAD]
            .map(|field| texts(self.0, field).last().unwrap_or(""))
    }

    fn each_read<'s>(&'s self, visit: &mut dyn FnMut(&'s str)) {
        each_read(self.0, visit);
    }
}

/// As [`Head::each_read`], for the node in these bytes.
fn each_read<'s>(node: &'s [u8], visit: &mut dyn FnMut(&'s str)) {
    texts(node, RawNode::INPUT).filter(|name| !name.is_empty()).for_each(&mut *visit);
    for attribute in wire::fields(node, RawNode::ATTRIBUTE) {
        // The fields of an AttributeProto that are graphs, then those of a GraphProto and of a
        // ValueInfoProto.
        for graph in wire::fields(attribute, 6).chain(wire::fields(attribute, 11)) {
            wire::fields(graph, 1).for_each(|node| each_read(node, visit));
            wire::fields(graph, 12).filter_map(|output| texts(output, 1).last()).for_each(&mut *visit);
        }
    }
}

/// The texts in a field of a message.
fn texts(message: &[u8], field: u64) -> impl Iterator<Item = &str> {
    wire::fields(message, field).map(|text| std::str::from_utf8(text).unwrap_or(""))
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::proto::{AttributeProto, GraphProto, ValueInfoProto};

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    fn reads(node: &impl Head) -> Vec<String> {
        let mut names = Vec::new();
        node.each_read(&mut |name| names.push(name.to_owned()));
        names
    }

    /// The bytes give the same as the decoder.
    #[test]
    fn a_raw_node_is_the_decoded_one() {
        let inner =
            NodeProto { input: texts(&["outer", ""]), output: texts(&["own"]), ..NodeProto::default() };
        let output = ValueInfoProto { name: Some("own".to_owned()), ..ValueInfoProto::default() };
        let graph = GraphProto { node: vec![inner], output: vec![output], ..GraphProto::default() };
        let branch = AttributeProto { g: Some(graph.clone()), i: Some(-1), ..AttributeProto::default() };
        let list = AttributeProto { graphs: vec![graph], f: Some(0.5), ..AttributeProto::default() };
        let node = NodeProto {
            input: texts(&["a", "", "b"]),
            output: texts(&["", "c"]),
            op_type: Some("If".to_owned()),
            domain: Some("d".to_owned()),
            overload: Some("o".to_owned()),
            attribute: vec![branch, list],
            ..NodeProto::default()
        };
        // A second type, which replaces the first.
        let bytes = [node.encode_to_vec(), vec![0x22, 1, b'X']].concat();
        let node = NodeProto::decode(bytes.as_slice()).unwrap();
        let raw = RawNode::new(&bytes);
        assert_eq!(raw.operator(), ["d", "X", "o"]);
        assert_eq!(raw.operator(), node.operator());
        assert_eq!((raw.name(), raw.label(), raw.file_label()), ("", "c", "c"));
        assert_eq!(node.label(), "c");
        assert!(raw.inputs().eq(["a", "", "b"]) && raw.inputs().eq(node.inputs()));
        assert!(raw.outputs().eq(["", "c"]) && raw.outputs().eq(node.outputs()));
        assert_eq!(reads(&raw), ["a", "b", "outer", "own", "outer", "own"]);
        assert_eq!(reads(&raw), reads(&node));
    }
}
