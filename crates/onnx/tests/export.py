"""Runs exported models with onnxruntime: python export.py FOLDER

For each NAME.onnx of the folder, feeds the tensors of NAME.inputs.npz by name, and compares the outputs, in order, with
0, 1, ... of NAME.outputs.npz. Prints one line a model that differs, and last how many were compared and how many
onnxruntime has no kernels for.
"""

import pathlib
import sys

import numpy
import onnxruntime

onnxruntime.set_default_logger_severity(4)
compared = missing = 0
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
    inputs = dict(numpy.load(path.with_suffix(".inputs.npz")))
    expected = numpy.load(path.with_suffix(".outputs.npz"))
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented:
        missing += 1
        continue
    except Exception as error:
        print(f"{path.stem}: refused: {error}")
        continue
    found = session.run(None, inputs)
    compared += 1
    for index, output in enumerate(found):
        try:
            numpy.testing.assert_allclose(output, expected[str(index)], rtol=1e-3, atol=1e-5)
        except AssertionError as error:
            print(f"{path.stem}: output {index}: {' '.join(str(error).split())}")
print(f"{compared} compared, {missing} without kernels")
