"""Makes small.onnx, the seed of the mutation test: many kinds of fields in a few hundred bytes. Needs PyPI onnx, numpy."""

import pathlib

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

rng = np.random.default_rng(7)


def stored(name, array):
    return numpy_helper.from_array(array, name)


nodes = [
    helper.make_node("Conv", ["x", "w", "b"], ["conv"], "conv", pads=[1, 1, 1, 1], strides=[2, 2], group=1),
    helper.make_node("BatchNormalization", ["conv", "scale", "b", "mean", "variance"], ["norm"], "norm"),
    helper.make_node("Relu", ["norm"], ["relu"], "relu"),
    helper.make_node("MaxPool", ["relu"], ["pool"], "pool", kernel_shape=[2, 2], ceil_mode=1),
    helper.make_node("Shape", ["pool"], ["shape"], "shape"),
    helper.make_node("Gather", ["shape", "zero"], ["batch"], "batch", axis=0),
    helper.make_node("Concat", ["batch", "rest"], ["target"], "target", axis=0),
    helper.make_node("Reshape", ["pool", "target"], ["flat"], "flat"),
    helper.make_node("Gemm", ["flat", "fc", "fc_b"], ["logits"], "gemm", transB=1, alpha=0.5),
    helper.make_node("Slice", ["logits", "zero", "two", "one"], ["cut"], "slice"),
    helper.make_node("Pad", ["cut", "pads"], ["padded"], "pad", mode="constant"),
    helper.make_node("Softmax", ["padded"], ["y"], "softmax", axis=1),
]
graph = helper.make_graph(
    nodes,
    "small",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 2, 6, 6])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 4])],
    [
        stored("w", rng.standard_normal((3, 2, 3, 3)).astype(np.float32)),
        helper.make_tensor("b", TensorProto.FLOAT, [3], [0.1, 0.2, 0.3]),
        helper.make_tensor("scale", TensorProto.FLOAT, [3], [1.0, 0.5, 2.0]),
        helper.make_tensor("mean", TensorProto.FLOAT, [3], [0.0, 0.1, -0.1]),
        helper.make_tensor("variance", TensorProto.FLOAT, [3], [1.0, 2.0, 0.5]),
        stored("zero", np.array([0], np.int64)),
        stored("one", np.array([1], np.int64)),
        stored("two", np.array([2], np.int64)),
        helper.make_tensor("rest", TensorProto.INT64, [1], [-1]),
        stored("pads", np.array([0, 1, 0, 1], np.int64)),
        stored("fc", rng.standard_normal((5, 12)).astype(np.float32)),
        stored("fc_b", rng.standard_normal(5).astype(np.float32)),
    ],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="make_small")
checker.check_model(model, full_check=True)
(pathlib.Path(__file__).parent / "small.onnx").write_bytes(model.SerializeToString())
