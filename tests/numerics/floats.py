"""The rules N-FLOAT* and N-FUNCTION of docs/numerics.md, over integers.

A number is NAN, (sign, INFINITY) or (sign, significand, exponent): the integer significand times 2^exponent, where sign is 1
of a negative number and zero has significand 0. Python's own floating point computes nothing here.
"""

from decimal import Decimal, ROUND_HALF_EVEN, getcontext

from rules import clamp, round_shift, wrap32

NAN = "nan"
INFINITY = "infinity"
ZERO = (0, 0, 0)
ONE = (0, 1, 0)


class Format:
    """A format's bits, and whether its subnormals are zeros (N-FLOAT)."""

    def __init__(self, bytes_, fraction_bits, flushes, nan):
        self.bytes, self.fraction_bits, self.flushes, self.nan = bytes_, fraction_bits, flushes, nan
        self.exponent_bits = 8 * bytes_ - 1 - fraction_bits
        self.bias = (1 << (self.exponent_bits - 1)) - 1
        # Exponents of the least bit of a subnormal, and of the first bit of the least and the largest normal number.
        self.least, self.normal, self.top = 1 - self.bias - fraction_bits, 1 - self.bias, self.bias

    def decode(self, bits):
        sign = bits >> (8 * self.bytes - 1)
        exponent = bits >> self.fraction_bits & ((1 << self.exponent_bits) - 1)
        fraction = bits & ((1 << self.fraction_bits) - 1)
        if exponent == (1 << self.exponent_bits) - 1:
            return NAN if fraction else (sign, INFINITY)
        if exponent == 0:
            return (sign, 0, 0) if self.flushes else (sign, fraction, self.least)
        return sign, 1 << self.fraction_bits | fraction, self.least + exponent - 1

    def round(self, number):
        """Rounded once, to nearest even, on the grid with subnormals; then subnormals may become zero."""
        if number == NAN or number[1] in (INFINITY, 0):
            return number if number == NAN or number[1] else (number[0], 0, 0)
        sign, m, e = number
        # The exponent of the last bit that stays.
        last = max(e + m.bit_length() - 1 - self.fraction_bits, self.least)
        if last > e:
            half, rest = 1 << (last - e - 1), m & ((1 << (last - e)) - 1)
            m >>= last - e
            m += rest > half or (rest == half and m & 1)
            if m.bit_length() > self.fraction_bits + 1:
                m, last = m >> 1, last + 1
        else:
            m <<= e - last
        first = m.bit_length() - 1 + last
        if first > self.top:
            return sign, INFINITY
        if m == 0 or (self.flushes and first < self.normal):
            return sign, 0, 0
        return sign, m, last

    def encode(self, number):
        """The bits of a number, which need not lie on the grid."""
        if number == NAN:
            return self.nan
        number = self.round(number)
        top = number[0] << (8 * self.bytes - 1)
        if number[1] == INFINITY:
            return top | ((1 << self.exponent_bits) - 1) << self.fraction_bits
        _, m, e = number
        if m == 0:
            return top
        shift = max(self.fraction_bits + 1 - m.bit_length(), 0)
        shift = min(shift, e - self.least)
        m, e = m << shift, e - shift
        # The first bit of a normal number adds one to the exponent.
        return top | ((e - self.least) << self.fraction_bits) + m


F32 = Format(4, 23, True, 0x7FC00000)
F16 = Format(2, 10, False, 0x7E00)
BF16 = Format(2, 7, True, 0x7FC0)
FORMATS = {"f32": F32, "f16": F16, "bf16": BF16}
SIZES = {"i8": 1, "i32": 4, "f16": 2, "bf16": 2, "f32": 4}


def integer(value):
    """`float` of N-FLOAT-READ."""
    return F32.round((int(value < 0), abs(value), 0))


def infinite(x):
    return x[1] == INFINITY


# N-FLOAT-PAIR

def negate(x):
    return NAN if x == NAN else (1 - x[0], *x[1:])


def signed(x, exponent):
    """A finite number in units of 2^exponent, which is no larger than its own."""
    sign, m, e = x
    return (-m if sign else m) << (e - exponent)


def add(x, y):
    if NAN in (x, y):
        return NAN
    if infinite(x) or infinite(y):
        if infinite(x) and infinite(y) and x[0] != y[0]:
            return NAN
        return x if infinite(x) else y
    exponent = min(x[2], y[2])
    total = signed(x, exponent) + signed(y, exponent)
    if total == 0:
        # Only of two negative zeros is the sum one.
        return x[0] & y[0] if x[1] == 0 else 0, 0, 0
    return F32.round((int(total < 0), abs(total), exponent))


