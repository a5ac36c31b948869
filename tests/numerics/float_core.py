"""What the float instructions of docs/isa.md do to the memories, written from that page ("Matrix engine", "Float instructions").

`core.Core` inherits them. Types are their names in assembly; scales and the constant are the bits of an f32.
"""

import floats

DEFAULTS = {
    **{f"vector.{operand}_type": "f32" for operand in "abd"},
    "matrix.type": "f32",
    **{f"vector.{scale}": 0x3F800000 for scale in ("a_scale", "b_scale", "d_inverse_scale")},
}


def unsigned(signed_bytes):
    """The number whose little-endian bytes are these."""
    return int.from_bytes(bytes(b & 255 for b in signed_bytes), "little")


class FloatInstructions:
    """Needs the memories, `c`, `step` and `window` of a core."""

    def real(self, register):
        return floats.F32.decode(self.c("vector." + register))

    # Operands.

    def read_nram(self, operand, at, length):
        """Numbers of a row of a, b or d that lies at this byte."""
        type_ = self.c(f"vector.{operand}_type")
        size = floats.SIZES[type_]
        assert type_ != "i32"
        row = self.nram[at : at + size * length]
        assert len(row) == size * length
        if type_ == "i8":
            zero, scale = self.c(f"vector.{operand}_zero"), self.real(f"{operand}_scale")
            return [floats.read_i8(q, zero, scale) for q in row]
        return [floats.FORMATS[type_].decode(unsigned(row[k : k + size])) for k in range(0, len(row), size)]

    def float_record(self, index):
        """Bits of the bias, and the scale."""
        raw = self.pram[index]
        return unsigned(raw[0:4]), floats.F32.decode(unsigned(raw[4:8]))

    def read_aram(self, at, length, p):
        """Numbers of a row of accumulators; p is the first record, or None."""
        type_, scale = self.c("vector.a_type"), self.real("a_scale")
        row = [value & 0xFFFFFFFF for value in self.aram[at : at + length]]
        assert len(row) == length
        if p is None:
            return [floats.read_accumulator(type_, bits, scale) for bits in row]
        return [floats.read_with_record(type_, bits, *self.float_record(p + j)) for j, bits in enumerate(row)]

    def address(self, operand, base, i1, i2, offset=0):
        """Strides and offsets count the operand's own elements."""
        size = floats.SIZES[self.c(f"vector.{operand}_type")]
        return base + size * (self.step(operand, i1, i2) + offset)

    def write_row(self, d, i1, i2, values):
        """Numbers to a row of d; None leaves an element as it is."""
        type_ = self.c("vector.d_type")
        size = floats.SIZES[type_]
        at = self.address("d", d, i1, i2)
        for j, value in enumerate(values):
            if value is None:
                continue
            if type_ == "i8":
                self.nram[at + j] = floats.write_i8(
                    value, self.real("d_inverse_scale"), self.c("vector.d_zero"), *self.clamps())
                continue
            raw = floats.FORMATS[type_].encode(value).to_bytes(size, "little")
            self.nram[at + size * j : at + size * (j + 1)] = [b - 256 if b > 127 else b for b in raw]

    # Rows.

    def float_rows(self, combine, d, length, a=None, b=None, memory="nram", records=False, p=0, scalar=False,
                   constant=False, two=True, count_1=1, count_2=1):
        """combine(row of a, row of b) is a row of d. `two` says whether the instruction has a b."""
        for i2 in range(count_2):
            for i1 in range(count_1):
                if a is None:
                    xs = None
                elif memory == "aram":
                    xs = self.read_aram(a + self.step("a", i1, i2), length, p if records else None)
                else:
                    xs = self.read_nram("a", self.address("a", a, i1, i2), length)
                if not two:
                    ys = None
                elif constant:
                    ys = [self.real("constant")] * length
                else:
                    at = self.address("b", b, i1, i2)
                    ys = self.read_nram("b", at, 1) * length if scalar else self.read_nram("b", at, length)
                self.write_row(d, i1, i2, combine(xs, ys))

    def do_float_fill(self, d, length, **counts):
        self.float_rows(lambda xs, ys: [self.real("constant")] * length, d, length, two=False, **counts)

    def unary(self, f, operands):
        self.float_rows(lambda xs, ys: [f(x) for x in xs], two=False, **operands)

    def pair(self, f, operands):
        self.float_rows(lambda xs, ys: [f(x, y) for x, y in zip(xs, ys, strict=True)], **operands)

    def do_float_copy(self, **o):
        self.unary(lambda x: x, o)

    def do_float_scale(self, p, length, **o):
        records = [self.float_record(p + j) for j in range(length)]
        self.float_rows(lambda xs, ys: [
            floats.scaled(x, scale, floats.F32.decode(bias)) for x, (bias, scale) in zip(xs, records, strict=True)
        ], length=length, two=False, **o)

    def do_float_add(self, **o):
        self.pair(floats.add, o)

    def do_float_subtract(self, **o):
        self.pair(floats.subtract, o)

    def do_float_multiply(self, **o):
        self.pair(floats.multiply, o)

    def do_float_maximum(self, **o):
        self.pair(floats.maximum, o)

    def do_float_minimum(self, **o):
        self.pair(floats.minimum, o)

    def do_float_compare(self, relation, **o):
        self.pair(lambda x, y: floats.compare(relation, x, y), o)

    def do_float_select(self, **o):
        self.pair(lambda x, y: None if floats.is_zero(x) else y, o)

    def do_float_exp2(self, **o):
        self.pair(lambda x, y: floats.exp2(floats.subtract(x, y)), o)

    def do_float_log2(self, **o):
        self.unary(floats.log2, o)

    def do_float_reciprocal(self, **o):
        self.unary(floats.reciprocal, o)

    def do_float_reciprocal_root(self, **o):
        self.unary(floats.reciprocal_root, o)

    def do_float_root(self, **o):
        self.unary(floats.root, o)

    def do_float_row_sum(self, **o):
        self.float_rows(lambda xs, ys: [floats.row_sum(xs)], two=False, **o)

    def do_float_row_dot(self, **o):
        self.float_rows(lambda xs, ys: [floats.row_dot(xs, ys)], **o)

    def do_float_row_maximum(self, **o):
        self.float_rows(lambda xs, ys: [floats.largest(xs)], two=False, **o)

    # Matrix.

    def matrix_elements(self, memory, at, count):
        """Numbers of the type in matrix.type from a byte on."""
        f = floats.FORMATS[self.c("matrix.type")]
        row = memory[at : at + f.bytes * count]
        assert len(row) == f.bytes * count
        return [f.decode(unsigned(row[k : k + f.bytes])) for k in range(0, len(row), f.bytes)]

    def do_float_dot(self, x, w, acc, pixels_x=1, pixels_y=1, blocks=1, accumulate=False):
        m = lambda name: self.c("matrix." + name)
        size = floats.SIZES[m("type")]
        assert m("stretch") % size == 0
        lanes, steps = self.rows // size, -(-m("stretch") // self.rows)
        for block in range(blocks):
            for pixel in range(pixels_x * pixels_y):
                window = x + pixel // pixels_x * m("x_stride_y") + pixel % pixels_x * m("x_stride_x")
                a = acc + pixel * m("acc_stride_pixel") + block * m("acc_stride_block")
                for column in range(self.columns):
                    total = floats.F32.decode(self.aram[a + column] & 0xFFFFFFFF) if accumulate else floats.ZERO
                    row = w // (self.rows * self.columns) + block * m("w_block_stride")
                    for wy in range(m("window_count_y")):
                        for wx in range(m("window_count_x")):
                            stretch = window + wy * m("window_stride_y") + wx * m("window_stride_x")
                            for step in range(steps):
                                left = min((m("stretch") - step * self.rows) // size, lanes)
                                xs = self.matrix_elements(self.nram, stretch + step * self.rows, left)
                                ws = self.matrix_elements(
                                    self.wram, (row * self.columns + column) * self.rows, left)
                                total = floats.dot_beat(total, xs, ws, lanes)
                                row += 1
                    bits = floats.F32.encode(total)
                    self.aram[a + column] = bits - 2**32 if bits >> 31 else bits

    # Windows.

    def float_windows(self, combine, d, a, length, b=None, moves=False, accumulate=False, count_1=1, count_2=1):
        """combine(elements of a, of b, of d) is an element of d; those of a and b go by window position."""
        b_stride = self.c("vector.b_window_stride")
        for i2 in range(count_2):
            for i1 in range(count_1):
                xs = [self.read_nram("a", self.address("a", a, i1, i2, offset), length) for offset in self.window()]
                rows = (i1, i2) if moves else (0, 0)
                ys = xs if b is None else [
                    self.read_nram("b", self.address("b", b, *rows, k * b_stride), length) for k in range(len(xs))]
                held = [floats.ZERO] * length
                if accumulate:
                    assert self.c("vector.d_type") != "i8"
                    held = self.read_nram("d", self.address("d", d, i1, i2), length)
                self.write_row(d, i1, i2, [
                    combine([x[j] for x in xs], [y[j] for y in ys], held[j]) for j in range(length)])

    def do_float_window_sum(self, **o):
        self.float_windows(lambda xs, ys, held: floats.window_sum(xs, held), **o)

    def do_float_window_dot(self, **o):
        self.float_windows(lambda xs, ys, held: floats.window_dot(xs, ys), **o)

    def do_float_window_maximum(self, **o):
        self.float_windows(lambda xs, ys, held: floats.largest(xs), **o)
