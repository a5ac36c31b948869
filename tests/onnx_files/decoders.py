"""Decoders with caches that grow along a symbolic axis, as exporters write them, with onnxruntime's greedy answers.

    python3 decoders.py FOLDER

writes NAME.onnx and NAME.npz: `prompt`, the `tokens` that follow it, and `logits`, a row for each token that was given. Needs
onnx and onnxruntime. The graphs are in the style of Hugging Face's exports: shapes come from Shape, Gather and Concat,
positions from the length of the caches, and causal masks are rows of a square one.
"""

import os
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

WIDTH, HEADS, LAYERS, VOCABULARY, POSITIONS = 32, 2, 2, 60, 64
HEAD = WIDTH // HEADS
PROMPT, GENERATED = [7, 31, 2, 55], 16


class Writer:
    """The nodes and weights of a graph."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes, self.weights, self.count = [], [], 0

    def name(self, kind):
        self.count += 1
        return f"/{kind}_{self.count}"

    def node(self, kind, inputs, outputs=1, name=None, **attributes):
        base = name or self.name(kind)
        names = [base] if outputs == 1 else [f"{base}_{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, name=base, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, array, name=None):
        name = name or self.name("constant")
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def normal(self, name, *shape, deviation=None):
        deviation = deviation or np.sqrt(1.0 / shape[0])
        return self.constant(self.random.normal(0.0, deviation, shape).astype(np.float32), name)

    def ints(self, *numbers):
        return self.constant(np.array(numbers, np.int64))

    def extent(self, value, axis):
        """The extent of an axis as a scalar, as PyTorch asks for it."""
        shape = self.node("Shape", [value])
        return self.node("Gather", [shape, self.constant(np.array(axis, np.int64))], axis=0)

    def listed(self, *scalars):
        """A shape of numbers and scalars that are computed."""
        axis = self.ints(0)
        parts = [self.ints(part) if isinstance(part, int) else self.node("Unsqueeze", [part, axis]) for part in scalars]
        return self.node("Concat", parts, axis=0)

    def slice(self, value, start, end, axis):
        return self.node("Slice", [value, start, end, self.ints(axis)])


def dense(w, x, name, inputs, outputs, bias=True):
    y = w.node("MatMul", [x, w.normal(f"{name}.weight", inputs, outputs)])
    return w.node("Add", [y, w.normal(f"{name}.bias", outputs, deviation=0.02)]) if bias else y


def layer_norm(w, x, name):
    scale = w.constant((1 + 0.1 * w.random.normal(size=WIDTH)).astype(np.float32), f"{name}.weight")
    shift = w.constant((0.1 * w.random.normal(size=WIDTH)).astype(np.float32), f"{name}.bias")
    return w.node("LayerNormalization", [x, scale, shift], axis=-1, epsilon=1e-5)


def rms_norm(w, x, name):
    scale = w.constant((1 + 0.1 * w.random.normal(size=WIDTH)).astype(np.float32), f"{name}.weight")
    square = w.node("Pow", [x, w.constant(np.array(2, np.float32))])
    mean = w.node("ReduceMean", [square], axes=[-1], keepdims=1)
    root = w.node("Sqrt", [w.node("Add", [mean, w.constant(np.array(1e-6, np.float32))])])
    return w.node("Mul", [scale, w.node("Div", [x, root])])


def split_heads(w, x, heads):
    batch, steps = w.extent(x, 0), w.extent(x, 1)
    wide = w.node("Reshape", [x, w.listed(batch, steps, heads, HEAD)])
    return w.node("Transpose", [wide], perm=[0, 2, 1, 3])


def join_heads(w, x):
    y = w.node("Transpose", [x], perm=[0, 2, 1, 3])
    return w.node("Reshape", [y, w.listed(w.extent(y, 0), w.extent(y, 1), WIDTH)])


def gelu(w, x):
    cube = w.node("Pow", [x, w.constant(np.array(3, np.float32))])
    inner = w.node("Add", [x, w.node("Mul", [cube, w.constant(np.array(0.044715, np.float32))])])
    tanh = w.node("Tanh", [w.node("Mul", [inner, w.constant(np.array(np.sqrt(2 / np.pi), np.float32))])])
    half = w.node("Mul", [x, w.constant(np.array(0.5, np.float32))])
    return w.node("Mul", [half, w.node("Add", [tanh, w.constant(np.array(1, np.float32))])])


def causal_rows(w, scores_of, query, key, triangle):
    """Scores where the causal mask shows them: its rows and columns by the lengths of queries and keys."""
    last, axis = w.extent(key, 2), w.ints(0)
    first = w.node("Sub", [last, w.extent(query, 2)])
    first, last = w.node("Unsqueeze", [first, axis]), w.node("Unsqueeze", [last, axis])
    rows = w.slice(w.slice(triangle, first, last, 2), w.ints(0), last, 3)
    return w.node("Where", [rows, scores_of, w.constant(np.array(np.finfo(np.float32).min, np.float32))])


def gpt2(masked):
    """GPT-2. With `masked`, positions and a mask of the tokens are inputs; else they follow from the caches' length."""
    w = Writer(5)
    inputs = {"input_ids": (TensorProto.INT64, ["batch_size", "sequence_length"])}
    if masked:
        inputs["attention_mask"] = (TensorProto.INT64, ["batch_size", "past_sequence_length + 1"])
        inputs["position_ids"] = (TensorProto.INT64, ["batch_size", "sequence_length"])
    cache = ["batch_size", HEADS, "past_sequence_length", HEAD]
    for index in range(LAYERS):
        for part in ["key", "value"]:
            inputs[f"past_key_values.{index}.{part}"] = (TensorProto.FLOAT, cache)
    words = w.normal("transformer.wte.weight", VOCABULARY, WIDTH, deviation=0.5)
    table = w.normal("transformer.wpe.weight", POSITIONS, WIDTH, deviation=0.2)
    if masked:
        positions = "position_ids"
    else:
        past, one = w.extent("past_key_values.0.key", 2), w.constant(np.array(1, np.int64))
        end = w.node("Add", [past, w.extent("input_ids", 1)])
        positions = w.node("Unsqueeze", [w.node("Range", [past, end, one]), w.ints(0)])
    x = w.node("Add", [w.node("Gather", [words, "input_ids"]), w.node("Gather", [table, positions])])
    least = w.constant(np.array(np.finfo(np.float32).min, np.float32))
    hidden = None
    if masked:
        mask = w.node("Unsqueeze", [w.node("Unsqueeze", ["attention_mask", w.ints(1)]), w.ints(2)])
        mask = w.node("Cast", [mask], to=TensorProto.FLOAT)
        hidden = w.node("Mul", [w.node("Sub", [w.constant(np.array(1, np.float32)), mask]), least])
    triangle = w.constant(np.tril(np.ones((1, 1, POSITIONS, POSITIONS), bool)), "transformer.h.attn.bias")
    presents = []
    for index in range(LAYERS):
        name = f"transformer.h.{index}"
        wide = dense(w, layer_norm(w, x, f"{name}.ln_1"), f"{name}.attn.c_attn", WIDTH, 3 * WIDTH)
        parts = w.node("Split", [wide, w.ints(WIDTH, WIDTH, WIDTH)], outputs=3, axis=2)
        query, key, value = (split_heads(w, part, HEADS) for part in parts)
        names = [f"present.{index}.{part}" for part in ["key", "value"]]
        key = w.node("Concat", [f"past_key_values.{index}.key", key], axis=2, name=names[0])
        value = w.node("Concat", [f"past_key_values.{index}.value", value], axis=2, name=names[1])
        presents += names
        scores = w.node("MatMul", [query, w.node("Transpose", [key], perm=[0, 1, 3, 2])])
        scores = w.node("Div", [scores, w.constant(np.array(np.sqrt(HEAD), np.float32))])
        scores = causal_rows(w, scores, query, key, triangle)
        scores = w.node("Add", [scores, hidden]) if masked else scores
        y = w.node("MatMul", [w.node("Softmax", [scores], axis=-1), value])
        x = w.node("Add", [dense(w, join_heads(w, y), f"{name}.attn.c_proj", WIDTH, WIDTH), x])
        y = gelu(w, dense(w, layer_norm(w, x, f"{name}.ln_2"), f"{name}.mlp.c_fc", WIDTH, 4 * WIDTH))
        x = w.node("Add", [x, dense(w, y, f"{name}.mlp.c_proj", 4 * WIDTH, WIDTH)])
    x = layer_norm(w, x, "transformer.ln_f")
    w.node("MatMul", [x, w.normal("lm_head.weight", WIDTH, VOCABULARY)], name="logits")
    return model(w, "gpt2", inputs, presents, HEADS)


