//! A look over the raw protobuf bytes before they are decoded.
//!
//! A protobuf message of two bytes can decode to a structure of several hundred, so that a hostile file of a
//! few megabytes could ask for gigabytes. This scan walks the wire format of the messages that ONNX nests,
//! without allocating, and counts them. It also bounds the depth. The decoder checks everything else about
//! the bytes.
//!
//! On the way it finds where the nodes of the model's graph lie. If all were decoded at once they would take
//! twenty times their bytes, which in a large network is most of the memory. So the importer decodes each
//! when it comes to it.

use std::ops::Range;

use prost::Message;
use prost::bytes::Bytes;

use crate::head::RawNode;
use crate::proto::{GraphProto, ModelProto};
use crate::wire::{body, skip, varint};

/// More messages than any real model has; decoded, they stay below about one gigabyte.
const MAX_MESSAGES: usize = 4 << 20;
/// The deepest nesting of messages: the decoder's own limit.
const MAX_DEPTH: usize = 100;

/// The messages of onnx.proto that may repeat or nest.
///
/// Others are small and bounded by their parents.
#[derive(Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    SparseTensor,
    ValueInfo,
    Type,
    TensorType,
    ListType,
    MapType,
    Shape,
    Training,
    Function,
    Leaf,
}

impl Kind {
    /// The kind of the message in field `field`, or none if the field is no message.
    fn child(self, field: u64) -> Option<Kind> {
        Some(match (self, field) {
            (Kind::Model, 7) => Kind::Graph,
            (Kind::Model, 8 | 14 | 26) => Kind::Leaf,
            (Kind::Model, 20) => Kind::Training,
            (Kind::Model, 25) => Kind::Function,
            (Kind::Graph, 1) => Kind::Node,
            (Kind::Graph, 5) => Kind::Tensor,
            (Kind::Graph, 15) => Kind::SparseTensor,
            (Kind::Graph, 11..=13) => Kind::ValueInfo,
            (Kind::Graph, 14 | 16) => Kind::Leaf,
            (Kind::Node, 5) => Kind::Attribute,
            (Kind::Node, 9 | 10) => Kind::Leaf,
            (Kind::Attribute, 5 | 10) => Kind::Tensor,
            (Kind::Attribute, 6 | 11) => Kind::Graph,
            (Kind::Attribute, 22 | 23) => Kind::SparseTensor,
            (Kind::Attribute, 14 | 15) => Kind::Type,
            (Kind::SparseTensor, 1 | 2) => Kind::Tensor,
            (Kind::Tensor, 3 | 13 | 16) => Kind::Leaf,
            (Kind::ValueInfo, 2) => Kind::Type,
            (Kind::ValueInfo, 4) => Kind::Leaf,
            (Kind::Type, 1 | 8) => Kind::TensorType,
            (Kind::Type, 4 | 9) => Kind::ListType,
            (Kind::Type, 5) => Kind::MapType,
            (Kind::TensorType, 2) => Kind::Shape,
            (Kind::ListType, 1) | (Kind::MapType, 2) => Kind::Type,
            (Kind::Shape, 1) => Kind::Leaf,
            (Kind::Training, 1 | 2) => Kind::Graph,
            (Kind::Training, 3 | 4) => Kind::Leaf,
            (Kind::Function, 7) => Kind::Node,
            (Kind::Function, 11) => Kind::Attribute,
            (Kind::Function, 12) => Kind::ValueInfo,
            (Kind::Function, 9 | 14) => Kind::Leaf,
            _ => return None,
        })
    }
}

/// Where the parts of a model lie in its bytes.
///
/// A message that is cut between its fields is merged from the pieces.
#[derive(Debug, Default)]
pub(crate) struct Parts<'a> {
    /// The model without its graph, in pieces.
    model: Vec<&'a [u8]>,
    /// Its graph, if it has one, without the nodes and the types of values, in pieces.
    graph: Option<Vec<&'a [u8]>>,
    /// The graph's nodes.
    pub(crate) nodes: Vec<RawNode<'a>>,
    /// The types of values that the graph states; each is a ValueInfoProto.
    pub(crate) value_info: Vec<&'a [u8]>,
    /// Where the current piece of the model begins, and that of its graph.
    model_piece: usize,
    graph_piece: usize,
}

impl<'a> Parts<'a> {
    /// The model without its graph.
    ///
    /// `bytes` are those that were scanned.
    pub(crate) fn model(&self, bytes: &Bytes) -> Result<ModelProto, String> {
        merged(&self.model, bytes)
    }

    /// The graph without nodes and types of values; nothing if the model has none.
    pub(crate) fn graph(&self, bytes: &Bytes) -> Result<Option<GraphProto>, String> {
        self.graph.as_deref().map(|pieces| merged(pieces, bytes)).transpose()
    }

    /// Notes a message `body` in field `number` of the innermost of the `open` messages.
    ///
    /// The field begins at `start`.
    fn enter(
        &mut self,
        bytes: &'a [u8],
        open: &[(Kind, usize)],
        number: u64,
        start: usize,
        body: &Range<usize>,
    ) {
        match (open, number) {
            ([(Kind::Model, _)], 7) => {
                self.model.push(&bytes[self.model_piece..start]);
                self.graph.get_or_insert_default();
                (self.model_piece, self.graph_piece) = (body.end, body.start);
            }
            ([_, (Kind::Graph, _)], 1 | 13) => {
                let piece = &bytes[self.graph_piece..start];
                self.graph.iter_mut().filter(|_| !piece.is_empty()).for_each(|pieces| pieces.push(piece));
                self.graph_piece = body.end;
                match number {
                    1 => self.nodes.push(RawNode::new(&bytes[body.clone()])),
                    _ => self.value_info.push(&bytes[body.clone()]),
                }
            }
            _ => {}
        }
    }

