"""Random ONNX files that look like published networks, with onnxruntime's answers.

    python3 generate.py FROM TO FOLDER

writes NAME.onnx and NAME.npz for each seed of FROM..TO-1: inputs `in.NAME`, another sample to calibrate with
`cal.NAME`, outputs `out.NAME`. NAME says the seed, what it draws of, and its format. Needs onnx and onnxruntime.
"""

import logging
import os
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnxruntime import quantization

import decoders
import images
import sequences
from spelling import Spelling

# What a network keeps with weights and inputs of 8 bits, to be worth comparing in int8.
STABLE_DECIBELS = 20

FORMATS = ["f32"] * 7 + ["qdq", "qdq-channel", "qoperator", "dynamic"]


def draw(s, motifs):
    """One of the motifs, by weight."""
    weights = np.array([weight for weight, _ in motifs], float)
    return motifs[int(s.random.choice(len(motifs), p=weights / weights.sum()))][1]


def host_node(s, value):
    """An operator that depends on order or data, which the DLP leaves to the host."""
    axis = len(s.shapes[value]) - 1
    extent = s.shapes[value][axis]
    way = s.between(0, 5)
    if way == 0:
        summed = s.node("CumSum", [value, s.constant(np.array(axis, np.int64))])
        return s.node("Mul", [summed, s.scalar(1.0 / extent)])
    if way == 1:
        return s.node("TopK", [value, s.ints(extent)], outputs=2, axis=axis)[0]
    if way == 2:
        positive = s.node("Greater", [value, s.scalar(0.0)])
        return s.node("Where", [positive, value, s.node("Mul", [value, s.scalar(0.25)])])
    if way == 3:
        scaled = s.node("Round", [s.node("Mul", [value, s.scalar(16.0)])])
        return s.node("Div", [scaled, s.scalar(16.0)])
    if way == 4:
        return masked(s, value)
    largest = s.reduce("ReduceMax", value, [axis])
    return s.node("Sub", [value, largest])


def masked(s, value):
    """`value[mask] = f(value[mask])` by positions, as PyTorch exports it."""
    mask = s.node(s.one_of("Less", "Greater"), [value, s.scalar(s.one_of(0.0, 0.3))])
    rows = s.transpose(s.node("NonZero", [mask]), 1, 0)
    picked = s.node("Mul", [s.node("GatherND", [value, rows]), s.scalar(0.25)])
    if s.chance(0.5):
        # Updates may be more than the positions: they are flattened and cut.
        flat = s.node("Reshape", [picked, s.ints(-1)])
        extents = s.node("Shape", [rows])
        end = s.unsqueeze(s.node("Gather", [extents, s.constant(np.array(0, np.int64))], axis=0), 0)
        picked = s.node("Slice", [flat, s.ints(0), end, s.ints(0)])
    return s.node("ScatterND", [value, rows, picked], shape=s.shapes[value])


def grow(s, value, motifs, count, strewn):
    for _ in range(count):
        if np.prod(s.shapes[value]) > 60_000:
            break
        value = draw(s, motifs)(s, value)
        if strewn and s.chance(0.2):
            value = host_node(s, value)
        if s.chance(0.04):
            s.outputs.append(value)
    return value


def picture(s):
    """A network of images; its input."""
    channels = s.one_of(1, 3, 3, 3, 4)
    rows, columns = s.between(9, 33), s.between(9, 33)
    columns = rows if s.chance(0.5) else columns
    value = s.input("image", s.random.random((1, channels, rows, columns)).astype(np.float32))
    if s.chance(0.15):
        last = s.random.random((1, rows, columns, channels)).astype(np.float32)
        s.inputs.clear(), s.feeds.clear()
        value = s.transpose(s.input("image_nhwc", last), 0, 3, 1, 2)
    return images.normalised_input(s, value) if s.chance(0.4) else value


