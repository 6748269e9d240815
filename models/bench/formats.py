"""One integer graph in the form that each engine likes best: float ONNX, static QDQ ONNX, TFLite, ncnn."""
import struct

import numpy as np
import onnx
from onnx import TensorProto, helper
from ai_edge_litert import schema_py_generated as fb
import flatbuffers

from ..train.common import intgraph as ig
from ..train.common import onnx_qdq
from ..train.common.quantize import out_size, scales_of
from ..train.common.reference import reals, run

CONVS = (ig.CONV, ig.DEPTHWISE)


def sizes(graph):
    """Rows and columns of every tensor."""
    found = [(graph.height, graph.width)]
    for op in graph.ops:
        found.append(out_size(op, *found[op.a]))
    return found


def bias_scales(graph, op):
    return scales_of(op, graph) * graph.scale_of(op.a)


def static(model, graph):
    """The same ONNX file for one picture of the default size; engines plan better when they know."""
    dims = model.graph.input[0].type.tensor_type.shape.dim
    for dim, value in zip(dims, (1, graph.channels, graph.height, graph.width)):
        dim.ClearField("dim_param")
        dim.dim_value = value
    return model


def qdq(graph):
    return static(onnx_qdq.to_onnx(graph), graph)


class FloatBuilder(onnx_qdq.Builder):
    """The same weights as reals."""

    def weights(self, name, values, scale):
        shape = (-1,) + (1,) * (values.ndim - 1)
        return self.const(name, (values * scale.reshape(shape)).astype(np.float32))


def float_onnx(graph):
    """No quantization nodes; a zero point of 0 after a convolution or an add is a ReLU."""
    b = FloatBuilder()
    centred = b.node("Sub", ["image", b.const("mean", np.float32(graph.zero))], "image.centred")
    real = [b.node("Mul", [centred, b.const("scale", np.float32(graph.scale))], "image.real")]
    for op in graph.ops:
        acc = onnx_qdq.operator(b, op, op.name, real, graph)
        relu = op.code in CONVS + (ig.ADD,) and op.zy == 0 and not op.raw
        real.append(b.node("Relu", [acc], f"{op.name}.relu") if relu else acc)
    outs = [helper.make_tensor_value_info(real[t], TensorProto.FLOAT, [f"{t}_{i}" for i in range(4)]) for t in graph.outputs]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, graph.channels, graph.height, graph.width])
    proto = helper.make_graph(b.nodes, "net", [image], outs, b.inits)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", onnx_qdq.OPSET)])
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model


def tflite(graph, picture):
    """Int8 TFLite: u8 values moved by 128. Stride 2 pads with SAME, which shifts the picture by a pixel on even sizes:
    the work is the same, the result is not, so that its outputs are not compared."""
    net = TfliteBuilder(graph)
    raw = dict(zip(graph.outputs, reals(graph, run(graph, picture[None]))))
    for i, op in enumerate(graph.ops):
        net.operator(i + 1, op, raw.get(i + 1))
    return net.finish()