    /// Notes the end of a message that is `depth` messages deep.
    fn leave(&mut self, bytes: &'a [u8], kind: Kind, depth: usize, end: usize) {
        match (depth, kind) {
            (0, _) => self.model.push(&bytes[self.model_piece..end]),
            (1, Kind::Graph) => self.graph.get_or_insert_default().push(&bytes[self.graph_piece..end]),
            _ => {}
        }
    }
}

fn merged<M: Message + Default>(pieces: &[&[u8]], bytes: &Bytes) -> Result<M, String> {
    let mut message = M::default();
    for piece in pieces {
        // The slice is part of the file's bytes, so that weights are shared with them.
        message.merge(bytes.slice_ref(piece)).map_err(|error| error.to_string())?;
    }
    Ok(message)
}

/// Checks the bytes of a model and finds its parts.
///
/// An error says what was found if they ask for too much or are no protobuf.
pub(crate) fn parts(bytes: &[u8]) -> Result<Parts<'_>, String> {
    let mut parts = Parts::default();
    let mut messages = 0usize;
    // Open messages: kind and the position where they end.
    let mut open: Vec<(Kind, usize)> = vec![(Kind::Model, bytes.len())];
    let mut position = 0;
    while let Some(&(kind, end)) = open.last() {
        if position == end {
            open.pop();
            parts.leave(bytes, kind, open.len(), end);
            continue;
        }
        let start = position;
        let window = bytes.get(..end).ok_or("a message ends after the file")?;
        let key = varint(window, &mut position)?;
        match key & 7 {
            0 => {
                varint(window, &mut position)?;
            }
            1 => skip(&mut position, 8, end)?,
            5 => skip(&mut position, 4, end)?,
            2 => {
                let body = body(window, &mut position)?;
                let Some(child) = kind.child(key >> 3) else {
                    position = body.end;
                    continue;
                };
                messages += 1;
                if messages > MAX_MESSAGES {
                    return Err(format!("it holds more than {MAX_MESSAGES} messages"));
                }
                if open.len() > MAX_DEPTH {
                    return Err(format!("its messages nest deeper than {MAX_DEPTH}"));
                }
                parts.enter(bytes, &open, key >> 3, start, &body);
                open.push((child, body.end));
            }
            other => return Err(format!("wire type {other} at byte {position}")),
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_messages_are_counted() {
        // The model's graph (field 7) is a run of empty nodes (field 1).
        let nodes = [0x0a_u8, 0x00].repeat(MAX_MESSAGES + 1);
        let mut bytes = vec![0x3a];
        let mut length = nodes.len();
        while length >= 0x80 {
            bytes.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes.extend(nodes);
        assert!(parts(&bytes).unwrap_err().contains("messages"));
    }

    #[test]
    fn lengths_stay_inside_their_parent() {
        assert!(parts(&[0x3a, 0x02, 0x0a, 0x05]).unwrap_err().contains("only 0 are left"));
        assert!(parts(&[0x3a, 0xff]).unwrap_err().contains("middle of a number"));
        assert!(parts(&[0x0b]).unwrap_err().contains("wire type 3"));
        assert!(parts(&[]).is_ok());
    }

    /// Nodes and types of values are cut out of the graph, whatever stands between them; the rest is merged.
    #[test]
    fn parts_make_up_the_model() {
        use crate::proto::{NodeProto, ValueInfoProto};
        let graph = |name: &str, node: &str, value: &str| GraphProto {
            name: Some(name.to_owned()),
            node: vec![NodeProto { name: Some(node.to_owned()), ..NodeProto::default() }],
            value_info: vec![ValueInfoProto { name: Some(value.to_owned()), ..ValueInfoProto::default() }],
            output: vec![ValueInfoProto { name: Some(format!("{node} out")), ..ValueInfoProto::default() }],
            ..GraphProto::default()
        };
        let model = |version, graph| ModelProto {
            ir_version: Some(version),
            producer_name: Some("p".to_owned()),
            graph: Some(graph),
            ..ModelProto::default()
        };
        // Two models one after the other are one model in protobuf.
        let halves = [model(7, graph("first", "n", "v")), model(8, graph("second", "m", "w"))];
        let bytes = Bytes::from(halves.map(|half| half.encode_to_vec()).concat());
        let whole = ModelProto::decode(bytes.clone()).unwrap();
        let parts = parts(&bytes).unwrap();
        assert_eq!(parts.model(&bytes).unwrap(), ModelProto { graph: None, ..whole.clone() });
        let whole = whole.graph.unwrap();
        let rest = GraphProto { node: vec![], value_info: vec![], ..whole.clone() };
        assert_eq!(parts.graph(&bytes).unwrap(), Some(rest));
        let nodes = parts.nodes.iter().map(|node| NodeProto::decode(node.bytes()).unwrap());
        assert!(nodes.eq(whole.node));
        let values = parts.value_info.iter().map(|&value| ValueInfoProto::decode(value).unwrap());
        assert!(values.eq(whole.value_info));
    }
}