def classified(s, value):
    """The end of a classifier, a segmenter or a network of tokens."""
    way = s.between(0, 5)
    if way == 0:
        value = images.conv(s, value, s.between(1, 6), 1, bias=True)
        return s.node("Softmax", [value], axis=1) if s.opset >= 13 and s.chance(0.4) else value
    if way == 1 and np.prod(s.shapes[value]) <= 8_000:
        flat = s.node("Flatten", [value], axis=1)
        value = s.node("Relu", [images.gemm(s, flat, 32)])
    elif way == 2:
        channels, rows, columns = images.shape(s, value)
        tokens = s.transpose(s.reshape(value, 1, channels, rows * columns), 0, 2, 1)
        if rows * columns <= 160 and channels <= 64:
            tokens = grow(s, tokens, sequences.MOTIFS, s.between(1, 2), False)
        value = s.reduce("ReduceMean", tokens, [1], 0)
    else:
        value = s.node("Flatten", [images.mean_of_pixels(s, value)], axis=1)
    value = images.gemm(s, value, s.between(2, 20))
    return s.node(s.one_of("Softmax", "LogSoftmax"), [value], axis=1) if s.chance(0.3) else value


def sequence(s):
    """A network of sequences, of numbers or of tokens; its input."""
    steps, width = s.between(3, 24), s.one_of(8, 12, 16, 24, 32, 48)
    if s.chance(0.4):
        words = s.between(20, 90)
        ids = s.input("input_ids", s.random.integers(0, words, (1, steps)))
        value = s.node("Gather", [s.constant(s.normal(words, width), "embedding"), ids], axis=0)
        places = s.constant(s.normal(1, steps, width, deviation=0.3), "positions")
        value = s.node("Add", [value, places])
        return s.layer_norm(value, width) if s.chance(0.5) else value
    return s.input("features", s.normal(1, steps, width))


def summed_up(s, value):
    """The end of a network of sequences."""
    steps = s.shapes[value][1]
    way = s.between(0, 4)
    if way == 0:
        return sequences.dense(s, value, s.between(2, 20))
    if way == 1:
        value = s.node("Gather", [value, s.constant(np.array(0, np.int64))], axis=1)
    elif way == 2:
        value = s.squeeze(s.slice(value, [steps - 1], [steps], [1]), 1)
    elif way == 3:
        value = s.reduce("ReduceMax", value, [1], 0)
    else:
        value = s.reduce("ReduceMean", value, [1], 0)
    value = images.gemm(s, value, s.between(2, 20))
    return s.node("Tanh", [value]) if s.chance(0.2) else value


def network(seed):
    """A graph with its inputs, and the family it is of."""
    s = Spelling(np.random.default_rng(seed))
    strewn = s.chance(0.3)
    if s.chance(0.65):
        family, value = "image", grow(s, picture(s), images.MOTIFS, s.between(1, 6), strewn)
        value = classified(s, value)
    else:
        family, value = "sequence", grow(s, sequence(s), sequences.MOTIFS, s.between(1, 4), strewn)
        value = summed_up(s, value)
    s.outputs = [name for name in dict.fromkeys(s.outputs) if name != value] + [value]
    return s, f"{family}{'-strewn' if strewn else ''}"


def another(s):
    """Other inputs of the same kind."""

    def like(tensor):
        if tensor.dtype == np.int64:
            return s.random.permutation(tensor.reshape(-1)).reshape(tensor.shape)
        if tensor.ndim == 4:
            return s.random.random(tensor.shape).astype(np.float32)
        return s.random.normal(size=tensor.shape).astype(np.float32)

    return {name: like(tensor) for name, tensor in s.feeds.items()}


class Samples(quantization.CalibrationDataReader):
    def __init__(self, samples):
        self.samples = iter(samples)

    def get_next(self):
        return next(self.samples, None)


def weights(s, form):
    """How weights are stored.

    On processors without VNNI, onnxruntime's products of unsigned by signed integers add pairs in 16 bits, which
    saturate; with weights of 7 bits, or unsigned ones, they are right everywhere. QDQ files run in real numbers.
    """
    kinds = quantization.QuantType
    if form.startswith("qdq"):
        return dict(weight_type=kinds.QInt8)
    return dict(weight_type=kinds.QUInt8) if s.chance(0.5) else dict(weight_type=kinds.QInt8, reduce_range=True)


