"""Motifs of convolutional networks: each takes an image [1, channels, rows, columns] and gives another."""

import numpy as np


def shape(s, value):
    return s.shapes[value][1:]


def conv(s, value, channels, kernel, stride=1, group=1, dilation=1, bias=None):
    """A convolution, padded in one of the ways in which files say so."""
    inputs, rows, columns = shape(s, value)
    kernel = min(kernel, 2 * min(rows, columns) - 1)
    reach = dilation * (kernel - 1)
    fan_in = inputs // group * kernel * kernel
    weight = s.constant(s.normal(channels, inputs // group, kernel, kernel, deviation=np.sqrt(2.0 / fan_in)))
    bias = s.chance(0.6) if bias is None else bias
    operands = [value, weight] + ([s.constant(s.normal(channels, deviation=0.2), "bias")] if bias else [])
    known = dict(strides=[stride, stride], group=group, dilations=[dilation, dilation])
    if s.chance(0.7):
        known["kernel_shape"] = [kernel, kernel]
    way = s.between(0, 9)
    if way == 0 and dilation == 1:
        return s.node("Conv", operands, auto_pad="SAME_UPPER", **known)
    if way == 1 and reach < min(rows, columns):
        return s.node("Conv", operands, **known)
    before, after = reach // 2, reach - reach // 2
    if way == 2 and stride == 2:
        # As TensorFlow pads for strides: the end gets what is uneven.
        before = max(before - 1, 0)
    if way == 3:
        mode = s.one_of("constant", "reflect", "edge") if reach < min(rows, columns) else "constant"
        padded = s.pad(value, [0, 0, before, before], [0, 0, after, after], mode)
        return s.node("Conv", [padded] + operands[1:], **known)
    return s.node("Conv", operands, pads=[before, before, after, after], **known)


def batch_norm(s, value):
    channels = shape(s, value)[0]
    scale, bias = s.normal(channels, deviation=0.2, mean=1.0), s.normal(channels, deviation=0.2)
    mean, variance = s.normal(channels, deviation=0.3), np.abs(s.normal(channels, deviation=0.3, mean=1.0)) + 0.1
    names = ("bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")
    operands = [s.constant(tensor, name) for tensor, name in zip((scale, bias, mean, variance), names)]
    return s.node("BatchNormalization", [value] + operands, epsilon=1e-5)


def block(s, value, channels, kernel=3, stride=1, group=1, act=True):
    """Convolution, normalisation as the exporter left it, activation."""
    normed = not s.norms_are_folded
    value = conv(s, value, channels, kernel, stride, group, bias=None if not normed else s.chance(0.2))
    value = batch_norm(s, value) if normed else value
    return s.activation(value, channels) if act else value


def width(s):
    return s.one_of(3, 5, 8, 12, 16, 17, 24, 32, 40)


def plain(s, value):
    """VGG: convolutions one after the other."""
    stride = s.one_of(1, 1, 2) if min(shape(s, value)[1:]) >= 6 else 1
    return block(s, value, width(s), s.one_of(1, 3, 3, 5, 7), stride)


def dilated(s, value):
    """DeepLab: rates instead of strides."""
    return s.activation(conv(s, value, width(s), 3, dilation=s.between(2, 3)))


def residual(s, value):
    """ResNet's block, with or without a projection."""
    channels, rows, columns = shape(s, value)
    stride = s.one_of(1, 2) if min(rows, columns) >= 6 else 1
    target = channels if s.chance(0.6) else width(s)
    inner = block(s, value, target, 3, 1)
    inner = block(s, inner, target, 3, 1, act=False)
    if stride == 2:
        inner, value = (pool(s, x, 2, 2, average=True) for x in (inner, value))
    if target != channels:
        value = conv(s, value, target, 1)
    if shape(s, inner) != shape(s, value):
        return s.activation(inner)
    return s.activation(s.node("Add", [inner, value] if s.chance(0.5) else [value, inner]))


def inverted(s, value):
    """MobileNet: widened, depthwise, narrowed, perhaps with squeeze-and-excite."""
    channels, rows, columns = shape(s, value)
    wide = channels * s.one_of(1, 2, 3)
    stride = s.one_of(1, 2) if min(rows, columns) >= 6 else 1
    inner = block(s, value, wide, 1)
    inner = block(s, inner, wide, s.one_of(3, 5), stride, group=wide)
    inner = squeeze(s, inner) if s.chance(0.5) else inner
    inner = block(s, inner, channels, 1, act=False)
    return s.node("Add", [value, inner]) if shape(s, inner) == shape(s, value) else inner


def squeeze(s, value):
    """Squeeze-and-excite, by convolutions or by products."""
    channels = shape(s, value)[0]
    mean = mean_of_pixels(s, value)
    narrow = max(channels // 4, 1)
    if s.chance(0.6):
        gate = conv(s, s.node("Relu", [conv(s, mean, narrow, 1, bias=True)]), channels, 1, bias=True)
    else:
        flat = s.reshape(mean, 1, channels) if s.chance(0.5) else s.node("Flatten", [mean], axis=1)
        flat = s.node("Relu", [gemm(s, flat, narrow)])
        gate = s.reshape(gemm(s, flat, channels), 1, channels, 1, 1)
    gate = s.node("HardSigmoid", [gate]) if s.chance(0.3) else s.node("Sigmoid", [gate])
    return s.node("Mul", [value, gate] if s.chance(0.7) else [gate, value])


def gemm(s, value, units):
    """A fully connected layer of [1, features]."""
    features = s.shapes[value][-1]
    matrix = s.normal(features, units, deviation=np.sqrt(1.5 / features))
    bias = s.constant(s.normal(units, deviation=0.2), "bias")
    if s.chance(0.6):
        return s.node("Gemm", [value, s.constant(matrix.T.copy()), bias], transB=1, alpha=1.0)
    product = s.node("MatMul", [value, s.constant(matrix)])
    return s.node("Add", [product, bias] if s.chance(0.7) else [bias, product])


def mean_of_pixels(s, value):
    if s.chance(0.5):
        return s.node("GlobalAveragePool", [value])
    return s.reduce("ReduceMean", value, s.one_of([2, 3], [-1, -2]))


def pool(s, value, kernel, stride, average=None):
    rows, columns = shape(s, value)[1:]
    kernel = min(kernel, rows, columns)
    average = s.chance(0.4) if average is None else average
    half = kernel // 2 if s.chance(0.5) and kernel > 1 else 0
    known = dict(kernel_shape=[kernel, kernel], strides=[stride, stride], pads=[half] * 4)
    if s.chance(0.4):
        known["ceil_mode"] = 1
    if not average:
        return s.node("MaxPool", [value], **known)
    if known.get("ceil_mode") and known["pads"] != [0] * 4:
        # What counts as padding in the last window is not the same in all opsets.
        known["pads"] = [0] * 4
    return s.node("AveragePool", [value], count_include_pad=s.between(0, 1), **known)


def pooling(s, value):
    return pool(s, value, s.one_of(2, 3), s.one_of(1, 2))


def inception(s, value):
    """Branches of several windows, joined."""
    branches = [
        block(s, value, width(s), 1),
        block(s, block(s, value, width(s), 1), width(s), s.one_of(3, 5)),
    ]
    if s.chance(0.5) and min(shape(s, value)[1:]) >= 3:
        pooled = s.node("MaxPool", [value], kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1])
        branches.append(block(s, pooled, width(s), 1))
    if s.chance(0.3):
        branches.append(value)
    same = [b for b in branches if shape(s, b)[1:] == shape(s, branches[0])[1:]]
    return s.node("Concat", same, axis=s.one_of(1, -3))


def split(s, value):
    """CSP and ShuffleNet 2: one part of the channels goes its own way."""
    channels, rows, columns = shape(s, value)
    if channels < 2:
        return plain(s, value)
    first = s.one_of(channels // 2, max(channels // 3, 1))
    if s.chance(0.5):
        one, other = s.split(value, [first, channels - first], 1)
    else:
        end = s.one_of(channels, 9223372036854775807)
        one, other = s.slice(value, [0], [first], [1]), s.slice(value, [first], [end], [1])
    other = block(s, other, channels - first, s.one_of(1, 3))
    if shape(s, other)[1:] != [rows, columns]:
        return other
    return shuffle(s, s.node("Concat", [one, other], axis=1))


def shuffle(s, value):
    """The channel shuffle of two groups, where the channels allow it."""
    channels, rows, columns = shape(s, value)
    if channels % 2 or s.chance(0.3):
        return value
    parts = s.reshape(value, 1, 2, channels // 2, rows, columns)
    turned = s.transpose(parts, 0, 2, 1, 3, 4)
    return s.reshape(turned, 1, channels, rows, columns) if s.chance(0.5) else s.reshape(turned, 1, -1, rows, columns)


def grouped(s, value):
    """ResNeXt and ShuffleNet: grouped convolutions."""
    group = s.between(2, 4)
    value = block(s, value, group * s.one_of(2, 3, 8), 1)
    value = block(s, value, group * s.one_of(1, 4, 5), 3, group=group)
    return shuffle(s, value)


def resized(s, value):
    """A feature pyramid: upsampled, and joined with what is larger."""
    rows, columns = shape(s, value)[1:]
    if min(rows, columns) < 4:
        return upsampled(s, value)
    small = block(s, pool(s, value, 2, 2, average=False), width(s), 3)
    here = shape(s, small)[1:]
    if rows % here[0] or columns % here[1] or s.chance(0.3):
        sizes = s.shapes[small][:2] + [rows, columns]
        large = s.node("Resize", [small, absent(s), absent(s), s.ints(*sizes)], **resize_mode(s))
    else:
        large = upsampled(s, small, rows // here[0], columns // here[1])
    if shape(s, large)[1:] != [rows, columns]:
        return large
    return s.node("Concat", [large, value], axis=1)


def resize_mode(s):
    return s.one_of(
        dict(mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
        dict(mode="nearest", coordinate_transformation_mode="half_pixel", nearest_mode="round_prefer_floor"),
        dict(mode="linear", coordinate_transformation_mode="half_pixel"),
        dict(mode="linear", coordinate_transformation_mode="align_corners"),
        dict(mode="linear", coordinate_transformation_mode="pytorch_half_pixel"),
    )


def upsampled(s, value, down=2, right=2):
    if down == right == 2 and s.chance(0.3):
        inputs, kernel = shape(s, value)[0], s.between(2, 4)
        outputs = width(s)
        weight = s.normal(inputs, outputs, kernel, kernel, deviation=np.sqrt(2.0 / inputs))
        extra = kernel % 2
        half = (kernel - 2 + extra) // 2
        return s.node(
            "ConvTranspose", [value, s.constant(weight), s.constant(s.normal(outputs, deviation=0.1), "bias")],
            strides=[2, 2], pads=[half] * 4, output_padding=[extra, extra] if extra else None,
        )
    if s.chance(0.2) and down == right and shape(s, value)[0] % (down * down) == 0:
        return s.node("DepthToSpace", [value], blocksize=down, mode=s.one_of("DCR", "CRD"))
    scales = s.floats(1.0, 1.0, float(down), float(right))
    return s.node("Resize", [value, absent(s), scales], **resize_mode(s))


def absent(s):
    """An operand of Resize that is not given; before opset 13 it had to be there and empty."""
    return "" if s.opset >= 13 else s.floats()


def focus(s, value):
    """YOLOv5's focus, or the operator that does the same."""
    rows, columns = shape(s, value)[1:]
    if rows % 2 or columns % 2 or min(rows, columns) < 4:
        value = s.slice(value, [0, 0], [rows - rows % 2, columns - columns % 2], [2, 3])
    if s.chance(0.3):
        return s.node("SpaceToDepth", [value], blocksize=2)
    parts = []
    for right in (0, 1):
        for down in (0, 1):
            part = s.slice(value, [down], [9223372036854775807], [2], [2])
            parts.append(s.slice(part, [right], [9223372036854775807], [3], [2]))
    return block(s, s.node("Concat", parts, axis=1), width(s), 3)


def group_norm(s, value):
    """GroupNorm as PyTorch writes it, or InstanceNormalization alone."""
    channels, rows, columns = shape(s, value)
    groups = next(g for g in (4, 3, 2, 1) if channels % g == 0)
    if s.chance(0.3):
        scale, bias = s.normal(channels, deviation=0.1, mean=1.0), s.normal(channels, deviation=0.1)
        return s.node("InstanceNormalization", [value, s.constant(scale), s.constant(bias, "bias")])
    flat = s.reshape(value, 1, groups, -1)
    ones, zeros = s.constant(np.ones(groups, np.float32)), s.constant(np.zeros(groups, np.float32))
    normed = s.node("InstanceNormalization", [flat, ones, zeros], epsilon=1e-5)
    back = s.reshape(normed, 1, channels, rows, columns)
    scaled = s.node("Mul", [back, s.constant(s.normal(channels, 1, 1, deviation=0.1, mean=1.0))])
    return s.activation(s.node("Add", [scaled, s.constant(s.normal(channels, 1, 1, deviation=0.1), "bias")]))


def convnext(s, value):
    """ConvNeXt: depthwise, then products with channels last, and a scale."""
    channels = shape(s, value)[0]
    inner = conv(s, value, channels, 7, group=channels, bias=True)
    inner = s.layer_norm(s.transpose(inner, 0, 2, 3, 1), channels)
    for units in (2 * channels, channels):
        fan_in = s.shapes[inner][-1]
        weight = s.constant(s.normal(fan_in, units, deviation=np.sqrt(1.0 / fan_in)))
        product = s.node("MatMul", [inner, weight])
        inner = s.node("Add", [s.constant(s.normal(units, deviation=0.1), "bias"), product])
        inner = s.gelu(inner) if units != channels else inner
    inner = s.node("Mul", [inner, s.constant(s.normal(channels, deviation=0.1, mean=0.5), "gamma")])
    inner = s.transpose(inner, 0, 3, 1, 2)
    return s.node("Add", [value, inner]) if shape(s, inner) == shape(s, value) else inner


def channels_last(s, value):
    """What a TensorFlow exporter leaves: a stretch with channels last between transposes."""
    channels = shape(s, value)[0]
    inner = s.transpose(value, 0, 2, 3, 1)
    inner = s.node("Mul", [inner, s.constant(s.normal(channels, deviation=0.2, mean=1.0))])
    inner = s.node("Add", [inner, s.constant(s.normal(1, 1, 1, channels, deviation=0.2), "bias")])
    return s.transpose(s.activation(inner), 0, 3, 1, 2)


def normalised_input(s, value):
    """The normalisation of pixels as part of the network."""
    channels = shape(s, value)[0]
    mean = s.normal(1, channels, 1, 1, deviation=0.1, mean=0.45)
    centred = s.node("Sub", [value, s.constant(mean, "mean")])
    return s.node("Div", [centred, s.constant(np.full((1, channels, 1, 1), 0.25, np.float32), "std")])


def local_response(s, value):
    return s.node("LRN", [value], size=5, alpha=1e-4, beta=0.75, bias=1.0)


MOTIFS = [
    (6, plain), (2, dilated), (5, residual), (5, inverted), (2, squeeze), (3, pooling), (4, inception), (3, split),
    (3, grouped), (3, resized), (2, upsampled), (2, focus), (2, group_norm), (2, convnext), (2, channels_last),
    (1, local_response),
]
