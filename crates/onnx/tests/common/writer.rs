//! A few lines that write protobuf, to make files that no exporter would write.

pub fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

pub fn int(field: u64, value: i64) -> Vec<u8> {
    [varint(field << 3), varint(value as u64)].concat()
}

pub fn bytes(field: u64, body: impl AsRef<[u8]>) -> Vec<u8> {
    [varint(field << 3 | 2), varint(body.as_ref().len() as u64), body.as_ref().to_vec()].concat()
}

pub fn node(op: &str, inputs: &[&str], outputs: &[&str], attributes: &[Vec<u8>]) -> Vec<u8> {
    let inputs = inputs.iter().map(|name| bytes(1, name)).collect::<Vec<_>>().concat();
    let outputs_field = outputs.iter().map(|name| bytes(2, name)).collect::<Vec<_>>().concat();
    let attributes = attributes.iter().map(|attribute| bytes(5, attribute)).collect::<Vec<_>>().concat();
    bytes(
        1,
        [inputs, outputs_field, bytes(3, format!("node_{}", outputs[0])), bytes(4, op), attributes].concat(),
    )
}

pub fn ints_attribute(name: &str, values: &[i64]) -> Vec<u8> {
    let values = values.iter().map(|&value| int(8, value)).collect::<Vec<_>>().concat();
    [bytes(1, name), values, int(20, 7)].concat()
}

/// A tensor of raw bytes.
///
/// Types: 1 is float, 7 is int64.
pub fn tensor(name: &str, data_type: i64, dims: &[i64], raw: &[u8]) -> Vec<u8> {
    let dims = dims.iter().map(|&dim| int(1, dim)).collect::<Vec<_>>().concat();
    [dims, int(2, data_type), bytes(8, name), bytes(9, raw)].concat()
}

pub fn int64s(name: &str, values: &[i64]) -> Vec<u8> {
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    bytes(5, tensor(name, 7, &[values.len() as i64], &raw))
}

pub fn value(field: u64, name: &str, dims: &[i64]) -> Vec<u8> {
    let dims = dims.iter().map(|&dim| bytes(1, int(1, dim))).collect::<Vec<_>>().concat();
    let ty = bytes(1, [int(1, 1), bytes(2, dims)].concat());
    bytes(field, [bytes(1, name), bytes(2, ty)].concat())
}

pub fn input(name: &str, dims: &[i64]) -> Vec<u8> {
    value(11, name, dims)
}

pub fn output(name: &str) -> Vec<u8> {
    value(12, name, &[])
}

pub fn model(opset: i64, graph: &[Vec<u8>]) -> Vec<u8> {
    [int(1, 8), bytes(8, int(2, opset)), bytes(7, graph.concat())].concat()
}
