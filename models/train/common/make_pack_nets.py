"""Two tiny random nets quantized by ONNX Runtime's own quantizer, for the tests of `moodring model pack`.

    python -m models.train.common.make_pack_nets        rewrites daemon/vision/tests/data/pack/*

yunet: the public YuNet's operators and its twelve outputs, BGR bytes 64x64. classes: a grey classifier of normalised
pixels with everything YuNet lacks (Clip, Gemm, pool over all, i8 activations, a ReLU apart from its convolution).
Beside each: NAME.bin, a picture (u8, as the packed net takes it) and what ONNX Runtime says to it: first the outputs of the
quantized net, then those of the float net (f32, in the file's order).
"""
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .golden import pictures

OUT = Path(__file__).parents[3] / "daemon/vision/tests/data/pack"


class Net:
    """Nodes and constants; layers return the name of what they make."""

    def __init__(self, seed):
        self.rng, self.nodes, self.inits, self.count = np.random.default_rng(seed), [], [], 0

    def const(self, value):
        self.count += 1
        self.inits.append(numpy_helper.from_array(np.asarray(value), f"c{self.count}"))
        return f"c{self.count}"

    def node(self, kind, inputs, output=None, **attributes):
        self.count += 1
        output = output or f"{kind.lower()}{self.count}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def conv(self, x, cin, out, kernel=3, stride=1, group=1, gain=1.0, bias=0.3):
        fan = cin // group * kernel**2
        w = self.rng.normal(0, gain * np.sqrt(2 / fan), (out, cin // group, kernel, kernel)).astype(np.float32)
        b = self.rng.normal(0, bias, out).astype(np.float32)
        p = (kernel - 1) // 2
        return self.node("Conv", [x, self.const(w), self.const(b)], kernel_shape=[kernel] * 2, strides=[stride] * 2,
                         pads=[p] * 4, group=group)

    def relu(self, x):
        return self.node("Relu", [x])

    def unit(self, x, cin, out):
        return self.relu(self.conv(self.conv(x, cin, out, 1), out, out, group=out))

    def model(self, inputs, outputs):
        graph = helper.make_graph(self.nodes, "net", inputs, outputs, self.inits)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        onnx.checker.check_model(model, full_check=True)
        return model


def value(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def yunet():
    n = Net(3)
    pool = lambda x: n.node("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
    twice = lambda x: n.node("Resize", [x, "", n.const(np.array([1, 1, 2, 2], np.float32))], mode="nearest",
                             coordinate_transformation_mode="asymmetric", nearest_mode="floor")

    x = n.relu(n.conv("input", 3, 8, stride=2, gain=1 / 64))
    p8 = n.unit(pool(pool(x)), 8, 12)
    p16 = n.unit(pool(p8), 12, 12)
    p32 = n.unit(pool(p16), 12, 12)
    p16 = n.unit(n.node("Add", [p16, twice(p32)]), 12, 12)
    p8 = n.unit(n.node("Add", [p8, twice(p16)]), 12, 12)
    outputs = []
    for kind, count in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
        for stride, p in ((8, p8), (16, p16), (32, p32)):
            head = n.conv(n.conv(p, 12, count, 1), count, count, group=count)
            name, cells = f"{kind}_{stride}", (64 // stride) ** 2
            rows = n.node("Transpose", [head], perm=[0, 2, 3, 1])
            ends = kind in ("cls", "obj")
            rows = n.node("Reshape", [rows, n.const(np.array([1, -1, count]))], None if ends else name)
            if ends:
                n.node("Sigmoid", [rows], name)
            outputs.append(value(name, [1, cells, count]))
    return n.model([value("input", [1, 3, 64, 64])], outputs)


def classes():
    n = Net(4)
    x = n.node("Clip", [n.conv("input", 1, 8), n.const(np.float32(0)), n.const(np.float32(6))])
    y = n.relu(n.conv(x, 8, 8, group=8, stride=2))
    y = n.conv(y, 8, 16, 1)
    z = n.conv(n.node("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2]), 8, 16, 1)
    x = n.relu(n.node("Add", [y, z]))
    x = n.relu(n.conv(x, 16, 16, stride=2))
    x = n.node("Flatten", [n.node("GlobalAveragePool", [x])], axis=1)
    w = n.rng.normal(0, 0.6, (7, 16)).astype(np.float32)
    x = n.node("Gemm", [x, n.const(w), n.const(n.rng.normal(0, 0.2, 7).astype(np.float32))], transB=1)
    n.node("Softmax", [x], "scores", axis=1)
    return n.model([value("input", [1, 1, 24, 24])], [value("scores", [1, 7])])


def write(name, model, side, channels, mean, std, **settings):
    import onnxruntime
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    seen = pictures(side, side, channels, seed=3)

    def planes(picture):
        """As the float net takes it; three channels as BGR."""
        return ((picture[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32)) - np.float32(mean)) / np.float32(std)

    class Reader(CalibrationDataReader):
        left = list(seen)

        def get_next(self):
            return {"input": planes(self.left.pop())} if self.left else None

    with tempfile.TemporaryDirectory() as folder:
        plain, folded = f"{folder}/plain.onnx", f"{folder}/folded.onnx"
        onnx.save(model, plain)
        quant_pre_process(plain, folded)
        kinds = {"weight_type": QuantType.QInt8, "activation_type": QuantType.QUInt8} | settings
        OUT.mkdir(parents=True, exist_ok=True)
        quantize_static(folded, OUT / f"{name}.onnx", Reader(), quant_format=QuantFormat.QDQ, per_channel=True, **kinds)
        picture = pictures(side, side, channels, seed=8)[2]
        out = picture.tobytes()
        for path in (OUT / f"{name}.onnx", plain):
            session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
            for real in session.run(None, {"input": planes(picture)}):
                out += real.astype("<f4").tobytes()
    (OUT / f"{name}.bin").write_bytes(out)
    print(name, (OUT / f"{name}.onnx").stat().st_size, len(out))


def main():
    from onnxruntime.quantization import QuantType

    write("yunet", yunet(), 64, 3, 0, 1)
    write("classes", classes(), 24, 1, 127.5, 127.5, activation_type=QuantType.QInt8)


if __name__ == "__main__":
    main()