def rotated(w, x, cosine, sine):
    half = HEAD // 2
    low, high = w.slice(x, w.ints(0), w.ints(half), 3), w.slice(x, w.ints(half), w.ints(HEAD), 3)
    turned = w.node("Concat", [w.node("Neg", [high]), low], axis=3)
    return w.node("Add", [w.node("Mul", [x, cosine]), w.node("Mul", [turned, sine])])


def llama():
    """LLaMA with one head of keys and values for two of queries, and rotary embedding by the caches' length."""
    w = Writer(6)
    inputs = {"input_ids": (TensorProto.INT64, ["batch", "sequence"])}
    cache = ["batch", 1, "past_length", HEAD]
    for index in range(LAYERS):
        for part in ["key", "value"]:
            inputs[f"past_key_values.{index}.{part}"] = (TensorProto.FLOAT, cache)
    x = w.node("Gather", [w.normal("model.embed_tokens.weight", VOCABULARY, WIDTH, deviation=0.5), "input_ids"])
    past, one = w.extent("past_key_values.0.key", 2), w.constant(np.array(1, np.int64))
    end = w.node("Add", [past, w.extent("input_ids", 1)])
    positions = w.node("Cast", [w.node("Range", [past, end, one])], to=TensorProto.FLOAT)
    positions = w.node("Unsqueeze", [positions, w.ints(1)])
    frequencies = (1.0 / 10000.0 ** (np.arange(0, HEAD, 2) / HEAD)).astype(np.float32)[None]
    angles = w.node("MatMul", [positions, w.constant(frequencies)])
    angles = w.node("Concat", [angles, angles], axis=-1)
    cosine, sine = (w.node("Unsqueeze", [w.node(kind, [angles]), w.ints(0, 1)]) for kind in ["Cos", "Sin"])
    presents = []
    for index in range(LAYERS):
        name = f"model.layers.{index}"
        normal = rms_norm(w, x, f"{name}.input_layernorm")
        query = split_heads(w, dense(w, normal, f"{name}.self_attn.q_proj", WIDTH, WIDTH, False), HEADS)
        key, value = (
            split_heads(w, dense(w, normal, f"{name}.self_attn.{part}_proj", WIDTH, HEAD, False), 1) for part in "kv"
        )
        query, key = rotated(w, query, cosine, sine), rotated(w, key, cosine, sine)
        names = [f"present.{index}.{part}" for part in ["key", "value"]]
        key = w.node("Concat", [f"past_key_values.{index}.key", key], axis=-2, name=names[0])
        value = w.node("Concat", [f"past_key_values.{index}.value", value], axis=-2, name=names[1])
        presents += names
        key, value = (repeated(w, cached) for cached in [key, value])
        scores = w.node("MatMul", [query, w.node("Transpose", [key], perm=[0, 1, 3, 2])])
        scores = w.node("Mul", [scores, w.constant(np.array(1 / np.sqrt(HEAD), np.float32))])
        y = join_heads(w, w.node("MatMul", [w.node("Softmax", [scores], axis=-1), value]))
        x = w.node("Add", [x, dense(w, y, f"{name}.self_attn.o_proj", WIDTH, WIDTH, False)])
        normal = rms_norm(w, x, f"{name}.post_attention_layernorm")
        gate = dense(w, normal, f"{name}.mlp.gate_proj", WIDTH, 2 * WIDTH, False)
        gate = w.node("Mul", [gate, w.node("Sigmoid", [gate])])
        gate = w.node("Mul", [gate, dense(w, normal, f"{name}.mlp.up_proj", WIDTH, 2 * WIDTH, False)])
        x = w.node("Add", [x, dense(w, gate, f"{name}.mlp.down_proj", 2 * WIDTH, WIDTH, False)])
    x = rms_norm(w, x, "model.norm")
    w.node("MatMul", [x, w.normal("lm_head.weight", WIDTH, VOCABULARY)], name="logits")
    return model(w, "llama", inputs, presents, 1)


