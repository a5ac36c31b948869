"""ONNX graphs with the operators spelled in each of the ways that exporters spell them."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSETS = [11, 12, 13, 14, 15, 16, 17, 18, 19, 20]

TYPES = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64, "bool": TensorProto.BOOL}


class Spelling:
    """A graph that grows, and the draws that decide how it is written down."""

    def __init__(self, random, opset=None):
        self.random = random
        self.opset = opset or int(random.choice(OPSETS))
        self.nodes, self.initialisers, self.inputs, self.outputs = [], [], [], []
        self.feeds = {}
        self.shapes = {}
        self.count = 0
        # An exporter has habits: it writes all constants alike, and all shapes alike.
        self.constants_are_nodes = random.random() < 0.3
        self.shapes_are_computed = random.random() < 0.3
        self.norms_are_folded = random.random() < 0.5
        self.has_idle_nodes = random.random() < 0.3

    def chance(self, probability):
        return self.random.random() < probability

    def one_of(self, *choices):
        return choices[int(self.random.integers(len(choices)))]

    def between(self, low, high):
        """An integer of low to high, both possible."""
        return int(self.random.integers(low, high + 1))

    def normal(self, *shape, deviation=1.0, mean=0.0):
        return (self.random.normal(size=shape) * deviation + mean).astype(np.float32)

    def name(self, stem):
        self.count += 1
        return f"/{stem.lower()}/{stem}_{self.count}_output_0"

    def input(self, name, tensor):
        self.feeds[name] = tensor
        self.inputs.append(helper.make_tensor_value_info(name, TYPES[str(tensor.dtype)], tensor.shape))
        self.shapes[name] = list(tensor.shape)
        return name

    def constant(self, tensor, stem="weight"):
        """A constant as initialiser or as node."""
        tensor = np.asarray(tensor)
        if self.constants_are_nodes and tensor.size <= 64:
            name = self.name("Constant")
            self.nodes.append(helper.make_node("Constant", [], [name], value=numpy_helper.from_array(tensor)))
        else:
            self.count += 1
            name = f"{stem}.{self.count}"
            self.initialisers.append(numpy_helper.from_array(tensor, name))
        self.shapes[name] = list(tensor.shape)
        return name

    def floats(self, *values):
        return self.constant(np.array(values, np.float32))

    def scalar(self, value):
        return self.constant(np.array(value, np.float32))

    def ints(self, *values):
        return self.constant(np.array(values, np.int64))

    def node(self, op, inputs, outputs=1, shape=None, **attributes):
        """Appends a node; its result, or the list of its results.

        A shape is given where it follows from computed numbers, which the inference does not see.
        """
        names = [self.name(op) for _ in range(outputs)]
        attributes = {key: value for key, value in attributes.items() if value is not None}
        label = f"/block.{len(self.nodes) // 7}/{op}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, names, name=label, **attributes))
        self.infer(names)
        if shape is not None:
            self.shapes[names[0]] = list(shape)
        result = names[0] if outputs == 1 else names
        if outputs == 1 and self.has_idle_nodes and self.chance(0.08):
            return self.idle(result)
        return result

    def idle(self, value):
        """A node that changes nothing, as exporters leave them behind."""
        is_real = self.types[value] == TensorProto.FLOAT
        return self.node(self.one_of("Identity", "Dropout") if is_real else "Identity", [value])

    def infer(self, names):
        """The shapes of the last node's results, by the reference's own rules."""
        node = self.nodes[-1]
        needed = set(node.input)
        constants = [tensor for tensor in self.initialisers if tensor.name in needed]
        made = [other for other in self.nodes[:-1] if other.op_type == "Constant" and other.output[0] in needed]
        stored = {tensor.name for tensor in constants} | {other.output[0] for other in made}
        known = [
            helper.make_tensor_value_info(name, self.types[name], self.shapes[name])
            for name in needed
            if name in self.shapes and name not in stored
        ]
        outputs = [helper.make_empty_tensor_value_info(name) for name in names]
        graph = helper.make_graph(made + [node], "one", known, outputs, constants)
        model = helper.make_model(graph, opset_imports=self.opset_imports(), ir_version=8)
        found = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
        for value in found.output:
            kind = value.type.tensor_type
            self.types[value.name] = kind.elem_type
            self.shapes[value.name] = [dim.dim_value for dim in kind.shape.dim]

    @property
    def types(self):
        if not hasattr(self, "_types"):
            self._types = {}
        for value in self.inputs:
            self._types.setdefault(value.name, value.type.tensor_type.elem_type)
        return self._types

    def opset_imports(self):
        return [helper.make_opsetid("", self.opset)]

    def model(self):
        outputs = [
            helper.make_tensor_value_info(name, self.types[name], self.shapes[name]) for name in self.outputs
        ]
        graph = helper.make_graph(self.nodes, "network", self.inputs, outputs, self.initialisers)
        model = helper.make_model(graph, opset_imports=self.opset_imports(), ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        return model

    # Operators whose operands moved between opsets.

    def reshape(self, value, *shape):
        if not self.shapes_are_computed or 0 in shape or list(shape[:1]) != self.shapes[value][:1]:
            return self.node("Reshape", [value, self.ints(*shape)])
        size = self.node("Shape", [value])
        first = self.node("Gather", [size, self.constant(np.array(0, np.int64))], axis=0)
        parts = [self.unsqueeze(first, 0), self.ints(*shape[1:])]
        elements = int(np.prod(self.shapes[value]))
        known = -int(np.prod(shape))
        shape = [elements // known if size == -1 else size for size in shape]
        return self.node("Reshape", [value, self.node("Concat", parts, axis=0)], shape=shape)

    def unsqueeze(self, value, *axes):
        if self.opset < 13:
            return self.node("Unsqueeze", [value], axes=list(axes))
        return self.node("Unsqueeze", [value, self.ints(*axes)])

    def squeeze(self, value, *axes):
        if self.opset < 13:
            return self.node("Squeeze", [value], axes=list(axes))
        return self.node("Squeeze", [value, self.ints(*axes)])

    def reduce(self, op, value, axes, keepdims=1):
        by_input = self.opset >= 18 or (op == "ReduceSum" and self.opset >= 13)
        if by_input:
            return self.node(op, [value, self.ints(*axes)], keepdims=keepdims)
        return self.node(op, [value], axes=list(axes), keepdims=keepdims)

    def split(self, value, sizes, axis):
        if self.opset < 13:
            return self.node("Split", [value], outputs=len(sizes), axis=axis, split=list(sizes))
        return self.node("Split", [value, self.ints(*sizes)], outputs=len(sizes), axis=axis)

    def slice(self, value, starts, ends, axes, steps=None):
        operands = [value, self.ints(*starts), self.ints(*ends), self.ints(*axes)]
        return self.node("Slice", operands + ([self.ints(*steps)] if steps else []))

    def pad(self, value, before, after, mode="constant", fill=None):
        operands = [value, self.ints(*before, *after)] + ([self.scalar(fill)] if fill is not None else [])
        return self.node("Pad", operands, mode=mode)

    def transpose(self, value, *axes):
        return self.node("Transpose", [value], perm=list(axes))

    def clip(self, value, low, high):
        return self.node("Clip", [value, self.scalar(low), self.scalar(high)])

    def layer_norm(self, value, width):
        """Over the last axis: one operator, or the nodes of older exporters."""
        scale = self.constant(self.normal(width, deviation=0.1, mean=1.0), "norm.weight")
        bias = self.constant(self.normal(width, deviation=0.1), "norm.bias")
        if self.opset >= 17 and self.chance(0.6):
            return self.node("LayerNormalization", [value, scale, bias], axis=-1, epsilon=1e-5)
        centred = self.node("Sub", [value, self.reduce("ReduceMean", value, [-1])])
        square = self.node("Pow", [centred, self.scalar(2.0)])
        if self.chance(0.3):
            square = self.node("Mul", [centred, centred])
        variance = self.node("Add", [self.reduce("ReduceMean", square, [-1]), self.scalar(1e-5)])
        normal = self.node("Div", [centred, self.node("Sqrt", [variance])])
        return self.node("Add", [self.node("Mul", [normal, scale]), bias])

    def rms_norm(self, value, width):
        square = self.node("Pow", [value, self.scalar(2.0)])
        mean = self.node("Add", [self.reduce("ReduceMean", square, [-1]), self.scalar(1e-6)])
        root = self.node("Sqrt", [mean])
        if self.chance(0.5):
            normal = self.node("Mul", [value, self.node("Reciprocal", [root])])
        else:
            normal = self.node("Div", [value, root])
        return self.node("Mul", [self.constant(self.normal(width, deviation=0.1, mean=1.0), "norm.weight"), normal])

    def gelu(self, value):
        """By the error function, by the hyperbolic tangent, or as one operator."""
        form = self.between(0, 2)
        if form == 2 and self.opset >= 20:
            return self.node("Gelu", [value], approximate=self.one_of("none", "tanh"))
        if form == 0:
            scaled = self.node("Div", [value, self.scalar(np.sqrt(2.0))])
            gate = self.node("Add", [self.node("Erf", [scaled]), self.scalar(1.0)])
            return self.node("Mul", [self.node("Mul", [value, gate]), self.scalar(0.5)])
        cube = self.node("Mul", [self.node("Pow", [value, self.scalar(3.0)]), self.scalar(0.044715)])
        inner = self.node("Mul", [self.node("Add", [value, cube]), self.scalar(np.sqrt(2.0 / np.pi))])
        gate = self.node("Add", [self.node("Tanh", [inner]), self.scalar(1.0)])
        return self.node("Mul", [self.node("Mul", [value, self.scalar(0.5)]), gate])

    def activation(self, value, channels=None):
        """One of the functions that published networks use."""
        kind = self.between(0, 13)
        if kind == 4 and channels:
            rank = len(self.shapes[value])
            slope = self.normal(channels, *[1] * (rank - 2), deviation=0.1, mean=0.2)
            return self.node("PRelu", [value, self.constant(slope, "slope")])
        if kind == 5 and self.opset >= 14:
            return self.node("HardSwish", [value])
        if kind == 6:
            gate = self.clip(self.node("Add", [value, self.scalar(3.0)]), 0.0, 6.0)
            return self.node("Div", [self.node("Mul", [value, gate]), self.scalar(6.0)])
        if kind == 7 and self.opset >= 18:
            return self.node("Mish", [value])
        if kind == 13:
            gate = self.node("HardSigmoid", [value], alpha=1.0 / 6, beta=0.5)
            return self.node("Mul", [value, gate])
        simple = {
            2: lambda: self.clip(value, 0.0, 6.0),
            3: lambda: self.node("LeakyRelu", [value], alpha=self.one_of(0.01, 0.1, 0.2)),
            8: lambda: self.node("Mul", [value, self.node("Sigmoid", [value])]),
            9: lambda: self.gelu(value),
            10: lambda: self.node("Tanh", [value]),
            11: lambda: self.node("Elu", [value], alpha=1.0),
            12: lambda: self.node("Softplus", [value]),
        }
        return simple.get(kind, lambda: self.node("Relu", [value]))()
