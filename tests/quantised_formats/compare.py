"""Files that onnxruntime quantised in each of its ways: what the DLP runs of them, and how near its answers are to onnxruntime's.

    pip install onnx onnxruntime numpy sympy
    python tests/quantised_formats/compare.py MODEL/model.onnx ...

Beside each file is `test_data_set_0/input_*.pb`, as ONNX keeps its own tests. Each network is quantised by
`quantize_static` per tensor, per channel and as operators, and by `quantize_dynamic`. `cargo xtask formats` does this for
the networks of docs/results.md. A row of the first table says

- the share of the multiply-adds on the DLP, its cycles, and the bytes that it wrote, which all equal the host's int8;
- the answers beside those of onnxruntime on the same file: decibels, and the largest difference in units of the answer's
  own scale, where it has one;
- how far both are from the network in f32.

Each layer of the static formats is also run alone, on the integers that onnxruntime gave it. A row of the second table says
how many layers and integers were compared, how many of these are equal, and the largest difference in units. Recurrences are
left out, as onnxruntime computes them in f32, and so is what it makes of NaN.

It fails if a byte differs from the host's, if less than 95 % of the multiply-adds run on the DLP, or if a layer differs by
more than a unit.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnx.version_converter
import onnxruntime
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

# Weights of 7 bits: onnxruntime adds pairs of products in 16 bits on processors without VNNI, which saturate.
RECURRENCES = ("RNN", "GRU", "LSTM")
LEAST_SHARE = 0.95
STATIC = dict(activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, reduce_range=True)
FORMATS = {
    "static, per tensor": dict(STATIC, quant_format=QuantFormat.QDQ, per_channel=False),
    "static, per channel": dict(STATIC, quant_format=QuantFormat.QDQ, per_channel=True),
    "static, operators": dict(STATIC, quant_format=QuantFormat.QOperator, per_channel=False),
    "dynamic": None,
}


class Samples(CalibrationDataReader):
    def __init__(self, samples):
        self.samples = iter(samples)

    def get_next(self):
        return next(self.samples, None)


def stored_inputs(path, model):
    """The inputs of the first test case beside a file, by name."""
    constants = {tensor.name for tensor in model.graph.initializer}
    names = [value.name for value in model.graph.input if value.name not in constants]
    feeds = {}
    for index, name in enumerate(names):
        file = path.parent / "test_data_set_0" / f"input_{index}.pb"
        feeds[name] = numpy_helper.to_array(onnx.load_tensor(str(file)))
    return feeds


def with_scales_per_channel(model):
    """The model with operators that know a scale for each channel, which came with version 13."""
    version = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    return onnx.version_converter.convert_version(model, 13) if version < 13 else model


def answers(path, feeds):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds)))


def decibels(found, wanted):
    """The least ratio of the answers' signal to what is added to it; None where nothing is."""
    ratios = []
    for name, right in wanted.items():
        right, noise = right.astype(np.float64), found[name].astype(np.float64) - right
        if np.any(noise):
            ratios.append(10 * np.log10(np.sum(right**2) / np.sum(noise**2)))
    return min(ratios, default=None)


def units(model, found, wanted):
    """The largest difference of an answer that is dequantised, in steps of its scale."""
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    scales = {
        node.output[0]: constants[node.input[1]]
        for node in model.graph.node
        if node.op_type == "DequantizeLinear" and node.input[1] in constants
    }
    steps = [np.abs(found[name] - right).max() / scales[name] for name, right in wanted.items() if name in scales]
    return max((float(step.max()) for step in steps), default=None)


def every_value(path, feeds):
    """What onnxruntime gives for each value of a file that is computed from its inputs, and the inputs, by name."""
    model = onnx.load(path)
    computed = {value.name for value in model.graph.input}
    for node in model.graph.node:
        computed.update(node.output if any(name in computed for name in node.input) else [])
    del model.graph.output[:]
    names = [name for node in model.graph.node for name in node.output if name in computed]
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    whole = path.with_name("whole.onnx")
    onnx.save(model, whole)
    return {**feeds, **answers(whole, feeds)}


def layers(model, known):
    """Each quantised value of a network with the quantised ones or inputs that it is made of, and the nodes between."""
    producers = {name: node for node in model.graph.node for name in node.output if name}
    stored = {name for name, tensor in known.items() if tensor.dtype in (np.uint8, np.int8) and name in producers}
    for result in stored:
        inputs, nodes, open_names = [], [], [result]
        while open_names:
            name = open_names.pop()
            node = producers.get(name)
            if name in known and (node is None or name in stored and name != result):
                inputs.append(name)
            elif node is not None and node not in nodes:
                nodes.append(node)
                open_names.extend(operand for operand in node.input if operand)
        if not any(node.op_type in RECURRENCES for node in nodes):
            yield result, list(dict.fromkeys(inputs)), [node for node in model.graph.node if node in nodes]


