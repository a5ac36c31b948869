//! A look over the raw protobuf bytes before they are decoded.
//!
//! A protobuf message of two bytes can decode to a structure of several hundred, so a hostile file of a few megabytes
//! could ask for gigabytes. This scan walks the wire format of the messages that ONNX nests, without allocating, and
//! counts them. It also bounds the depth. Everything else about the bytes is left to the decoder.

/// More messages than any real model has; decoded, they stay below about one gigabyte.
const MAX_MESSAGES: usize = 4 << 20;
/// The deepest nesting of messages: the decoder's own limit.
const MAX_DEPTH: usize = 100;

/// The messages of onnx.proto that may repeat or nest. Others are small and bounded by their parents.
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
    /// The kind of the message in field `field`, or none where the field is no message.
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

/// Checks the bytes of a model; says what was found if they ask for too much or are no protobuf.
pub(crate) fn check(bytes: &[u8]) -> Result<(), String> {
    let mut messages = 0usize;
    // Open messages: kind and the position where they end.
    let mut open: Vec<(Kind, usize)> = vec![(Kind::Model, bytes.len())];
    let mut position = 0;
    while let Some(&(kind, end)) = open.last() {
        if position == end {
            open.pop();
            continue;
        }
        let window = bytes.get(..end).ok_or("a message ends after the file")?;
        let key = varint(window, &mut position)?;
        match key & 7 {
            0 => {
                varint(window, &mut position)?;
            }
            1 => skip(&mut position, 8, end)?,
            5 => skip(&mut position, 4, end)?,
            2 => {
                let length = varint(window, &mut position)?;
                let length =
                    usize::try_from(length).map_err(|_| "a length of more than 64 bits".to_owned())?;
                match kind.child(key >> 3) {
                    Some(child) => {
                        messages += 1;
                        if messages > MAX_MESSAGES {
                            return Err(format!("it holds more than {MAX_MESSAGES} messages"));
                        }
                        if open.len() > MAX_DEPTH {
                            return Err(format!("its messages nest deeper than {MAX_DEPTH}"));
                        }
                        let inner = position.checked_add(length).filter(|&inner| inner <= end);
                        open.push((child, inner.ok_or_else(|| past_end(position, length, end))?));
                    }
                    None => skip(&mut position, length, end)?,
                }
            }
            other => return Err(format!("wire type {other} at byte {position}")),
        }
    }
    Ok(())
}

fn past_end(position: usize, length: usize, end: usize) -> String {
    format!("a field of {length} bytes at byte {position}, where only {} are left", end - position)
}

fn skip(position: &mut usize, length: usize, end: usize) -> Result<(), String> {
    match position.checked_add(length).filter(|&next| next <= end) {
        Some(next) => {
            *position = next;
            Ok(())
        }
        None => Err(past_end(*position, length, end)),
    }
}

fn varint(window: &[u8], position: &mut usize) -> Result<u64, String> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let Some(&byte) = window.get(*position) else {
            return Err(format!("the end in the middle of a number, at byte {position}"));
        };
        *position += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(format!("a number of more than ten bytes before byte {position}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_messages_are_counted() {
        // A model whose graph (field 7) is a run of empty nodes (field 1).
        let nodes = [0x0a_u8, 0x00].repeat(MAX_MESSAGES + 1);
        let mut bytes = vec![0x3a];
        let mut length = nodes.len();
        while length >= 0x80 {
            bytes.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes.extend(nodes);
        assert!(check(&bytes).unwrap_err().contains("messages"));
    }

    #[test]
    fn lengths_stay_inside_their_parent() {
        assert!(check(&[0x3a, 0x02, 0x0a, 0x05]).unwrap_err().contains("only 0 are left"));
        assert!(check(&[0x3a, 0xff]).unwrap_err().contains("middle of a number"));
        assert!(check(&[0x0b]).unwrap_err().contains("wire type 3"));
        assert!(check(&[]).is_ok());
    }
}
