"""Cases of the float instructions, of the vector engine and of the matrix engine: operands of every type, with values that round, cancel, overflow and vanish."""

import struct

from case import Case, clamps, zero
from floats import BF16, F16, F32, FORMATS, SIZES

NRAM, ARAM, PRAM = 4096, 256, 80
# Bytes of NRAM for each operand.
REGION = NRAM // 4
OPERANDS = {"d": 0, "a": REGION, "b": 2 * REGION}
STORED = ["i8", "f16", "bf16", "f32", "f32"]
# Rows of them, at most, so that a case stays small.
MOST_ELEMENTS = 240


# Values, as bits of a format.

def bits_of(f, sign, exponent, fraction):
    """Of a normal number; an exponent beyond the range gives a number at its end."""
    field = min(max(exponent + f.bias, 0), 2 * f.bias)
    return sign << (8 * f.bytes - 1) | field << f.fraction_bits | fraction


def specials(f):
    """What is at the ends and borders of the format, of either sign."""
    one, infinity = f.bias << f.fraction_bits, (2 * f.bias + 1) << f.fraction_bits
    normal = 1 << f.fraction_bits
    found = [0, 0, 0, 1, normal - 1, normal // 2, normal, normal + 1, infinity - 1, infinity - 2, infinity, infinity,
             infinity | 1, infinity | normal // 2, infinity | normal - 1, infinity | normal // 2 | 5, one, one + 1, one - 1]
    if f is F32:
        # Around the ends of f16 and bf16, and where their subnormals round.
        found += [0x477FE000, 0x477FEFFF, 0x477FF000, 0x47800000, 0x7F7F7FFF, 0x7F7F8000, 0x7F7F0000, 0x33000000, 0x33000001,
                  0x33800000, 0x33C00000, 0x387FC000, 0x387FE000, 0x387FF000, 0x38800000, 0x00808000, 0x00807FFF]
    top = 1 << (8 * f.bytes - 1)
    return [sign | bits for bits in found for sign in (0, top)]


SPECIALS = {f: specials(f) for f in (F32, F16, BF16)}


class Values:
    """Draws what an operand holds; the two operands of an instruction share the centre of their exponents."""

    CALM = ["like", "like", "unlike", "short", "sparse", "tie", "halves", "near_one"]
    FLAVOURS = CALM + ["any", "special", "zeros", "brink"]

    def __init__(self, r, mnemonic):
        self.r = r
        self.centre = r.choice([0, 0, 0, r.randrange(-130, 128), -63, -126, 63, 126, -14, 15])
        # One NaN decides a sum, so that most sums are of ordinary numbers.
        gathers = mnemonic.startswith(("float_row", "float_window", "float_dot"))
        is_calm = gathers and r.random() < 0.75
        self.flavours = [r.choice(self.CALM if is_calm else self.FLAVOURS) for _ in range(r.randrange(1, 4))]
        if gathers and r.random() < 0.1:
            self.flavours = [r.choice(["zeros", "minus_zero"])]
        if mnemonic == "float_exp2":
            self.flavours = [r.choice(["powers", "powers", "halves", "like", "special"])] + self.flavours[:1]
        if mnemonic.endswith(("multiply", "scale", "dot")) and r.random() < 0.2:
            self.flavours = ["brink"]
        self.special = 0 if is_calm else r.choice([0, 0, 0.03, 0.2])

    def round_to_halves(self):
        """Numbers and a scale whose products lie between integers; returns the bits of the scale."""
        self.flavours, self.special = ["halves"], 0
        return bits_of(F32, self.r.getrandbits(1), self.r.choice([0, 0, -1, 1]), 0)

    def real(self, f):
        r = self.r
        if r.random() < self.special:
            return r.choice(SPECIALS[f])
        flavour = r.choice(self.flavours)
        sign, fraction = r.getrandbits(1), r.getrandbits(f.fraction_bits)
        # As many bits as a factor may have whose product is a tie.
        half = f.fraction_bits - f.fraction_bits // 2
        if flavour == "any":
            return r.getrandbits(8 * f.bytes)
        if flavour == "like":
            return bits_of(f, sign, self.centre + r.randrange(-2, 3), fraction)
        if flavour == "unlike":
            return bits_of(f, sign, r.randrange(-40, 40), fraction)
        if flavour == "short":
            return bits_of(f, sign, self.centre + r.randrange(-2, 3), fraction >> half << half)
        if flavour == "sparse":
            fraction = r.choice([0, 1, 1 << r.randrange(f.fraction_bits), (1 << f.fraction_bits) - 1])
            return bits_of(f, sign, self.centre + r.randrange(-26, 3), fraction)
        if flavour == "tie":
            dropped = r.choice([16, 13]) if f is F32 else 3
            fraction = (fraction >> dropped << dropped | 1 << (dropped - 1)) + r.choice([-1, 0, 0, 1])
            return bits_of(f, sign, r.choice([self.centre, r.randrange(-26, 17)]), fraction)
        if flavour == "near_one":
            return (f.bias << f.fraction_bits) + r.choice([0, 1, -1, r.randrange(-40, 40), fraction])
        if flavour == "special":
            return r.choice(SPECIALS[f])
        if flavour == "zeros":
            top = sign << (8 * f.bytes - 1)
            return top | r.choice([0, 0, 0, 1, 1 << f.fraction_bits]) if r.random() < 0.7 else 1 << (8 * f.bytes - 1)
        if flavour == "minus_zero":
            return 1 << (8 * f.bytes - 1)
        if flavour == "brink":
            # Products just below the least normal number, which may round to it.
            least, half = 1 << f.fraction_bits, f.bias - 1 << f.fraction_bits
            return sign << (8 * f.bytes - 1) | r.choice(
                [least, least, least + 1, 2 * least, half + least - 1, half + least - 1, half + least - 2, half - 1])
        # A multiple of one half, or a power for `float_exp2`.
        steps = r.randrange(-300, 301) if flavour == "halves" else r.randrange(-160 << 8, 130 << 8)
        return f.encode((int(steps < 0), abs(steps), -1 if flavour == "halves" else -8))

    def element(self, type_):
        """Bits of an element in NRAM."""
        if type_ == "i8":
            return self.r.choice([self.r.getrandbits(8), self.r.getrandbits(8), 0x80, 0x7F, 0, 1, 0xFF])
        return self.real(FORMATS[type_])

    def word(self):
        """An accumulator that is an integer: any number of bits, and those that round."""
        r = self.r
        value = r.choice([r.getrandbits(32), r.getrandbits(32) >> r.randrange(32), 0x80000000, 0x7FFFFFFF, 0,
                          (r.getrandbits(24) << 7 | 0x40) + r.choice([-1, 0, 1]), r.getrandbits(25)])
        return (-value if r.random() < 0.5 else value) & 0xFFFFFFFF

    def scale(self):
        """Bits of an f32; mostly what a compiler would write."""
        r = self.r
        kind = r.random()
        if kind < 0.5:
            return bits_of(F32, 0, r.randrange(-12, 6), r.getrandbits(23))
        if kind < 0.75:
            return bits_of(F32, r.getrandbits(1), r.randrange(-6, 6), 0)
        if kind < 0.85:
            return bits_of(F32, r.getrandbits(1), r.randrange(-130, 128), r.getrandbits(23))
        return 0x3F800000 if kind < 0.93 else r.choice(SPECIALS[F32])


class FloatCase(Case):
    """Its memories are random bytes; `fill` puts numbers where an operand lies."""

    def __init__(self, r, mnemonic):
        self.values = Values(r, mnemonic)
        super().__init__(r, mnemonic)
        self.types, self.types_config = {}, {}

    def memories(self):
        signed = lambda n: list(struct.unpack(f"{n}b", self.r.randbytes(n)))
        self.rows, self.columns, self.wram = 4, 4, 64
        return {"dram": signed(32), "nram": signed(NRAM), "wram": signed(self.wram), "aram": [0] * ARAM,
                "pram": [signed(12) for _ in range(PRAM)]}

    def poke(self, memory, at, values):
        for target in (self.before[memory], getattr(self.core, memory)):
            target[at : at + len(values)] = values

    def registers(self):
        """Types are those of `self.types`."""
        r = self.r
        low, high = clamps(r)
        scales = {name: self.values.scale() for name in ("a_scale", "b_scale", "d_inverse_scale")}
        if self.types["d"] == "i8" and r.random() < 0.4:
            scales["d_inverse_scale"] = self.values.round_to_halves()
        constant = self.values.real(F32) if r.random() < 0.9 else r.choice(SPECIALS[F32])
        some = {"a_zero": zero(r), "b_zero": zero(r), "d_zero": zero(r), "low": low, "high": high, "constant": constant}
        types = {f"{operand}_type": type_ for operand, type_ in self.types.items()}
        self.config(vector={**types, **some, **scales})

    def fill(self, operand, at, echo=None):
        """Numbers of the operand's type from a byte of its region on; `echo` is the first byte of those to repeat at times."""
        type_, r = self.types[operand], self.r
        size = SIZES[type_]
        raw = bytearray()
        for k in range((OPERANDS[operand] + REGION - at) // size):
            bits = self.values.element(type_)
            if echo is not None and r.random() < 0.3:
                from_ = echo + size * k
                held = int.from_bytes(bytes(b & 255 for b in self.before["nram"][from_ : from_ + size]), "little")
                # The same, its opposite or a neighbour.
                bits = (held ^ r.choice([0, 0, 1 << (8 * size - 1), 1])) & ((1 << 8 * size) - 1)
            raw += bits.to_bytes(size, "little")
        self.poke("nram", at, list(struct.unpack(f"{len(raw)}b", raw)))

    def fill_aram(self):
        real = self.types["a"] == "f32"
        words = [self.values.real(F32) if real else self.values.word() for _ in range(ARAM)]
        self.poke("aram", 0, [word - 2**32 if word >> 31 else word for word in words])

    def fill_records(self, real):
        """With a bias that is real or an integer."""
        for k in range(PRAM):
            bias = self.values.real(F32) if real else self.r.choice([self.values.word(), self.r.getrandbits(10), 0])
            raw = struct.pack("<II", bias, self.values.scale()) + self.r.randbytes(4)
            self.poke("pram", k, [list(struct.unpack("12b", raw))])


# Layouts.

def length_of(r, most=70):
    """Around multiples of 16 more often than not."""
    return min(r.choice([r.randrange(1, 71), 16 * r.randrange(1, 5) + r.randrange(-1, 2), r.randrange(1, 9)]), most)


def reach(counts, strides, extent):
    return sum((count - 1) * stride for count, stride in zip(counts, strides)) + extent


def lay_out(case, length, extents, windows=(1, 1), rooms=None, keeps=False):
    """Counts, strides of every operand in its own elements, and first bytes; `extents` are elements of a row.

    Rows of d may overlap unless what they held counts (`keeps`); the rows of sources may.
    """
    r = case.r
    rooms = {name: (REGION - 8) // SIZES[case.types[name]] for name in extents} | (rooms or {})
    counts = [r.randrange(1, 5), r.randrange(1, 4)]
    while counts[0] * counts[1] * length > MOST_ELEMENTS and counts != [1, 1]:
        counts = [max(1, counts[0] - 1), max(1, counts[1] - 1)]
    strides = {}
    for name, extent in extents.items():
        may_overlap = r.random() < (0.25 if name != "d" else 0 if keeps else 0.1)
        s1 = r.randrange(0, extent + 1) if may_overlap else extent + r.choice([0, 0, r.randrange(9)])
        s2 = r.randrange(0, extent + 1) if may_overlap else counts[0] * s1 + r.choice([0, 0, r.randrange(9)])
        strides[name] = [s1, s2]
    fits = lambda: all(reach(counts, strides[name], extent) <= rooms[name] for name, extent in extents.items())
    while not fits():
        assert counts != [1, 1]
        counts = [max(1, counts[0] - 1), max(1, counts[1] - 1)]
    case.config(vector={f"{name}_stride_{k + 1}": s for name, both in strides.items() for k, s in enumerate(both)})
    at = {}
    for name, extent in extents.items():
        if name == "a" and rooms.get("aram"):
            at[name] = r.randrange(0, rooms["a"] - reach(counts, strides[name], extent) + 1)
        else:
            slack = REGION - SIZES[case.types[name]] * reach(counts, strides[name], extent)
            at[name] = OPERANDS[name] + r.randrange(0, min(slack, 40) + 1)
    return {"count_1": counts[0], "count_2": counts[1]}, at, strides


IN_PLACE = {"copy", "add", "subtract", "multiply", "scale", "maximum", "minimum", "compare", "exp2", "log2", "reciprocal",
            "reciprocal_root", "root"}
PAIRS = {"add", "subtract", "multiply", "maximum", "minimum", "compare", "select", "exp2", "row_dot"}
RELATIONS = ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]


def draw_flags(case, kind):
    """Where a lies, and what b is."""
    r = case.r
    flags = {}
    in_aram = r.random() < 0.35
    if in_aram:
        flags["memory"] = "aram"
        if kind != "scale" and r.random() < 0.6:
            flags["records"] = True
    elif r.random() < 0.2:
        flags["memory"] = "nram"
    gathers = kind.startswith("row_")
    case.types = {"d": r.choice(STORED + 3 * ["f32"] * gathers), "a": r.choice(["i32", "f32"]) if in_aram else r.choice(STORED)}
    if kind in PAIRS:
        case.types["b"] = r.choice(STORED)
        flags[r.choice(["scalar", "constant", "none", "none"])] = True
        flags.pop("none", None)
    return in_aram, flags


def make_rows(kind):
    """Rows of `a`, and of `b` where there is one."""
    def make(r):
        case = FloatCase(r, "float_" + kind)
        in_aram, flags = draw_flags(case, kind)
        reads_records = kind == "scale" or flags.get("records", False)
        in_place = kind in IN_PLACE and not in_aram and r.random() < 0.25
        b_in_place = in_place and "b" in case.types and not flags.keys() & {"scalar", "constant"} and r.random() < 0.5
        # In place, elements have as many bytes.
        alike = ["f16", "bf16"] if SIZES[case.types["d"]] == 2 else [case.types["d"]]
        if in_place:
            case.types["a"] = r.choice(alike)
        if b_in_place:
            case.types["b"] = r.choice(alike)
        length = length_of(r)
        extents = {"d": 1 if kind.startswith("row_") else length, "a": length}
        if "b" in case.types:
            extents["b"] = 1 if flags.get("scalar") else length
        rooms = {"a": ARAM, "aram": True} if in_aram else {}
        counts, at, strides = lay_out(case, length, extents, rooms=rooms, keeps=in_place or kind == "select")
        for name, same in (("a", in_place), ("b", b_in_place)):
            if same:
                at[name] = at["d"]
                case.config(vector={f"{name}_stride_{k + 1}": strides["d"][k] for k in range(2)})
        case.registers()
        for name, first in at.items():
            if name != "a" or not in_aram:
                again = name == "b" and not in_aram and case.types["a"] == case.types["b"]
                case.fill("d" if first == at["d"] else name, first, at["a"] if again and first != at["d"] else None)
        if in_aram:
            case.fill_aram()
        if reads_records:
            case.fill_records(case.types["a"] == "f32" or not in_aram)
            flags["p"] = r.randrange(0, PRAM - length + 1)
        if flags.get("constant"):
            del at["b"]
        if kind == "compare":
            flags["relation"] = r.choice(RELATIONS)
        case.run("float_" + kind, **at, **flags, length=length, **counts)
        return case
    return make


def make_fill(r):
    case = FloatCase(r, "float_fill")
    case.types = {"d": r.choice(STORED)}
    length = length_of(r)
    counts, at, _ = lay_out(case, length, {"d": length})
    case.registers()
    case.run("float_fill", **at, length=length, **counts)
    return case


def make_window(kind):
    def make(r):
        case = FloatCase(r, "float_window_" + kind)
        accumulate = kind == "sum" and r.random() < 0.5
        case.types = {name: r.choice(STORED) for name in ("dab" if kind == "dot" else "da")}
        case.types["d"] = r.choice([case.types["d"], "f32"])
        while accumulate and case.types["d"] == "i8":
            case.types["d"] = r.choice(STORED)
        length, w = length_of(r, 40), [r.randrange(1, 5), r.randrange(1, 4)]
        steps = [r.choice([length, r.randrange(0, 20)]), r.randrange(0, 40)]
        extents = {"d": length, "a": reach(w, steps, length)}
        moves, b_stride = False, r.choice([length, length + 3, 0])
        if kind == "dot":
            moves = r.random() < 0.5
            while reach([w[0] * w[1]], [b_stride], length) > (REGION - 8) // SIZES[case.types["b"]]:
                b_stride //= 2
            extents["b"] = reach([w[0] * w[1]], [b_stride], length)
        counts, at, _ = lay_out(case, length * w[0] * w[1], extents, keeps=accumulate)
        case.config(vector={"window_count_1": w[0], "window_stride_1": steps[0], "window_count_2": w[1],
                            "window_stride_2": steps[1], "b_window_stride": b_stride})
        case.registers()
        for name, first in at.items():
            case.fill(name, first)
        flags = {"accumulate": accumulate} if kind == "sum" else {"moves": moves} if kind == "dot" else {}
        case.run("float_window_" + kind, **at, **flags, length=length, **counts)
        return case
    return make


# What `float_dot` has for rows and columns: one lane to 32.
ARRAYS = [(4, 4), (8, 4), (8, 8), (16, 16), (16, 4), (32, 4), (64, 2)]
WRAM_ROWS = 26


class DotCase(FloatCase):
    """Memories are full of numbers of one type: NRAM from any byte on, WRAM by rows, ARAM of f32s."""

    def memories(self):
        memories = super().memories()
        r = self.r
        self.rows, self.columns = r.choice(ARRAYS)
        self.wram = WRAM_ROWS * self.rows * self.columns
        self.type = r.choice(["f16", "bf16", "f32", "f32"])
        self.first = r.randrange(4)
        memories["nram"] = memories["nram"][: self.first] + self.numbers(self.type, NRAM - 4)
        memories["wram"] = self.numbers(self.type, self.wram)
        memories["nram"] += [0] * (NRAM - len(memories["nram"]))
        memories["aram"] = list(struct.unpack(f"<{ARAM}i", bytes(b & 255 for b in self.numbers("f32", 4 * ARAM))))
        return memories

    def numbers(self, type_, size):
        """Signed bytes."""
        raw = b"".join(self.values.real(FORMATS[type_]).to_bytes(SIZES[type_], "little")
                       for _ in range(size // SIZES[type_]))
        return list(struct.unpack(f"{len(raw)}b", raw))


def make_dot(r):
    case = DotCase(r, "float_dot")
    rows, columns, size = case.rows, case.columns, SIZES[case.type]
    lanes = rows // size
    elements = r.choice([r.randrange(1, 3 * lanes + 1), lanes, 2 * lanes, lanes + 1, max(lanes - 1, 1), 1])
    steps = -(-elements // lanes)
    wx, wy = r.choice([(1, 1), (2, 1), (1, 2), (2, 2), (3, 1)])
    blocks = r.randrange(1, 3)
    block_stride = wx * wy * steps + r.randrange(0, 2)
    last_row = (blocks - 1) * block_stride + wx * wy * steps
    px, py = r.randrange(1, 4), r.randrange(1, 3)
    strides = {"x_stride_x": r.choice([size * r.randrange(0, 12), r.randrange(0, 40)]), "x_stride_y": r.randrange(0, 60),
               "window_stride_x": size * r.randrange(0, 12), "window_stride_y": size * r.randrange(0, 12)}
    far = ((px - 1) * strides["x_stride_x"] + (py - 1) * strides["x_stride_y"] + (wx - 1) * strides["window_stride_x"]
           + (wy - 1) * strides["window_stride_y"] + size * elements)
    # Pixels may share accumulators: each takes up what the one before left, or overwrites it.
    pixel = r.choice([columns, columns + 1, 0, columns // 2])
    block = r.choice([px * py * pixel, columns])
    last = (px * py - 1) * pixel + (blocks - 1) * block + columns
    assert last <= ARAM and last_row <= WRAM_ROWS
    case.config(matrix={**strides, "stretch": size * elements, "window_count_x": wx, "window_count_y": wy,
                        "w_block_stride": block_stride, "acc_stride_pixel": pixel, "acc_stride_block": block,
                        "x_zero": zero(r), "w_zero": zero(r), "type": case.type})
    w, acc = r.randrange(0, WRAM_ROWS - last_row + 1) * rows * columns, r.randrange(0, ARAM - last + 1)
    for accumulate in r.choice([[False], [True], [False, True], [True, True]]):
        # Mostly where the numbers begin; elsewhere the bytes are those of other numbers.
        x = r.randrange(0, NRAM - 4 - far) if r.random() < 0.15 else case.first + size * r.randrange(0, (NRAM - 4 - far) // size)
        case.run("float_dot", x=x, w=w, acc=acc, pixels_x=px, pixels_y=py, blocks=blocks,
                 accumulate=accumulate)
    return case


UNARY = ["copy", "scale", "log2", "reciprocal", "reciprocal_root", "root", "row_sum", "row_maximum"]
# Twice, where few of the values that a sum meets show the order of its steps.
TWICE = ["row_sum", "row_dot", "exp2"]
MAKERS = [make_fill, *map(make_rows, UNARY + sorted(PAIRS) + TWICE), *map(make_window, ["sum", "dot", "maximum"]), make_dot, make_dot]
