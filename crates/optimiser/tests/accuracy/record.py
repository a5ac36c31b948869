"""Runs a network in onnxruntime and records intermediate values.

usage: record.py MODEL.onnx INPUTS.npz NAMES.txt OUTPUT.npz

INPUTS holds one array a sample, NAMES one value a line. OUTPUT holds value NAME of sample S as `S/NAME`. Needs numpy and
onnxruntime, not onnx: protobuf merges messages that are concatenated, so that outputs are appended to the file's bytes.
"""

import sys

import numpy
import onnxruntime

# Field numbers of onnx.proto.
MODEL_GRAPH, GRAPH_OUTPUT, VALUE_NAME = 7, 12, 1


def message(field, content):
    """A length-delimited field."""
    length, size = len(content), bytearray()
    while length >= 128:
        size.append(length % 128 + 128)
        length //= 128
    return bytes([field * 8 + 2]) + bytes(size) + bytes([length]) + content


def main(model_path, inputs_path, names_path, output_path):
    with open(model_path, "rb") as file:
        model = file.read()
    with open(names_path, encoding="utf-8") as file:
        names = file.read().split("\n")
    for name in names:
        model += message(MODEL_GRAPH, message(GRAPH_OUTPUT, message(VALUE_NAME, name.encode())))
    options = onnxruntime.SessionOptions()
    # Without its fusions onnxruntime computes what the specification of the operators says.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    input_name = session.get_inputs()[0].name
    recorded = {}
    for sample, values in numpy.load(inputs_path).items():
        for name, result in zip(names, session.run(names, {input_name: values})):
            recorded[f"{sample}/{name}"] = result
    numpy.savez(output_path, **recorded)


main(*sys.argv[1:])
