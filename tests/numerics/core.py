"""What every engine's instruction of docs/isa.md does to the memories, written from that page over plain lists.

A core holds DRAM, NRAM and WRAM as lists of signed bytes, ARAM as signed 32-bit numbers, PRAM as lists of 12 bytes. An
instruction is its mnemonic with a dictionary of operands; addresses are resolved. Float instructions are in float_core.py.
"""

import float_core
import rules

DEFAULTS = {
    **float_core.DEFAULTS,
    "matrix.window_count_x": 1,
    "matrix.window_count_y": 1,
    "vector.window_count_1": 1,
    "vector.window_count_2": 1,
    "vector.shift": 1,
    "vector.low": -128,
    "vector.high": 127,
}


def record(bytes12):
    """bias, multiplier, shift of a record's bytes."""
    raw = bytes(b & 255 for b in bytes12)
    bias = int.from_bytes(raw[0:4], "little", signed=True)
    multiplier = int.from_bytes(raw[4:8], "little", signed=False)
    return bias, multiplier, raw[8]


class Core(float_core.FloatInstructions):
    def __init__(self, rows, columns, dram, nram, wram, aram, pram):
        self.rows, self.columns = rows, columns
        self.dram, self.nram, self.wram, self.aram, self.pram = dram, nram, wram, aram, pram
        self.table = [0] * 256
        self.config = {}

    def c(self, name):
        return self.config.get(name, DEFAULTS.get(name, 0))

    def execute(self, mnemonic, o):
        if mnemonic == "config":
            self.config.update(o)
        else:
            if mnemonic in rules.OF_TWO:
                self.of_two(rules.OF_TWO[mnemonic], **o)
            else:
                getattr(self, "do_" + mnemonic)(**o)

    # Load and store.

    def rows_of(self, engine, source, destination, count_1, count_2, count_3):
        for i3 in range(count_3):
            for i2 in range(count_2):
                for i1 in range(count_1):
                    offset = [
                        i1 * self.c(f"{engine}.{side}_stride_1")
                        + i2 * self.c(f"{engine}.{side}_stride_2")
                        + i3 * self.c(f"{engine}.{side}_stride_3")
                        for side in ("source", "destination")
                    ]
                    yield source + offset[0], destination + offset[1]

    def do_load(self, memory, source, destination, length, count_1=1, count_2=1, count_3=1):
        for s, d in self.rows_of("load", source, destination, count_1, count_2, count_3):
            data = self.dram[s : s + length]
            if memory == "nram":
                self.nram[d : d + length] = data
            elif memory == "wram":
                self.wram[d : d + length] = data
            else:
                for k in range(length // 12):
                    self.pram[d + k] = data[12 * k : 12 * k + 12]

    def do_move(self, memory, source, destination, length, count_1=1, count_2=1, count_3=1):
        for s, d in self.rows_of("load", source, destination, count_1, count_2, count_3):
            self.wram[d : d + length] = self.nram[s : s + length]

    def do_store(self, source, destination, length, count_1=1, count_2=1, count_3=1):
        for s, d in self.rows_of("store", source, destination, count_1, count_2, count_3):
            self.dram[d : d + length] = self.nram[s : s + length]

    # Matrix.

    def do_dot(self, x, w, acc, pixels_x=1, pixels_y=1, blocks=1, accumulate=False):
        m = {name: self.c("matrix." + name) for name in (
            "x_stride_x", "x_stride_y", "stretch", "window_count_x", "window_stride_x", "window_count_y",
            "window_stride_y", "w_block_stride", "acc_stride_pixel", "acc_stride_block", "x_zero", "w_zero")}
        rows, columns, stretch = self.rows, self.columns, m["stretch"]
        steps = -(-stretch // rows)
        for block in range(blocks):
            for py in range(pixels_y):
                for px in range(pixels_x):
                    sums = [0] * columns
                    for wy in range(m["window_count_y"]):
                        for wx in range(m["window_count_x"]):
                            for step in range(steps):
                                row = (w // (rows * columns) + block * m["w_block_stride"]
                                       + (wy * m["window_count_x"] + wx) * steps + step)
                                for r in range(rows):
                                    if step * rows + r >= stretch:
                                        continue
                                    at = (x + py * m["x_stride_y"] + px * m["x_stride_x"]
                                          + wy * m["window_stride_y"] + wx * m["window_stride_x"] + step * rows + r)
                                    value = self.nram[at] - m["x_zero"]
                                    for c in range(columns):
                                        weight = self.wram[row * rows * columns + c * rows + r]
                                        sums[c] += value * (weight - m["w_zero"])
                    a = acc + (py * pixels_x + px) * m["acc_stride_pixel"] + block * m["acc_stride_block"]
                    for c in range(columns):
                        old = self.aram[a + c] if accumulate else 0
                        self.aram[a + c] = rules.wrap32(old + sums[c])

    # Vector.

    def vector_rows(self, d, count_1, count_2, **sources):
        """Addresses of d and of every source, row by row."""
        for i2 in range(count_2):
            for i1 in range(count_1):
                yield d + self.step("d", i1, i2), {k: v + self.step(k, i1, i2) for k, v in sources.items()}

    def step(self, operand, i1, i2):
        return i1 * self.c(f"vector.{operand}_stride_1") + i2 * self.c(f"vector.{operand}_stride_2")

    def window(self):
        """Offsets in a, by window position."""
        return [w2 * self.c("vector.window_stride_2") + w1 * self.c("vector.window_stride_1")
                for w2 in range(self.c("vector.window_count_2"))
                for w1 in range(self.c("vector.window_count_1"))]

    def clamps(self):
        return self.c("vector.low"), self.c("vector.high")

    def do_fill(self, d, value, length, count_1=1, count_2=1):
        for to, _ in self.vector_rows(d, count_1, count_2):
            self.nram[to : to + length] = [value] * length

    def elementwise(self, d, a, length, count_1, count_2, f):
        for to, at in self.vector_rows(d, count_1, count_2, a=a):
            self.nram[to : to + length] = [f(self.nram[at["a"] + j], j) for j in range(length)]

    def do_copy(self, d, a, length, count_1=1, count_2=1):
        self.elementwise(d, a, length, count_1, count_2, lambda x, j: x)

    def do_table(self, d, a, length, count_1=1, count_2=1):
        self.elementwise(d, a, length, count_1, count_2, lambda x, j: rules.table(x, self.table))

    def do_load_table(self, a):
        self.table = self.nram[a : a + 256]

    def do_requantise(self, d, a, p, length, count_1=1, count_2=1):
        for to, at in self.vector_rows(d, count_1, count_2, a=a):
            for j in range(length):
                self.nram[to + j] = rules.requantise(
                    self.aram[at["a"] + j], *record(self.pram[p + j]), self.c("vector.d_zero"), *self.clamps())

    def do_depthwise(self, d, a, b, p, length, count_1=1, count_2=1):
        for to, at in self.vector_rows(d, count_1, count_2, a=a):
            row = []
            for j in range(length):
                xs = [self.nram[at["a"] + offset + j] for offset in self.window()]
                ws = [self.nram[b + k * self.c("vector.b_window_stride") + j] for k in range(len(xs))]
                total = rules.dot(xs, ws, self.c("vector.a_zero"), self.c("vector.b_zero"))
                row.append(rules.requantise(total, *record(self.pram[p + j]), self.c("vector.d_zero"), *self.clamps()))
            self.nram[to : to + length] = row

    def windowed(self, d, a, length, count_1, count_2, f):
        for to, at in self.vector_rows(d, count_1, count_2, a=a):
            self.nram[to : to + length] = [
                f([self.nram[at["a"] + offset + j] for offset in self.window()]) for j in range(length)]

    def do_max_pool(self, d, a, length, count_1=1, count_2=1):
        self.windowed(d, a, length, count_1, count_2, lambda xs: rules.max_pool(xs, *self.clamps()))

    def do_average_pool(self, d, a, length, count_1=1, count_2=1):
        c = self.c
        self.windowed(d, a, length, count_1, count_2, lambda xs: rules.average(
            xs, c("vector.a_zero"), c("vector.a_multiplier"), c("vector.shift"), c("vector.d_zero"), *self.clamps()))

    def binary(self, d, a, b, length, count_1, count_2, f):
        for to, at in self.vector_rows(d, count_1, count_2, a=a, b=b):
            self.nram[to : to + length] = [
                f(self.nram[at["a"] + j], self.nram[at["b"] + j]) for j in range(length)]

    def do_add(self, d, a, b, length, count_1=1, count_2=1):
        c = self.c
        self.binary(d, a, b, length, count_1, count_2, lambda x, y: rules.add(
            x, y, c("vector.a_zero"), c("vector.b_zero"), c("vector.a_multiplier"), c("vector.b_multiplier"),
            c("vector.shift"), c("vector.d_zero"), *self.clamps()))

    def do_multiply(self, d, a, b, length, count_1=1, count_2=1):
        c = self.c
        self.binary(d, a, b, length, count_1, count_2, lambda x, y: rules.multiply(
            x, y, c("vector.a_zero"), c("vector.b_zero"), c("vector.a_multiplier"), c("vector.shift"),
            c("vector.d_zero"), *self.clamps()))

    def of_two(self, rule, d, a, b, length, count_1=1, count_2=1):
        self.binary(d, a, b, length, count_1, count_2, lambda x, y: rule(x, y, *self.clamps()))

    def do_transpose(self, d, a, length, count_1=1, count_2=1, element=1):
        for i2 in range(count_2):
            for i1 in range(count_1):
                for j in range(length):
                    to = d + element * (j * self.c("vector.d_stride_1") + i2 * self.c("vector.d_stride_2") + i1)
                    at = a + element * (self.step("a", i1, i2) + j)
                    self.nram[to : to + element] = self.nram[at : at + element]
