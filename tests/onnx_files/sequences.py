"""Motifs of transformers and recurrent networks: each takes a sequence [1, steps, width] and gives another."""

import numpy as np


def dense(s, value, units, bias=True):
    """A product with a matrix over the last axis, in one of three spellings."""
    steps, width = s.shapes[value][-2:]
    matrix = s.normal(width, units, deviation=np.sqrt(1.0 / width))
    vector = s.constant(s.normal(units, deviation=0.1), "bias") if bias else None
    if bias and s.chance(0.25):
        flat = s.reshape(value, -1, width)
        product = s.node("Gemm", [flat, s.constant(matrix), vector], alpha=1.0, beta=1.0)
        return s.reshape(product, 1, steps, units)
    if s.chance(0.2):
        turned = s.transpose(s.constant(matrix.T.copy()), 1, 0)
        product = s.node("MatMul", [value, turned])
    else:
        product = s.node("MatMul", [value, s.constant(matrix)])
    if not bias:
        return product
    return s.node("Add", [product, vector] if s.chance(0.5) else [vector, product])


def norm(s, value):
    width = s.shapes[value][-1]
    return s.rms_norm(value, width) if s.chance(0.3) else s.layer_norm(value, width)


def residual(s, value, inner):
    """Normalised before or after, as the network has it."""
    if s.chance(0.5):
        return s.node("Add", [value, inner(norm(s, value))])
    return norm(s, s.node("Add", [inner(value), value]))


def feed_forward(s, value):
    width = s.shapes[value][-1]

    def plain(x):
        hidden = dense(s, x, 2 * width)
        hidden = s.gelu(hidden) if s.chance(0.6) else s.node("Relu", [hidden])
        return dense(s, hidden, width)

    def gated(x):
        gate, up = dense(s, x, 2 * width, False), dense(s, x, 2 * width, False)
        gate = s.node("Mul", [gate, s.node("Sigmoid", [gate])])
        return dense(s, s.node("Mul", [gate, up]), width, False)

    return residual(s, value, gated if s.chance(0.3) else plain)