class TfliteBuilder:
    def __init__(self, graph):
        self.graph, self.sizes = graph, sizes(graph)
        self.model, self.sub = fb.ModelT(), fb.SubGraphT()
        self.model.version, self.model.operatorCodes, self.model.buffers = 3, [], [fb.BufferT()]
        self.sub.tensors, self.sub.operators, self.codes, self.number = [], [], {}, {}
        self.number[0] = self.activation("image", 0, graph.channels, graph.scale, graph.zero)

    def tensor(self, name, shape, kind, scale, zero, axis=0, data=None):
        t, q = fb.TensorT(), fb.QuantizationParametersT()
        t.name, t.shape, t.type, t.buffer = name.encode(), [int(v) for v in shape], kind, 0
        if scale is not None:
            q.scale, q.zeroPoint, q.quantizedDimension = np.atleast_1d(scale).astype(np.float32), np.atleast_1d(zero), axis
            t.quantization = q
        if data is not None:
            buffer = fb.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            t.buffer = len(self.model.buffers) - 1
        self.sub.tensors.append(t)
        return len(self.sub.tensors) - 1

    def activation(self, name, tensor, channels, scale, zero):
        return self.tensor(name, (1, *self.sizes[tensor], channels), fb.TensorType.INT8, scale, np.int64(zero) - 128)

    def operator(self, tensor, op, raw):
        if op.raw:
            low, high = min(float(raw.min()), 0.0), max(float(raw.max()), 0.0)
            scale = (high - low) / 255 or 1.0  # a head of one value may be 0
            zero = round(-low / scale)
        else:
            scale, zero = op.out_scale, op.zy
        self.number[tensor] = self.activation(op.name, tensor, op.out_channels, scale, zero)
        inputs = [self.number[op.a]]
        builtin, kind, options = self.options(op)
        if op.code in CONVS:
            inputs += self.constants(op)
        elif op.code == ig.ADD:
            inputs.append(self.number[op.b])
        elif op.code == ig.UPSAMPLE2:
            inputs.append(self.tensor(f"{op.name}.size", (2,), fb.TensorType.INT32, None, None,
                                      data=np.array(self.sizes[tensor], np.int32)))
        elif op.code == ig.GAP:
            inputs.append(self.tensor(f"{op.name}.axes", (2,), fb.TensorType.INT32, None, None, data=np.array([1, 2], np.int32)))
        node = fb.OperatorT()
        node.inputs, node.outputs, node.opcodeIndex = inputs, [self.number[tensor]], self.code(builtin)
        node.builtinOptionsType, node.builtinOptions = kind, options
        self.sub.operators.append(node)

    def constants(self, op):
        w, axis = (op.w[None], 3) if op.code == ig.DEPTHWISE else (op.w, 0)
        scales = bias_scales(self.graph, op)
        zeros = np.zeros(len(scales), np.int64)
        return [self.tensor(f"{op.name}.w", w.shape, fb.TensorType.INT8, scales_of(op, self.graph), zeros, axis, w.astype(np.int8)),
                self.tensor(f"{op.name}.b", op.bias.shape, fb.TensorType.INT32, scales, zeros, 0, op.bias.astype(np.int32))]

    def options(self, op):
        kinds, codes = fb.BuiltinOptions, fb.BuiltinOperator
        if op.code in CONVS:
            deep = op.code == ig.DEPTHWISE
            o = fb.DepthwiseConv2DOptionsT() if deep else fb.Conv2DOptionsT()
            o.padding, o.strideH, o.strideW, o.dilationHFactor, o.dilationWFactor = fb.Padding.SAME, op.stride, op.stride, 1, 1
            if deep:
                o.depthMultiplier = 1
                return codes.DEPTHWISE_CONV_2D, kinds.DepthwiseConv2DOptions, o
            return codes.CONV_2D, kinds.Conv2DOptions, o
        if op.code == ig.ADD:
            return codes.ADD, kinds.AddOptions, fb.AddOptionsT()
        if op.code == ig.MAXPOOL2:
            o = fb.Pool2DOptionsT()
            o.padding, o.strideH, o.strideW, o.filterHeight, o.filterWidth = fb.Padding.VALID, 2, 2, 2, 2
            return codes.MAX_POOL_2D, kinds.Pool2DOptions, o
        if op.code == ig.UPSAMPLE2:
            return codes.RESIZE_NEAREST_NEIGHBOR, kinds.ResizeNearestNeighborOptions, fb.ResizeNearestNeighborOptionsT()
        o = fb.ReducerOptionsT()
        o.keepDims = True
        return codes.MEAN, kinds.ReducerOptions, o

    def code(self, builtin):
        if builtin not in self.codes:
            c = fb.OperatorCodeT()
            c.builtinCode, c.deprecatedBuiltinCode, c.version = builtin, builtin, {3: 3, 4: 3, 0: 2, 17: 2, 97: 2, 40: 2}[builtin]
            self.codes[builtin] = len(self.model.operatorCodes)
            self.model.operatorCodes.append(c)
        return self.codes[builtin]

    def finish(self):
        self.sub.inputs, self.sub.outputs = [self.number[0]], [self.number[t] for t in self.graph.outputs]
        self.model.subgraphs = [self.sub]
        b = flatbuffers.Builder(1 << 20)
        b.Finish(self.model.Pack(b), b"TFL3")
        return bytes(b.Output())


