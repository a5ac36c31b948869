#!/usr/bin/env python3
"""Trains, quantises and writes the weights of lenet.dlpasm.

    python3 examples/lenet_train.py          # needs numpy; about a minute

The network is LeNet-5's body with one fully connected layer: conv 5x5 to 6 channels (padding 2), ReLU, max pool 2x2, conv 5x5 to 16 channels, ReLU, max pool
2x2, fully connected to 10. Data are the 1,797 digits of assets/digits (8 x 8 pixels, values 0 to 16), enlarged to 28 x 28 by taking the nearest pixel: the first 1,500
train, the others test. The arithmetic of the integers is docs/numerics.md; their layout in memory is that of `dot` in docs/isa.md.

Seeded, but the last bits of a product depend on the BLAS library that numpy uses. The file in the repository was made with numpy 2.4.6.
"""

import csv
import gzip
import math
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
TRAIN = 1500
ROWS, COLUMNS = 16, 16  # of dlp16's array


def read_digits():
    with gzip.open(HERE / "../assets/digits/digits.csv.gz", "rt") as file:
        table = np.array([[int(v) for v in row] for row in csv.reader(file)])
    nearest = np.arange(28) * 8 // 28
    images = table[:, :64].reshape(-1, 8, 8)[:, nearest][:, :, nearest]
    pixels = np.minimum(images * 16, 255)  # as a camera would give them
    return pixels[..., None], table[:, 64]


def windows(x, size):
    """[n, h, w, c] -> [n, oh, ow, size * size * c]"""
    view = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    n, oh, ow = view.shape[:3]
    return np.ascontiguousarray(view.transpose(0, 1, 2, 4, 5, 3)).reshape(n, oh, ow, -1)


def pad(x, frame):
    return np.pad(x, ((0, 0), (frame, frame), (frame, frame), (0, 0)))