def repeated(w, cached):
    """Each head of keys or values for as many of queries."""
    batch, length = w.extent(cached, 0), w.extent(cached, 2)
    wide = w.node("Expand", [w.node("Unsqueeze", [cached, w.ints(2)]), w.listed(batch, 1, HEADS, length, HEAD)])
    return w.node("Reshape", [wide, w.listed(batch, HEADS, length, HEAD)])


def model(w, name, inputs, presents, heads):
    total = "past_sequence_length + 1"
    fed = [helper.make_tensor_value_info(key, kind, shape) for key, (kind, shape) in inputs.items()]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "sequence", VOCABULARY])]
    kept = ["batch", heads, total, HEAD]
    outputs += [helper.make_tensor_value_info(present, TensorProto.FLOAT, kept) for present in presents]
    graph = helper.make_graph(w.nodes, name, fed, outputs, w.weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return made


def decode(made):
    """onnxruntime's greedy answer."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_outputs()]
    caches = {}
    for value in session.get_inputs():
        if value.name.startswith("past"):
            caches[value.name] = np.zeros([1, value.shape[1], 0, HEAD], np.float32)
    known = {value.name for value in session.get_inputs()}
    tokens, logits, position = list(PROMPT), [], 0
    while position < len(PROMPT) + GENERATED - 1:
        fed = dict(caches, input_ids=np.array([[tokens[position]]], np.int64))
        if "position_ids" in known:
            fed["position_ids"] = np.array([[position]], np.int64)
            fed["attention_mask"] = np.ones([1, position + 1], np.int64)
        answers = dict(zip(names, session.run(None, fed)))
        logits.append(answers["logits"][0, 0])
        caches = {name: answers[name.replace("past_key_values", "present")] for name in caches}
        position += 1
        if position == len(tokens):
            tokens.append(int(np.argmax(logits[-1])))
    return {
        "prompt": np.array(PROMPT, np.int64),
        "tokens": np.array(tokens[len(PROMPT) :], np.int64),
        "logits": np.array(logits, np.float32),
    }


def write(folder):
    """Writes every decoder with its answers."""
    os.makedirs(folder, exist_ok=True)
    for name, made in {"gpt2-masked": gpt2(True), "gpt2-bare": gpt2(False), "llama": llama()}.items():
        np.savez(os.path.join(folder, f"{name}.npz"), **decode(made))
        onnx.save(made, os.path.join(folder, f"{name}.onnx"))


if __name__ == "__main__":
    write(sys.argv[1])