def subtract(x, y):
    return add(x, negate(y))


def multiply(x, y):
    if NAN in (x, y):
        return NAN
    sign = x[0] ^ y[0]
    if infinite(x) or infinite(y):
        return NAN if 0 in (x[1], y[1]) else (sign, INFINITY)
    return F32.round((sign, x[1] * y[1], x[2] + y[2]))


def order(x, y):
    """Negative, zero or positive as x is below, equal to or above y, neither of them NaN; -0 equals +0."""
    if x == y:
        return 0
    for one, other, direction in ((x, y, 1), (y, x, -1)):
        if infinite(one):
            return -direction if one[0] else direction
    exponent = min(x[2], y[2])
    return signed(x, exponent) - signed(y, exponent)


def maximum(x, y):
    if NAN in (x, y):
        return NAN
    above = order(x, y) or y[0] - x[0]
    return x if above > 0 else y


def minimum(x, y):
    if NAN in (x, y):
        return NAN
    above = order(x, y) or y[0] - x[0]
    return y if above > 0 else x


RELATIONS = {
    "equal": lambda d: d == 0,
    "not_equal": lambda d: d != 0,
    "less": lambda d: d < 0,
    "less_equal": lambda d: d <= 0,
    "greater": lambda d: d > 0,
    "greater_equal": lambda d: d >= 0,
}


def compare(relation, x, y):
    if NAN in (x, y):
        return ONE if relation == "not_equal" else ZERO
    return ONE if RELATIONS[relation](order(x, y)) else ZERO


def is_zero(x):
    return x != NAN and x[1] == 0


# N-FLOAT-READ

def read_i8(q, zero, scale):
    return multiply(integer(q - zero), scale)


def read_accumulator(type_, bits, scale):
    """Of an accumulator's 32 bits."""
    if type_ == "i32":
        return multiply(integer(wrap32(bits)), scale)
    return multiply(F32.decode(bits), scale)


def read_with_record(type_, bits, bias, scale):
    """The same with the bits of its record's bias."""
    if type_ == "i32":
        return multiply(integer(wrap32(bits + bias)), scale)
    return scaled(F32.decode(bits), scale, F32.decode(bias))


def scaled(a, scale, bias):
    """N-FLOAT-SCALE"""
    return add(multiply(a, scale), bias)


# N-FLOAT-WRITE

def nearest_integer(x):
    """rne of a finite number."""
    sign, m, e = x
    if e >= 0:
        m <<= e
    else:
        half, rest = 1 << (-e - 1), m & ((1 << -e) - 1)
        m >>= -e
        m += rest > half or (rest == half and m & 1)
    return -m if sign else m


def write_i8(v, inverse_scale, zero, low, high):
    product = multiply(v, inverse_scale)
    if product == NAN:
        return clamp(zero, low, high)
    if infinite(product):
        return low if product[0] else high
    return clamp(nearest_integer(product) + zero, low, high)


# N-FLOAT-ROW and N-FLOAT-WINDOW

def row_sum(values):
    partial = [ZERO] * 16
    for j, value in enumerate(values):
        partial[j % 16] = add(partial[j % 16], value)
    while len(partial) > 1:
        partial = [add(partial[k], partial[k + 1]) for k in range(0, len(partial), 2)]
    return partial[0]


def row_dot(xs, ys):
    return row_sum([multiply(x, y) for x, y in zip(xs, ys)])


# N-FLOAT-DOT

def dot_beat(running, xs, ws, lanes):
    """The running sum after a beat; lanes past the end of xs and ws are masked."""
    level = [multiply(x, w) for x, w in zip(xs, ws, strict=True)]
    level += [ZERO] * (lanes - len(level))
    while len(level) > 1:
        level = [add(level[k], level[k + 1]) for k in range(0, len(level), 2)]
    return add(running, level[0])


def largest(values):
    found = values[0]
    for value in values[1:]:
        found = maximum(found, value)
    return found


def window_sum(values, start=ZERO):
    for value in values:
        start = add(start, value)
    return start


def window_dot(xs, ys):
    return window_sum([multiply(x, y) for x, y in zip(xs, ys)])


# N-FUNCTION

getcontext().prec = 60
LN2 = Decimal(2).ln()
ROOT3 = Decimal(3).sqrt()


def nearest(x):
    """The nearest integer of a Decimal."""
    return int(x.to_integral_value(rounding=ROUND_HALF_EVEN))


