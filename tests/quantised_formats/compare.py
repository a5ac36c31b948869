"""Files that onnxruntime quantised in each of its ways: what the DLP runs of them, and how near its answers are to onnxruntime's.

    pip install onnx onnxruntime numpy
    python benches/quantised_formats.py MODEL/model.onnx ...

Beside each file is `test_data_set_0/input_*.pb`, as ONNX keeps its own tests. Each network is quantised by
`quantize_static` per tensor, per channel and as operators, and by `quantize_dynamic`. A row says

- the share of the multiply-adds on the DLP, its cycles, and the bytes that it wrote, which all equal the host's int8;
- the answers beside those of onnxruntime on the same file: decibels, and the largest difference in units of the answer's
  own scale, where it has one;
- how far both are from the network in f32.

With `--layers` each layer of the static formats is run alone, on the integers that onnxruntime gave it. A row then says how
many layers and integers were compared, how many of these are equal, and the largest difference in units.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np
import onnx
import onnx.version_converter
import onnxruntime
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

# Weights of 7 bits: onnxruntime adds pairs of products in 16 bits on processors without VNNI, which saturate.
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
    """The cells of a row that compares whole networks."""
    theirs = answers(target, feeds)
    report, ours = measured(cli, target, feeds, folder)
    check, steps = report["check"], units(onnx.load(target), ours, theirs)
    return [
        f"{100 * report['placement']['macs_share']:.2f} %",
        f"{report['dlp_cycles']:,}",
        f"{check['bytes']:,}" if check["bit_exact"] else "DIFFERENT",
        said(decibels(ours, theirs), ".1f"),
        "" if steps is None else f"{steps:.0f}",
        said(decibels(theirs, real), ".1f"),
        said(decibels(ours, real), ".1f"),
    ]


WHOLE = ["on the DLP", "DLP cycles", "bytes", "beside onnxruntime", "units", "onnxruntime from f32", "ours from f32"]
LAYERS = ["layers", "integers", "equal", "units"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=pathlib.Path)
    parser.add_argument("--cli", default="target/release/ediacara", help="the command, built with --release")
    parser.add_argument("--layers", action="store_true", help="compare layer by layer")
    given = parser.parse_args()
    head = ["network", "format", *(LAYERS if given.layers else WHOLE)]
    print(f"| {' | '.join(head)} |")
    print(f"| {' | '.join(['---'] * len(head))} |")
    for path in given.models:
        feeds = stored_inputs(path, onnx.load(path))
        for name, options in FORMATS.items():
            if given.layers and options is None:
                continue
            with tempfile.TemporaryDirectory() as scratch:
                folder = pathlib.Path(scratch)
                target = folder / f"{path.parent.name}.onnx"
                quantised(path, folder / "source.onnx", target, options, feeds)
                if given.layers:
                    count, total, equal, largest = compared_layers(given.cli, target, feeds, folder)
                    cells = [str(count), f"{total:,}", f"{100 * equal / max(total, 1):.4f} %", str(largest)]
                else:
                    cells = whole(given.cli, target, feeds, answers(path, feeds), folder)
            print(f"| {' | '.join([path.parent.name, name, *cells])} |", flush=True)


if __name__ == "__main__":
    main()