def compared_layers(cli, path, feeds, folder):
    """How many layers and integers of a file were compared, how many are equal, and the largest difference."""
    model, known, part = onnx.load(path), every_value(path, feeds), folder / "part.onnx"
    constants = {tensor.name: tensor for tensor in model.graph.initializer}

    def typed(name):
        tensor = known[name]
        return onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(tensor.dtype), tensor.shape)

    count = total = equal = largest = 0
    for result, inputs, nodes in layers(model, known):
        used = {name for node in nodes for name in node.input}
        weights = [constants[name] for name in used if name in constants]
        graph = onnx.helper.make_graph(nodes, "layer", [typed(name) for name in inputs], [typed(result)], weights)
        onnx.save(onnx.helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version), part)
        _, ours = measured(cli, part, {name: known[name] for name in inputs}, folder)
        apart = np.abs(ours[result].astype(int) - known[result].astype(int))
        real = known.get(nodes[-1].input[0])
        if nodes[-1].op_type == "QuantizeLinear" and real is not None:
            apart = apart[~np.isnan(real)]
        count, total, equal = count + 1, total + apart.size, equal + int((apart == 0).sum())
        largest = max(largest, int(apart.max(initial=0)))
    return count, total, equal, largest


def measured(cli, path, feeds, folder):
    """What the command says of a file, and its answers."""
    given, saved = folder / "given.npz", folder / "answers.npz"
    np.savez(given, **feeds)
    command = [cli, "run", str(path), "--input", str(given), "--calibrate", str(given), "--json"]
    command.append("--allow-host-only")
    for name, tensor in feeds.items():
        command += ["--shape", f"{name}=" + "x".join(map(str, tensor.shape))]
    found = subprocess.run([*command, "--save-outputs", str(saved)], capture_output=True, text=True)
    if found.returncode != 0:
        raise SystemExit(f"{path}: {found.stderr.strip()}")
    with np.load(saved) as arrays:
        return json.loads(found.stdout), dict(arrays)


def quantised(path, source, target, options, feeds):
    onnx.save(with_scales_per_channel(onnx.load(path)), source)
    quant_pre_process(str(source), str(source), skip_symbolic_shape=True)
    if options is None:
        quantize_dynamic(str(source), str(target), weight_type=QuantType.QUInt8)
    else:
        quantize_static(str(source), str(target), Samples([feeds]), **options)


def said(number, form):
    return "equal" if number is None else format(number, form)


def whole(cli, target, feeds, real, folder):
    """The cells of a row that compares whole networks, and what is wrong with it."""
    theirs = answers(target, feeds)
    report, ours = measured(cli, target, feeds, folder)
    check, steps, share = report["check"], units(onnx.load(target), ours, theirs), report["placement"]["macs_share"]
    wrong = [] if check["bit_exact"] else ["its bytes differ from the host's"]
    wrong += [] if share >= LEAST_SHARE else [f"only {100 * share:.2f} % run on the DLP"]
    return wrong, [
        f"{100 * share:.2f} %",
        f"{report['dlp_cycles']:,}",
        f"{check['bytes']:,}",
        said(decibels(ours, theirs), ".1f"),
        "" if steps is None else f"{steps:.0f}",
        said(decibels(theirs, real), ".1f"),
        said(decibels(ours, real), ".1f"),
    ]


def by_layers(cli, target, feeds, folder):
    """The cells of a row that compares layer by layer, and what is wrong with it."""
    count, total, equal, largest = compared_layers(cli, target, feeds, folder)
    wrong = [] if largest <= 1 else [f"a layer differs by {largest} units"]
    wrong += [] if count else ["it has no layers"]
    return wrong, [str(count), f"{total:,}", f"{100 * equal / max(total, 1):.4f} %", str(largest)]


WHOLE = ["on the DLP", "DLP cycles", "bytes", "beside onnxruntime", "units", "onnxruntime from f32", "ours from f32"]
LAYERS = ["layers", "integers", "equal", "units"]


def table(rows, head):
    lines = [["network", "format", *head], ["---"] * (len(head) + 2), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=pathlib.Path)
    parser.add_argument("--cli", default="target/release/ediacara", help="the command, built with --release")
    given = parser.parse_args()
    rows, layer_rows, wrong = [], [], []
    for path in given.models:
        feeds, network = stored_inputs(path, onnx.load(path)), path.parent.name
        for name, options in FORMATS.items():
            print(f"{network}: {name}", file=sys.stderr)
            with tempfile.TemporaryDirectory() as scratch:
                folder = pathlib.Path(scratch)
                target = folder / f"{network}.onnx"
                quantised(path, folder / "source.onnx", target, options, feeds)
                problems, cells = whole(given.cli, target, feeds, answers(path, feeds), folder)
                rows.append([network, name, *cells])
                if options is not None and not is_recurrent(target):
                    more, cells = by_layers(given.cli, target, feeds, folder)
                    layer_rows.append([network, name, *cells])
                    problems += more
            wrong += [f"{network}, {name}: {problem}" for problem in problems]
    print(table(rows, WHOLE), table(layer_rows, LAYERS), sep="\n\n")
    if wrong:
        raise SystemExit("\n".join(wrong))


def is_recurrent(path):
    return any(node.op_type in RECURRENCES for node in onnx.load(path).graph.node)


if __name__ == "__main__":
    main()
