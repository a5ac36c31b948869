"""Static int8 quantisation of a text detector: ours beside onnxruntime's, on the same photos.

Decibels of signal over noise (SQNR) of the map of probabilities against onnxruntime's f32, over all test photos together:

    pip download rapidocr-onnxruntime==1.4.4 --no-deps && unzip -o rapidocr_onnxruntime-*.whl
    pip install onnx onnxruntime numpy pillow
    python benches/text_detector.py rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx PHOTOS

`PHOTOS` is a folder of JPEG files. Each split calibrates on eight of them and tests on eight others.
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
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from PIL import Image

SIDE = 640
COUNT = 8


def preprocessed(path):
    """A photo as RapidOCR feeds it: BGR, from -1 to 1, `[1, 3, SIDE, SIDE]`."""
    photo = Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.BILINEAR)
    pixels = np.asarray(photo, np.float32)[:, :, ::-1] / 255
    return np.ascontiguousarray(((pixels - 0.5) / 0.5).transpose(2, 0, 1)[None])


class Samples(CalibrationDataReader):
    def __init__(self, name, samples):
        self.feeds = iter([{name: sample} for sample in samples])

    def get_next(self):
        return next(self.feeds, None)


def session(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def answers(path, inputs):
    model = session(path)
    name = model.get_inputs()[0].name
    return [model.run(None, {name: tensor})[0] for tensor in inputs]


def decibels(found, expected):
    signal = sum(float((right.astype(np.float64) ** 2).sum()) for right in expected)
    noise = sum(float(((one - right).astype(np.float64) ** 2).sum()) for one, right in zip(found, expected))
    return 10 * np.log10(signal / noise)


def theirs(model, samples, tests, folder, per_channel):
    newer, ready, quantised = folder / "newer.onnx", folder / "ready.onnx", folder / "quantised.onnx"
    # A scale a channel needs operator set 13; the file has 12.
    onnx.save(onnx.version_converter.convert_version(onnx.load(model), 13), newer)
    quant_pre_process(str(newer), str(ready), skip_symbolic_shape=True)
    name = session(model).get_inputs()[0].name
    quantize_static(
        str(ready),
        str(quantised),
        Samples(name, samples),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        per_channel=per_channel,
    )
    return answers(quantised, tests)


def ours(command, model, samples, tests, folder):
    found = []
    calibrate = []
    for number, sample in enumerate(samples):
        path = folder / f"sample{number}.npy"
        np.save(path, sample)
        calibrate += ["--calibrate", str(path)]
    for number, tensor in enumerate(tests):
        path, outputs = folder / f"test{number}.npy", folder / f"outputs{number}.npz"
        np.save(path, tensor)
        shape = "x".join(map(str, tensor.shape))
        name = session(model).get_inputs()[0].name
        arguments = [command, "run", str(model), "--shape", f"{name}={shape}", "--input", str(path), *calibrate]
        report = subprocess.run(
            [*arguments, "--json", "--save-outputs", str(outputs)], check=True, capture_output=True, text=True
        )
        assert json.loads(report.stdout)["check"]["bit_exact"]
        [output] = np.load(outputs).values()
        found.append(output)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("photos", type=pathlib.Path)
    parser.add_argument("--ediacara", default="target/release/ediacara", help="the command to measure")
    parser.add_argument("--tests", type=int, default=8, help="test photos of each split")
    arguments = parser.parse_args()
    photos = sorted(path for path in arguments.photos.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    splits = {"the first eight": photos[:COUNT], "every fourth of the first 32": photos[:32:4]}
    print("| calibrated on | onnxruntime | onnxruntime, a scale a channel | ediacara |\n| --- | --- | --- | --- |")
    for name, calibration in splits.items():
        rest = [photo for photo in photos if photo not in calibration]
        tests = [preprocessed(photo) for photo in rest[:: len(rest) // arguments.tests][: arguments.tests]]
        samples = [preprocessed(photo) for photo in calibration]
        expected = answers(arguments.model, tests)
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            found = [theirs(arguments.model, samples, tests, folder, per_channel) for per_channel in (False, True)]
            found.append(ours(arguments.ediacara, arguments.model, samples, tests, folder))
        print(f"| {name} | " + " | ".join(f"{decibels(one, expected):.1f} dB" for one in found) + " |", flush=True)


if __name__ == "__main__":
    main()