def heads_of(s, value, heads):
    """[1, steps, width] as [1, heads, steps, width of a head]."""
    steps, width = s.shapes[value][-2:]
    return s.transpose(s.reshape(value, 1, steps, heads, width // heads), 0, 2, 1, 3)


def attention(s, value):
    return residual(s, value, lambda x: attended(s, x))


def attended(s, x):
    steps, width = s.shapes[x][-2:]
    heads = next(h for h in (s.one_of(4, 3, 2, 1), 2, 1) if width % h == 0)
    query, key, weighed = projections(s, x, heads)
    if s.chance(0.2):
        query, key = rotated(s, query), rotated(s, key)
    turned = s.transpose(key, 0, 1, 3, 2)
    scale = np.float32((width // heads) ** -0.5)
    if s.chance(0.3):
        query, scale = s.node("Mul", [query, s.scalar(scale)]), None
    scores = s.node("MatMul", [query, turned])
    if scale is not None:
        scores = s.node("Div", [scores, s.scalar(1 / scale)]) if s.chance(0.5) else s.node("Mul", [scores, s.scalar(scale)])
    scores = masked(s, scores, steps)
    context = s.node("MatMul", [s.node("Softmax", [scores], axis=-1), weighed])
    context = s.reshape(s.transpose(context, 0, 2, 1, 3), 1, steps, width)
    return dense(s, context, width)


def projections(s, x, heads):
    """Query, key and value by heads: three products, or one that is cut in one of three ways."""
    steps, width = s.shapes[x][-2:]
    way = s.between(0, 4)
    if way <= 1:
        return [heads_of(s, dense(s, x, width), heads) for _ in range(3)]
    packed = dense(s, x, 3 * width)
    if way == 2:
        parts = s.split(packed, [width] * 3, 2)
        return [heads_of(s, part, heads) for part in parts]
    if way == 3:
        parts = [s.slice(packed, [i * width], [(i + 1) * width], [-1]) for i in range(3)]
        return [heads_of(s, part, heads) for part in parts]
    stacked = s.transpose(s.reshape(packed, 1, steps, 3, heads, width // heads), 2, 0, 3, 1, 4)
    return [s.node("Gather", [stacked, s.constant(np.array(i, np.int64))], axis=0) for i in range(3)]


def masked(s, scores, steps):
    """No mask, a causal one in one of two spellings, or a bias of positions."""
    way = s.between(0, 4)
    if way == 0:
        lower = s.constant(np.tril(np.ones((1, 1, steps, steps), bool)), "mask")
        return s.node("Where", [lower, scores, s.scalar(np.finfo(np.float32).min)])
    if way == 1:
        upper = np.triu(np.full((steps, steps), s.one_of(-np.inf, -10000.0), np.float32), 1)
        return s.node("Add", [scores, s.constant(upper, "mask")])
    if way == 2:
        heads = s.shapes[scores][1]
        return s.node("Add", [scores, s.constant(s.normal(1, heads, steps, steps, deviation=0.5), "bias")])
    return scores


def rotated(s, value):
    """Rotary positions, as LLaMA's exporter writes them."""
    steps, width = s.shapes[value][-2:]
    if width % 2:
        return value
    half = width // 2
    angles = np.outer(np.arange(steps), 10000.0 ** (-np.arange(half) / half)).astype(np.float32)
    cosine, sine = (np.concatenate([f(angles)] * 2, 1)[None, None] for f in (np.cos, np.sin))
    low = s.slice(value, [0], [half], [3])
    high = s.slice(value, [half], [9223372036854775807], [3])
    turned = s.node("Concat", [s.node("Neg", [high]), low], axis=-1)
    straight = s.node("Mul", [value, s.constant(cosine, "cos")])
    return s.node("Add", [straight, s.node("Mul", [turned, s.constant(sine, "sin")])])


def recurrent(s, value):
    """LSTM, GRU or RNN with its input turned, as PyTorch's exporter writes it."""
    steps, width = s.shapes[value][-2:]
    op, gates = s.one_of(("LSTM", 4), ("GRU", 3), ("RNN", 1))
    direction = s.one_of("forward", "forward", "reverse", "bidirectional")
    both = 2 if direction == "bidirectional" else 1
    hidden = s.one_of(8, 12, 16)
    turned = s.transpose(value, 1, 0, 2)
    weights = s.constant(s.normal(both, gates * hidden, width, deviation=np.sqrt(1.0 / width)))
    loops = s.constant(s.normal(both, gates * hidden, hidden, deviation=np.sqrt(1.0 / hidden)))
    operands = [turned, weights, loops]
    if s.chance(0.8):
        operands.append(s.constant(s.normal(both, 2 * gates * hidden, deviation=0.1), "bias"))
        if s.chance(0.5):
            operands += ["", s.constant(np.zeros((both, 1, hidden), np.float32))]
    known = dict(hidden_size=hidden, direction=None if direction == "forward" else direction)
    if op == "GRU":
        known["linear_before_reset"] = s.between(0, 1)
    whole = s.node(op, operands, **known)
    if both == 1:
        result = s.squeeze(whole, 1)
    else:
        result = s.reshape(s.transpose(whole, 0, 2, 1, 3), steps, 1, 2 * hidden)
    return s.transpose(result, 1, 0, 2)


def along_time(s, value):
    """A convolution of sequences: channels first for one operator."""
    width = s.shapes[value][-1]
    turned = s.transpose(value, 0, 2, 1)
    kernel, outputs, dilation = s.one_of(1, 3, 5), s.one_of(8, 16, 24), s.between(1, 2)
    reach = dilation * (kernel - 1)
    weight = s.normal(outputs, width, kernel, deviation=np.sqrt(2.0 / width / kernel))
    causal = s.chance(0.3)
    pads = [reach, 0] if causal else [reach // 2, reach - reach // 2]
    known = dict(kernel_shape=[kernel], dilations=[dilation], strides=[1])
    operands = [s.constant(weight), s.constant(s.normal(outputs, deviation=0.1), "bias")]
    if causal and s.chance(0.5):
        turned = s.pad(turned, [0, 0, reach], [0, 0, 0])
        found = s.node("Conv", [turned] + operands, **known)
    else:
        found = s.node("Conv", [turned] + operands, pads=pads, **known)
    return s.transpose(s.activation(found), 0, 2, 1)


def mixer(s, value):
    """MLP-Mixer: a product over the steps."""
    steps = s.shapes[value][1]

    def mixed(x):
        hidden = s.gelu(dense(s, s.transpose(x, 0, 2, 1), 2 * steps))
        return s.transpose(dense(s, hidden, steps), 0, 2, 1)

    return residual(s, value, mixed)


MOTIFS = [(4, attention), (4, feed_forward), (2, recurrent), (2, along_time), (1, mixer)]