def quantised(model, form, stored, samples, folder):
    """The file as onnxruntime quantises it."""
    source, target = os.path.join(folder, "source.onnx"), os.path.join(folder, "target.onnx")
    onnx.save(model, source)
    if form == "dynamic":
        quantization.quantize_dynamic(source, target, **stored)
    else:
        formats = quantization.QuantFormat
        quantization.quantize_static(
            source, target, Samples(samples),
            quant_format=formats.QOperator if form == "qoperator" else formats.QDQ,
            per_channel=form == "qdq-channel",
            activation_type=quantization.QuantType.QUInt8,
            **stored,
        )
    return onnx.load(target)


def answers(model, feeds):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds)))


def is_telling(outputs):
    """Whether answers are numbers that an error would change."""
    return all(np.isfinite(found).all() and np.ptp(found) > 1e-4 for found in outputs.values())


def rounded(tensor):
    """A tensor of real numbers in 255 steps."""
    largest = np.abs(tensor).max(initial=0)
    if tensor.dtype != np.float32 or tensor.size < 2 or largest == 0 or not np.isfinite(largest):
        return tensor
    return (np.round(tensor / largest * 127) * (largest / 127)).astype(np.float32)


def is_stable(model, feeds, outputs):
    """Whether the answers survive weights and inputs of 8 bits; norms of next to nothing enlarge any error."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    for tensor in changed.graph.initializer:
        if len(tensor.dims) > 1:
            tensor.CopyFrom(onnx.numpy_helper.from_array(rounded(onnx.numpy_helper.to_array(tensor)), tensor.name))
    found = answers(changed, {name: rounded(tensor) for name, tensor in feeds.items()})
    noise = [np.sum((found[name] - outputs[name]).astype(float) ** 2) for name in outputs]
    signal = [np.sum(outputs[name].astype(float) ** 2) for name in outputs]
    return all(n <= s * 10 ** (-STABLE_DECIBELS / 10) for n, s in zip(noise, signal))


def main(first, last, folder):
    logging.disable(logging.WARNING)
    onnxruntime.set_default_logger_severity(3)
    os.makedirs(folder, exist_ok=True)
    written, dull, refused = 0, 0, 0
    for seed in range(first, last):
        s, family = network(seed)
        form = FORMATS[int(s.random.integers(len(FORMATS)))]
        sample, stored = another(s), weights(s, form)
        model = s.model()
        try:
            outputs = answers(model, s.feeds)
        except onnxruntime.capi.onnxruntime_pybind11_state.Fail:
            # The sizes of onnxruntime's pools are not those of the specification where the last window is all padding.
            refused += 1
            continue
        if not is_telling(outputs) or not is_stable(model, s.feeds, outputs):
            dull += 1
            continue
        if form != "f32":
            try:
                with tempfile.TemporaryDirectory() as scratch:
                    model = quantised(model, form, stored, [dict(s.feeds), sample], scratch)
                outputs = answers(model, s.feeds)
            except Exception:
                # What onnxruntime cannot quantise, or cannot run then, has no answer to compare with.
                refused += 1
                continue
        stem = os.path.join(folder, f"{seed:06}-{family}-{form}")
        arrays = {f"in.{name}": tensor for name, tensor in s.feeds.items()}
        arrays.update({f"cal.{name}": tensor for name, tensor in sample.items()})
        arrays.update({f"out.{name}": tensor for name, tensor in outputs.items()})
        onnx.save(model, stem + ".onnx")
        np.savez(stem + ".npz", **arrays)
        written += 1
    decoders.write(os.path.join(folder, "decoders"))
    print(
        f"{written} files; {dull} networks whose answers say nothing, or change with any rounding; "
        f"{refused} that onnxruntime could not run or quantise"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