def ncnn(graph, picture, int8):
    """ncnn's two files (text of layers, weights); `int8` as ncnn2int8 writes them: symmetric, and a convolution that
    feeds only convolutions hands bytes on. Ranges come from the integer graph's own u8 ranges."""
    users = {t: [op for op in graph.ops if t in (op.a, op.b)] for t in range(len(graph.ops) + 1)}
    top = lambda t: 127 / (graph.scale_of(t) * max(graph.zero_of(t), 255 - graph.zero_of(t)))
    blob = Blobs(users)
    lines, weights = [f"Input image 0 1 t0 0={graph.width} 1={graph.height} 2={graph.channels}"] + blob.made(0, "t0"), b""
    lines.append(None)  # the mean and scale of the picture, below
    for i, op in enumerate(graph.ops):
        t, name, a = i + 1, op.name, blob.take(op.a)
        relu = int(op.zy == 0 and not op.raw)
        if op.a and graph.ops[op.a - 1].code == ig.GAP:  # what is left is a dense layer
            term = int(int8)
            lines.append(f"InnerProduct {name} 1 1 {a} t{t} 0={op.out_channels} 1=1 2={op.w.size} 8={term}")
            weights += ncnn_weights(graph, op, term, top(op.a), None)
        elif op.code in CONVS:
            term = 0 if not int8 else 101 if not op.raw and all(u.code in CONVS for u in users[t]) else 1
            deep = f" 7={op.out_channels}" if op.code == ig.DEPTHWISE else ""
            kind = "ConvolutionDepthWise" if deep else "Convolution"
            lines.append(f"{kind} {name} 1 1 {a} t{t} 0={op.out_channels} 1={op.kernel} 3={op.stride} 4={(op.kernel - 1) // 2} 5=1 "
                         f"6={op.w.size}{deep} 8={term} 9={relu}")
            weights += ncnn_weights(graph, op, term, top(op.a), top(t) if term > 100 else None)
        elif op.code == ig.ADD:
            lines.append(f"BinaryOp {name} 2 1 {a} {blob.take(op.b)} t{t} 0=0")
            if relu:
                lines[-1] = lines[-1].replace(f" t{t} ", f" t{t}_sum ")
                lines.append(f"ReLU {name}_relu 1 1 t{t}_sum t{t}")
        elif op.code == ig.MAXPOOL2:
            lines.append(f"Pooling {name} 1 1 {a} t{t} 0=0 1=2 2=2 5=1")
        elif op.code == ig.UPSAMPLE2:
            lines.append(f"Interp {name} 1 1 {a} t{t} 0=1 1=2.0 2=2.0")
        else:
            lines.append(f"Pooling {name} 1 1 {a} t{t} 0=1 4=1")
        lines += blob.made(t, f"t{t}")
    lines = [line for line in lines if line]
    names = {word for line in lines for word in blobs_of(line)}
    return "\n".join(["7767517", f"{len(lines)} {len(names)}"] + lines) + "\n", weights


class Blobs:
    """ncnn wants a Split where a blob has several readers."""

    def __init__(self, users):
        self.users, self.left = users, {}

    def made(self, t, name):
        n = sum((op.a == t) + (op.b == t) for op in self.users[t])
        self.left[t] = [name] if n < 2 else [f"{name}_{i}" for i in range(n)]
        return [] if n < 2 else [f"Split {name}_split 1 {n} {name} " + " ".join(self.left[t])]

    def take(self, t):
        return self.left[t].pop(0)


def blobs_of(line):
    words = line.split()
    return words[4:4 + int(words[2]) + int(words[3])]


def ncnn_weights(graph, op, term, bottom, top):
    """Weights in ncnn's order (out, in, k, k), then the bias, then the scales."""
    q = op.w.transpose(2, 0, 1) if op.code == ig.DEPTHWISE else op.w.transpose(0, 3, 1, 2)
    sw = scales_of(op, graph)
    bias = (op.bias * bias_scales(graph, op)).astype("<f4").tobytes()
    if term == 0:
        real = q * sw.reshape((-1,) + (1,) * (q.ndim - 1))
        return struct.pack("<I", 0) + real.astype("<f4").tobytes() + bias
    data = np.ascontiguousarray(q).astype("i1").tobytes()
    out = struct.pack("<I", 0x000D4B38) + data + bytes(-len(data) % 4) + bias + (1 / sw).astype("<f4").tobytes()
    out += struct.pack("<f", bottom)
    return out + (struct.pack("<f", top) if top else b"")