def row(f, a, w, unit_bits):
    """c0, c1, c2 of the quadratic that meets f in the Chebyshev nodes of the segment of width w from a on."""
    half = Decimal(1) / 2
    v0, v1, v2 = (f(a + w * z) * 2**unit_bits for z in (half - ROOT3 / 4, half, half + ROOT3 / 4))
    p2 = (v2 - 2 * v1 + v0) * 8 / 3
    p1 = (v2 - v0) * 2 / ROOT3 - p2
    p0 = v1 - p1 / 2 - p2 / 4
    c2 = nearest(p2 / 4)
    d2 = p2 - 4 * c2
    c1 = nearest(p1 + d2)
    d1 = p1 + d2 - c1
    return min(nearest(p0 + d1 / 2 - d2 / 8), 2**28 - 1), c1, c2


def segments():
    """The tables: for each its function, unit and segments, as (a, w)."""
    d = Decimal
    log2 = [(1 + d(i) / 128, 1 / d(128)) if i < 64 else ((1 + d(i) / 128) / 2, 1 / d(256)) for i in range(128)]
    root = [(1 + d(i) / 128, 1 / d(128)) if i < 128 else (2 + 2 * d(i - 128) / 128, 1 / d(64)) for i in range(256)]
    return {
        "exp2": (lambda m: d(2) ** m, 27, [(d(i) / 128, 1 / d(128)) for i in range(128)]),
        "log2": (lambda m: m.ln() / LN2 / (m - 1), 27, log2),
        "reciprocal": (lambda m: 1 / m, 28, [(1 + d(i) / 256, 1 / d(256)) for i in range(256)]),
        "reciprocal_root": (lambda m: 1 / m.sqrt(), 28, root),
    }


TABLES = {name: [row(f, a, w, bits) for a, w in rows] for name, (f, bits, rows) in segments().items()}


def quadratic(table, i, t):
    c0, c1, c2 = TABLES[table][i]
    slope = c1 + round_shift(c2 * (t >> 4), 14)
    return c0 + round_shift(slope * t, 20)


def f32(v, k):
    """`f32(v * 2^k)`"""
    return F32.round((int(v < 0), abs(v), k))


def parts(x):
    """F, S and E of a normal number."""
    _, m, e = x
    shift = 24 - m.bit_length()
    significand, exponent = m << shift, e - shift + 23
    return significand - 2**23, significand, exponent


def exp2(x):
    if x == NAN:
        return NAN
    if infinite(x):
        return ZERO if x[0] else x
    if is_zero(x):
        return ONE
    if order(x, (0, 128, 0)) >= 0:
        return 0, INFINITY
    if order(x, (1, 126, 0)) < 0:
        return ZERO
    sign, m, e = x
    value = -m if sign else m
    scaled_x = value << (e + 27) if e + 27 >= 0 else value >> -(e + 27)  # floors
    n = scaled_x >> 27
    return f32(quadratic("exp2", scaled_x >> 20 & 127, scaled_x & (2**20 - 1)), n - 27)


def log2(x):
    if x == NAN:
        return NAN
    if is_zero(x):
        return 1, INFINITY
    if x[0]:
        return NAN
    if infinite(x):
        return x
    fraction, significand, exponent = parts(x)
    y = quadratic("log2", fraction >> 16, (fraction & (2**16 - 1)) << 4)
    h = fraction >> 22
    d = (significand << (1 - h)) - 2**24
    return f32(((exponent + h) << 51) + d * y, -51)


def reciprocal(x):
    if x == NAN:
        return NAN
    if is_zero(x):
        return x[0], INFINITY
    if infinite(x):
        return x[0], 0, 0
    fraction, _, exponent = parts(x)
    y = quadratic("reciprocal", fraction >> 15, (fraction & (2**15 - 1)) << 5)
    return f32(-y if x[0] else y, -28 - exponent)


def of_root(x):
    """y of `reciprocal_root` and `root`, with S and E."""
    fraction, significand, exponent = parts(x)
    i = 128 * (exponent & 1) + (fraction >> 16)
    return quadratic("reciprocal_root", i, (fraction & (2**16 - 1)) << 4), significand, exponent


def reciprocal_root(x):
    if x == NAN:
        return NAN
    if is_zero(x):
        return x[0], INFINITY
    if x[0]:
        return NAN
    if infinite(x):
        return ZERO
    y, _, exponent = of_root(x)
    return f32(y, -28 - (exponent >> 1))


def root(x):
    if x == NAN:
        return NAN
    if is_zero(x):
        return x
    if x[0]:
        return NAN
    if infinite(x):
        return x
    y, significand, exponent = of_root(x)
    return f32(significand * y, exponent - (exponent >> 1) - 51)


FUNCTIONS = {"log2": log2, "reciprocal": reciprocal, "reciprocal_root": reciprocal_root, "root": root}