def pool(x):
    n, h, w, c = x.shape
    return x.reshape(n, h // 2, 2, w // 2, 2, c).max(axis=(2, 4))


def pool_backward(x, y, gradient):
    n, h, w, c = x.shape
    blocks = x.reshape(n, h // 2, 2, w // 2, 2, c)
    hit = blocks == y[:, :, None, :, None]
    return (hit * gradient[:, :, None, :, None]).reshape(x.shape)


def forward(p, x):
    """x is real, [n, 28, 28, 1]; keeps what the gradients need."""
    k1 = windows(pad(x, 2), 5)
    a1 = np.maximum(k1 @ p["w1"] + p["b1"], 0)
    p1 = pool(a1)
    k2 = windows(p1, 5)
    a2 = np.maximum(k2 @ p["w2"] + p["b2"], 0)
    p2 = pool(a2)
    return k1, a1, p1, k2, a2, p2, p2.reshape(len(x), -1) @ p["w3"] + p["b3"]


def gradients(p, x, labels):
    k1, a1, p1, k2, a2, p2, scores = forward(p, x)
    n = len(x)
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    d3 = e / e.sum(axis=1, keepdims=True)
    d3[np.arange(n), labels] -= 1
    d3 /= n
    g = {"w3": p2.reshape(n, -1).T @ d3, "b3": d3.sum(axis=0)}
    d2 = pool_backward(a2, p2, (d3 @ p["w3"].T).reshape(p2.shape)) * (a2 > 0)
    g["w2"] = k2.reshape(-1, k2.shape[-1]).T @ d2.reshape(-1, 16)
    g["b2"] = d2.sum(axis=(0, 1, 2))
    dk = (d2 @ p["w2"].T).reshape(n, 10, 10, 5, 5, 6)
    dp = np.zeros_like(p1)
    for y in range(5):
        for z in range(5):
            dp[:, y : y + 10, z : z + 10] += dk[:, :, :, y, z]
    d1 = pool_backward(a1, p1, dp) * (a1 > 0)
    g["w1"] = k1.reshape(-1, 25).T @ d1.reshape(-1, 6)
    g["b1"] = d1.sum(axis=(0, 1, 2))
    return g


def train(images, labels, seed=7, epochs=30, batch=50):
    random = np.random.default_rng(seed)
    p = {}
    for i, (inputs, outputs) in enumerate([(25, 6), (150, 16), (400, 10)], 1):
        p[f"w{i}"] = (random.standard_normal((inputs, outputs)) * math.sqrt(2 / inputs)).astype(np.float32)
        p[f"b{i}"] = np.zeros(outputs, np.float32)
    speed = {name: np.zeros_like(value) for name, value in p.items()}
    for epoch in range(epochs):
        rate = 0.05 * 0.9**epoch
        order = random.permutation(len(images))
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            # Each batch is moved by up to three pixels, since the writers of the test digits are others.
            moved = np.roll(images[chosen], random.integers(-3, 4, size=2), axis=(1, 2))
            for name, g in gradients(p, moved, labels[chosen]).items():
                speed[name] = 0.9 * speed[name] - rate * g
                p[name] += speed[name]
    return p


def multiplier(r):
    """N-MULTIPLIER"""
    f, e = math.frexp(r)
    m = math.floor(f * 2**31 + 0.5)
    if m == 2**31:
        m, e = 2**30, e + 1
    assert 1 <= 31 - e <= 62
    return m, 31 - e


def quantise(p, images):
    """Weights i8 with a scale a channel, activations with zero point -128 (nothing below zero survives ReLU)."""
    _, a1, _, _, a2, _, scores = forward(p, images)
    low, high = min(scores.min(), 0), max(scores.max(), 0)
    score_scale = float(high - low) / 255
    score_zero = int(round(-128 - low / score_scale))
    scales = [1 / 255, float(a1.max()) / 255, float(a2.max()) / 255, score_scale]
    layers = []
    for i in (1, 2, 3):
        w, b = p[f"w{i}"].astype(np.float64), p[f"b{i}"].astype(np.float64)
        w_scale = np.abs(w).max(axis=0) / 127
        weights = np.rint(w / w_scale).astype(int)
        bias = np.rint(b / (scales[i - 1] * w_scale)).astype(int)
        records = [(int(bias[c]), *multiplier(scales[i - 1] * w_scale[c] / scales[i])) for c in range(len(b))]
        layers.append((weights, records))
    return layers, score_scale, score_zero


def dot_layout(weights, stretch):
    """[stretch and position in it][column] -> bytes of WRAM rows [stretch][step][column][row], zero where the array has no work."""
    out = bytearray()
    for first in range(0, len(weights), stretch):
        for step in range(0, stretch, ROWS):
            piece = np.zeros((COLUMNS, ROWS), np.int8)
            part = weights[first + step : first + min(step + ROWS, stretch)]
            piece[: part.shape[1], : part.shape[0]] = part.T
            out += piece.tobytes()
    return bytes(out)


def hex_lines(data):
    for start in range(0, len(data), 32):
        yield f'        .hex "{data[start : start + 32].hex()}"'


def main():
    pixels, labels = read_digits()
    real = (pixels / 255).astype(np.float32)
    p = train(real[:TRAIN], labels[:TRAIN])
    right = (forward(p, real[TRAIN:])[-1].argmax(axis=1) == labels[TRAIN:]).mean()
    print(f"in floating point {100 * right:.1f} % of the test digits are right")
    layers, score_scale, score_zero = quantise(p, real[:TRAIN])
    sample = TRAIN
    lines = [
        "// The weights of lenet.dlpasm, written by lenet_train.py.",
        "",
        f".equ SCORE_ZERO, {score_zero}",
        f".output scores, SCORES, [1, 10], scale={np.float32(score_scale)}, zero=SCORE_ZERO, permutation=[0, 1]",
        "",
        f"// Digit {sample} of assets/digits, a {labels[sample]}: what the program looks at if nobody gives it another.",
        ".data IMAGE",
        *hex_lines((pixels[sample] - 128).astype(np.int8).tobytes()),
    ]
    names = ["conv1: five stretches of 5 taps, 6 of 16 columns", "conv2: five stretches of 5 x 6 taps in two steps", "fully connected: one stretch of 400 taps in 25 steps"]
    for i, (stretch, name) in enumerate(zip((5, 30, 400), names), 1):
        lines += ["", f"// {name}", f".data WEIGHTS{i}", *hex_lines(dot_layout(layers[i - 1][0], stretch))]
    lines += ["", "// bias, multiplier, shift of every channel of the three layers", ".data RECORDS"]
    for _, records in layers:
        lines += [f"        .record {b}, {m}, {s}" for b, m, s in records]
    (HERE / "lenet_weights.dlpasm").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
