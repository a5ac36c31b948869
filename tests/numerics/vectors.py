"""Writes test vectors, one JSON object a line: python3 vectors.py SEED COUNT.

Every case has a program in assembly, what the memories hold before it, and what this reference says they hold after it.
Operands are random, with the extremes far more often than chance would have them. crates/sim/tests/numerics.rs runs them.
"""

import json
import random
import struct
import sys
from fractions import Fraction

import float_vectors
import rules
from case import ARAM, DRAM, NRAM, PRAM, WRAM_ROWS, Case, clamps, zero


# Operands.

def multiplier(r):
    return r.choice([r.randrange(2**31), r.randrange(2**30, 2**31), 0, 1, 2**31 - 1, 2**30])


def shift(r):
    return r.choice([r.randrange(1, 63), r.randrange(28, 42), 1, 62])


def region(r, k, of=4, size=NRAM):
    """One of `of` equal parts of a memory, so that operands do not meet: first address, bytes."""
    return k * (size // of), size // of


def rows_and_strides(r, size, length):
    """count_1, count_2, stride_1, stride_2 whose rows of `length` fit `size`, and do not meet."""
    count_1, count_2 = r.randrange(1, 5), r.randrange(1, 4)
    while True:
        stride_1 = length + r.randrange(0, 20)
        stride_2 = count_1 * stride_1 + r.randrange(0, 30)
        if (count_1 - 1) * stride_1 + (count_2 - 1) * stride_2 + length <= size:
            return count_1, count_2, stride_1, stride_2
        count_1, count_2 = max(1, count_1 - 1), max(1, count_2 - 1)


def vector_operands(case, length, names, aram=False):
    """Configures strides; d, a, b in regions of their own."""
    r = case.r
    size = NRAM // 4
    count_1, count_2, *_ = rows_and_strides(r, min(size, ARAM) if aram else size, length)
    strides, operands = {}, {}
    for k, name in enumerate(names):
        first, room = (0, ARAM) if aram and name == "a" else region(r, k)
        s1 = length + r.randrange(0, 9) if name == "d" or r.random() < 0.7 else r.choice([0, 1, length])
        s2 = count_1 * s1 + r.randrange(0, 9) if name == "d" or r.random() < 0.7 else r.choice([0, 2])
        while (count_1 - 1) * s1 + (count_2 - 1) * s2 + length > room:
            count_1, count_2 = max(1, count_1 - 1), max(1, count_2 - 1)
        strides[f"{name}_stride_1"], strides[f"{name}_stride_2"] = s1, s2
        operands[name] = first
    slack = {n: (ARAM if aram and n == "a" else NRAM // 4)
             - (count_1 - 1) * strides[f"{n}_stride_1"] - (count_2 - 1) * strides[f"{n}_stride_2"] - length
             for n in names}
    for name in names:
        operands[name] += r.randrange(0, min(slack[name], 40) + 1)
    case.config(vector=strides)
    return {**operands, "length": length, "count_1": count_1, "count_2": count_2}


def arithmetic(case, **more):
    r = case.r
    low, high = clamps(r)
    case.config(vector={"a_zero": zero(r), "b_zero": zero(r), "d_zero": zero(r), "low": low, "high": high,
                        "a_multiplier": multiplier(r), "b_multiplier": multiplier(r), "shift": shift(r), **more})


def window(case):
    """A small window; returns the elements of a that it adds to a row's reach."""
    r = case.r
    w1, w2 = r.randrange(1, 5), r.randrange(1, 4)
    s1, s2 = r.randrange(0, 20), r.randrange(0, 40)
    case.config(vector={"window_count_1": w1, "window_stride_1": s1, "window_count_2": w2, "window_stride_2": s2})
    return w1, w2, (w1 - 1) * s1 + (w2 - 1) * s2


# One maker a kind of instruction.

def make_dot(r):
    case = Case(r, "dot")
    rows, columns = case.rows, case.columns
    stretch = r.choice([r.randrange(1, 3 * rows + 1), rows, 2 * rows, rows + 1, rows - 1, 1])
    steps = -(-stretch // rows)
    while True:
        wx, wy = r.randrange(1, 4), r.randrange(1, 4)
        blocks = r.randrange(1, 4)
        w_stride = wx * wy * steps + r.randrange(0, 2)
        last_row = (blocks - 1) * w_stride + wx * wy * steps
        if last_row <= WRAM_ROWS:
            break
    px, py = r.randrange(1, 5), r.randrange(1, 4)
    strides = {"x_stride_x": r.randrange(0, 40), "x_stride_y": r.randrange(0, 60), "window_stride_x": r.randrange(0, 40),
               "window_stride_y": r.randrange(0, 60)}
    reach = ((px - 1) * strides["x_stride_x"] + (py - 1) * strides["x_stride_y"] + (wx - 1) * strides["window_stride_x"]
             + (wy - 1) * strides["window_stride_y"] + stretch)
    pixel, block = columns + r.randrange(0, 3), 0
    block = px * py * pixel
    while (px * py - 1) * pixel + (blocks - 1) * block + columns > ARAM:
        px, py, blocks = max(1, px - 1), max(1, py - 1), max(1, blocks - 1)
    last_acc = (px * py - 1) * pixel + (blocks - 1) * block + columns
    case.config(matrix={**strides, "stretch": stretch, "window_count_x": wx, "window_count_y": wy, "w_block_stride": w_stride,
                        "acc_stride_pixel": pixel, "acc_stride_block": block, "x_zero": zero(r), "w_zero": zero(r)})
    w = r.randrange(0, WRAM_ROWS - last_row + 1) * rows * columns
    acc = r.randrange(0, ARAM - last_acc + 1)
    for accumulate in r.choice([[False], [True], [False, True], [True, True]]):
        case.run("dot", x=r.randrange(0, NRAM - reach + 1), w=w, acc=acc, pixels_x=px, pixels_y=py, blocks=blocks,
                 accumulate=accumulate)
    return case


def make_requantise(r):
    case = Case(r, "requantise")
    arithmetic(case)
    length = r.randrange(1, PRAM + 1)
    operands = vector_operands(case, length, ["d", "a"], aram=True)
    case.run("requantise", p=r.randrange(0, PRAM - length + 1), **operands)
    return case


def make_depthwise(r):
    case = Case(r, "depthwise")
    arithmetic(case)
    length = r.randrange(1, PRAM + 1)
    operands = vector_operands(case, length, ["d", "a"])
    w1, w2, _ = window(case)
    stride = r.choice([length, length + 3, 0])
    case.config(vector={"b_window_stride": stride})
    case.run("depthwise", b=NRAM // 2 + r.randrange(0, 64), p=r.randrange(0, PRAM - length + 1), **operands)
    return case


def make_pool(kind):
    def make(r):
        case = Case(r, kind)
        arithmetic(case)
        operands = vector_operands(case, r.randrange(1, 60), ["d", "a"])
        window(case)
        case.run(kind, **operands)
        return case
    return make


def make_binary(kind):
    def make(r):
        case = Case(r, kind)
        arithmetic(case)
        operands = vector_operands(case, r.randrange(1, 100), ["d", "a", "b"])
        if r.random() < 0.2:  # in place
            target = r.choice(["a", "b"])
            operands[target] = operands["d"]
            for k in (1, 2):
                s = case.core.c(f"vector.d_stride_{k}")
                case.config(vector={f"{target}_stride_{k}": s})
        case.run(kind, **operands)
        return case
    return make


def make_table(r):
    case = Case(r, "table")
    case.run("load_table", a=NRAM // 2 + r.randrange(0, 100))
    case.run("table", **vector_operands(case, r.randrange(1, 100), ["d", "a"]))
    return case


def make_copy(r):
    case = Case(r, "copy")
    case.run("copy", **vector_operands(case, r.randrange(1, 100), ["d", "a"]))
    return case


def make_fill(r):
    case = Case(r, "fill")
    operands = vector_operands(case, r.randrange(1, 100), ["d"])
    case.run("fill", value=r.randrange(-128, 128), **operands)
    return case


def make_transpose(r):
    case = Case(r, "transpose")
    length, rows, matrices = r.randrange(1, 20), r.randrange(1, 20), r.randrange(1, 3)
    element = r.choice([1, 2, 4])
    while element * (rows + 5) * length * matrices + 8 > NRAM // 2 or element * (length + 5) * rows * matrices + 8 > NRAM // 2:
        length, rows = max(1, length - 2), max(1, rows - 2)
    case.config(vector={"a_stride_1": length + r.randrange(0, 5), "a_stride_2": rows * (length + 5),
                        "d_stride_1": rows + r.randrange(0, 5), "d_stride_2": length * (rows + 5)})
    size = {"element": element} if element > 1 or r.random() < 0.5 else {}
    case.run("transpose", d=r.randrange(0, 8), a=NRAM // 2 + r.randrange(0, 8), length=length, count_1=rows, count_2=matrices,
             **size)
    return case


def three(r, length, size, unit=1):
    """Counts, strides and reach of a transfer's side."""
    counts = [r.randrange(1, 4) for _ in range(3)]
    strides = [length + r.randrange(0, 8)]
    strides.append(counts[0] * strides[0] + r.randrange(0, 8))
    strides.append(counts[1] * strides[1] + r.randrange(0, 8))
    return counts, strides


def transfer(case, engine, mnemonic, length, source_size, destination_size, unit=1, **more):
    r = case.r
    while True:
        counts, destination = three(r, length // unit, destination_size)
        source = [r.choice([s * unit, r.randrange(0, 60), 0]) for s in destination]
        reach = lambda strides, n: sum((c - 1) * s for c, s in zip(counts, strides)) + n
        if reach(source, length) <= source_size and reach(destination, length // unit) <= destination_size:
            break
        length = max(unit, (length // 2) // unit * unit)
    case.config(**{engine: {**{f"source_stride_{k + 1}": s for k, s in enumerate(source)},
                            **{f"destination_stride_{k + 1}": s for k, s in enumerate(destination)}}})
    base = 1024 if mnemonic == "store" else 0  # the code lies low
    low = r.randrange(0, destination_size - reach(destination, length // unit) + 1)
    case.run(mnemonic, source=r.randrange(0, source_size - reach(source, length) + 1), destination=base + low,
             length=length, count_1=counts[0], count_2=counts[1], count_3=counts[2], **more)
    return case


def make_load(r):
    case = Case(r, "load")
    memory = r.choice(["nram", "wram", "pram"])
    size = {"nram": NRAM, "wram": case.wram, "pram": PRAM}[memory]
    unit = 12 if memory == "pram" else 1
    return transfer(case, "load", "load", unit * r.randrange(1, 60 // unit + 1), DRAM, size, unit, memory=memory)


def make_move(r):
    case = Case(r, "move")
    return transfer(case, "load", "move", r.choice([1, r.randrange(1, 60)]), NRAM, case.wram, memory="wram")


def make_store(r):
    case = Case(r, "store")
    return transfer(case, "store", "store", r.randrange(1, 60), NRAM, DRAM - 1024)


MAKERS = [make_dot, make_requantise, make_depthwise, make_pool("max_pool"), make_pool("average_pool"), make_binary("add"),
          make_binary("multiply"), *map(make_binary, rules.OF_TWO), make_table, make_copy, make_fill, make_transpose, make_load,
          make_move, make_store]


# Host kernels: the same rules over plain rows.

def kernel_case(r):
    n = r.randrange(1, 80)
    byte = r.choice([lambda: r.randrange(-128, 128), lambda: r.choice([-128, -1, 0, 1, 127])])
    x, y = [byte() for _ in range(n)], [byte() for _ in range(n)]
    low, high = clamps(r)
    case = {"x": x, "y": y, "x_zero": zero(r), "y_zero": zero(r), "zero": zero(r), "low": low, "high": high,
            "m": multiplier(r), "n": multiplier(r), "shift": shift(r)}
    g = case
    kernel = r.choice(["q_add", "q_multiply", "q_maximum", "q_table", "q_matmul"])
    if kernel == "q_add":
        out = [rules.add(a, b, g["x_zero"], g["y_zero"], g["m"], g["n"], g["shift"], g["zero"], low, high)
               for a, b in zip(x, y)]
    elif kernel == "q_multiply":
        out = [rules.multiply(a, b, g["x_zero"], g["y_zero"], g["m"], g["shift"], g["zero"], low, high)
               for a, b in zip(x, y)]
    elif kernel == "q_maximum":
        out = [rules.maximum(a, b, low, high) for a, b in zip(x, y)]
    elif kernel == "q_table":
        g["table"] = [byte() for _ in range(256)]
        out = [rules.table(a, g["table"]) for a in x]
    else:
        m, k, o = r.randrange(1, 5), r.randrange(1, 40), r.randrange(1, 5)
        g["sizes"] = [m, o, k]
        g["x"], g["y"] = [byte() for _ in range(m * k)], [byte() for _ in range(o * k)]
        g["bias"] = [r.choice([r.randrange(-2**31, 2**31), r.randrange(-999, 999)]) for _ in range(o)]
        g["multipliers"], g["shifts"] = [multiplier(r) for _ in range(o)], [shift(r) for _ in range(o)]
        out = [rules.requantise(
                   rules.dot(g["x"][i * k : i * k + k], g["y"][c * k : c * k + k], g["x_zero"], g["y_zero"]),
                   g["bias"][c], g["multipliers"][c], g["shifts"][c], g["zero"], low, high)
               for i in range(m) for c in range(o)]
    return {"kernel": kernel, **case, "out": out}


def multiplier_case(r):
    """A ratio as the bits of an f64, with its multiplier and shift, or none."""
    value = r.choice([
        lambda: r.random(), lambda: r.random() * 2.0 ** r.randrange(-200, 40), lambda: 2.0 ** r.randrange(-140, 40),
        lambda: (2**31 - r.choice([0.25, 0.5, 0.75])) * 2.0 ** r.randrange(-100, 5), lambda: 5e-324, lambda: 2.0**30,
        lambda: 2.0**30 * (1 - 2.0**-53), lambda: r.choice([0.5, 1.0, 1 / 3, 2.0**-31])])() or 1.0
    found = rules.quantize_multiplier(Fraction(value))
    return {"ratio_bits": struct.unpack("<Q", struct.pack("<d", value))[0],
            "multiplier": found and found[0], "shift": found and found[1]}


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    for k in range(count):
        r = random.Random(f"{seed}/{k}")
        print(json.dumps(MAKERS[k % len(MAKERS)](r).finish()))
    for k in range(count * 3 // 2):
        r = random.Random(f"{seed}/float/{k}")
        print(json.dumps(float_vectors.MAKERS[k % len(float_vectors.MAKERS)](r).finish()))
    for k in range(count):
        print(json.dumps(kernel_case(random.Random(f"{seed}/kernel/{k}"))))
        print(json.dumps(multiplier_case(random.Random(f"{seed}/multiplier/{k}"))))


if __name__ == "__main__":
    main()
