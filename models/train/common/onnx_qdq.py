"""An integer Graph as an ONNX file with QuantizeLinear/DequantizeLinear nodes, and a check against the reference.

Input: f32 N,C,H,W, the bytes 0..255 as they are (no normalisation outside). Outputs: reals; a classifier gives
N x 7 logits, a detector one N x rows x cols x 16 tensor per stride. Same weights, scales and zero points as the
packed file, which `moodring model pack` makes from this one, byte for byte; other runtimes round requantization in
floating point, so a byte may differ by one here and there.
"""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from . import intgraph as ig
from .reference import reals, run

OPSET = 13


class Builder:
    """Collects nodes and initializers under readable names."""

    def __init__(self):
        self.nodes, self.inits = [], []

    def const(self, name, value):
        self.inits.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def quantized(self, x, name, scale, zero):
        """Q then DQ with one scale and zero point: the tensor as other operators read it."""
        s, z = self.const(f"{name}.scale", np.float32(scale)), self.const(f"{name}.zero", np.uint8(zero))
        q = self.node("QuantizeLinear", [x, s, z], f"{name}.u8")
        return self.node("DequantizeLinear", [q, s, z], f"{name}.real")

    def weights(self, name, values, scale):
        """Per-channel integer constants (axis 0) and their dequantization."""
        zero = np.zeros(len(scale), values.dtype)
        return self.node("DequantizeLinear", [self.const(name, values), self.const(f"{name}.scale", scale.astype(np.float32)),
                                              self.const(f"{name}.zero", zero)], f"{name}.real", axis=0)


def conv_node(b, op, name, x, graph):
    depthwise = op.code == ig.DEPTHWISE
    w = op.w.transpose(2, 0, 1)[:, None] if depthwise else op.w.transpose(0, 3, 1, 2)
    sx = graph.scale_of(op.a)
    sw = op.scale / np.float64(sx) if op.raw else op.m / 2.0**op.s * op.out_scale / sx
    p = (op.kernel - 1) // 2
    return b.node("Conv", [x, b.weights(f"{name}.w", np.ascontiguousarray(w), sw),
                           b.weights(f"{name}.b", op.bias.astype(np.int32), sw * sx)], f"{name}.acc",
                  kernel_shape=[op.kernel] * 2, strides=[op.stride] * 2, pads=[p] * 4, group=len(w) if depthwise else 1)


def operator(b, op, name, real, graph):
    """The float-valued output of one operator, before its Q/DQ pair."""
    x = real[op.a]
    if op.code in (ig.CONV, ig.DEPTHWISE):
        return conv_node(b, op, name, x, graph)
    if op.code == ig.ADD:
        return b.node("Add", [x, real[op.b]], f"{name}.acc")
    if op.code == ig.MAXPOOL2:
        return b.node("MaxPool", [x], f"{name}.acc", kernel_shape=[2, 2], strides=[2, 2])
    if op.code == ig.UPSAMPLE2:
        scales = b.const(f"{name}.scales", np.array([1, 1, 2, 2], np.float32))
        return b.node("Resize", [x, "", scales], f"{name}.acc", mode="nearest", nearest_mode="floor",
                      coordinate_transformation_mode="asymmetric")
    return b.node("GlobalAveragePool", [x], f"{name}.acc")


def to_onnx(graph):
    """Graph -> onnx.ModelProto."""
    if any(op.lo != 0 or op.hi != 255 for op in graph.ops if not op.raw):
        raise ValueError("ONNX has no clamp narrower than u8; only lo = 0, hi = 255 can be written")
    b = Builder()
    one, zero = b.const("byte.scale", np.float32(1)), b.const("byte.zero", np.uint8(0))
    u8 = b.node("QuantizeLinear", ["image", one, zero], "image.u8")
    first = b.node("DequantizeLinear", [u8, b.const("image.scale", np.float32(graph.scale)),
                                        b.const("image.zero", np.uint8(graph.zero))], "image.real")
    real, outputs = [first], []
    for i, op in enumerate(graph.ops):
        name = op.name or f"op{i}"
        acc = operator(b, op, name, real, graph)
        if op.raw:
            real.append(None)
            outputs.append(finish(b, acc, name, op, graph))
        else:
            real.append(b.quantized(acc, name, op.out_scale, op.zy))
    h, w = (graph.height, graph.width) if graph.step == 0 else ("height", "width")
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", graph.channels, h, w])
    proto = helper.make_graph(b.nodes, graph.notes.get("name", "net"), [image], outputs, b.inits)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="moodring")
    model.ir_version = 8
    for k, v in graph.notes.items():
        model.metadata_props.add(key=k, value=str(v))
    if graph.step:  # what ONNX's open sides cannot say, for `moodring model pack`
        model.metadata_props.add(key="moodring.size", value=f"{graph.width}x{graph.height}")
        model.metadata_props.add(key="moodring.step", value=str(graph.step))
    onnx.checker.check_model(model, full_check=True)
    return model


def is_vector(graph, tensor):
    """Whether an average of the whole picture, or what was made of one."""
    if tensor == 0:
        return False
    op = graph.ops[tensor - 1]
    return op.code == ig.GAP or is_vector(graph, op.a)


def finish(b, acc, name, op, graph):
    """The shape that users see: N x classes behind an average, else N x rows x cols x channels."""
    if graph.kind == ig.CLASSIFIER and (op.a == 0 or is_vector(graph, op.a)):
        b.node("Flatten", [acc], name, axis=1)
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", op.out_channels])
    b.node("Transpose", [acc], name, perm=[0, 2, 3, 1])
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", f"{name}_rows", f"{name}_cols", op.out_channels])


def compare(graph, model, pictures):
    """Runs both on (N,H,W,C) u8. Returns per output (largest difference, its share of the output's spread)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    got = session.run(None, {"image": pictures.transpose(0, 3, 1, 2).astype(np.float32)})
    out = []
    for mine, theirs in zip(reals(graph, run(graph, pictures)), got):
        difference = np.abs(mine.reshape(theirs.shape) - theirs)
        out.append((float(difference.max()), float(np.sqrt((difference**2).mean()) / mine.std())))
    return out


def write(path, graph, pictures, tolerance=0.02):
    """Saves the file after checking it against the reference (relative RMS difference per output)."""
    model = to_onnx(graph)
    found = compare(graph, model, pictures)
    if max(r for _, r in found) > tolerance:
        raise AssertionError(f"{path.name} disagrees with the reference: {found}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return found
