"""Each engine with one thread: `seconds(n)` is the median time of n runs, `outputs()` the reals of the last one."""
import subprocess
import time

import numpy as np

from . import formats


class Timed:
    """An engine that is called from Python: `call` runs once. What the call itself costs is part of its time (some
    microseconds; the classifier takes hundreds).

    The wall's time or the processor's (all threads), whichever is less: on a busy machine long runs are interrupted
    more often than short ones, and that must not count against an engine.
    """

    def seconds(self, n):
        found = np.empty((n, 2))
        for i in range(n):
            wall, cpu = time.perf_counter_ns(), time.process_time_ns()
            self.call()
            found[i] = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
        return np.median(found, 0).min() / 1e9


def nchw(picture):
    return np.ascontiguousarray(picture.transpose(2, 0, 1)[None].astype(np.float32))


class OnnxRuntime(Timed):
    def __init__(self, model, picture):
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        self.binding.bind_cpu_input("image", nchw(picture))
        for out in self.session.get_outputs():
            self.binding.bind_output(out.name)

    def call(self):
        self.session.run_with_iobinding(self.binding)

    def outputs(self):
        return self.binding.copy_outputs_to_cpu()


class OpenVino(Timed):
    def __init__(self, model, picture, folder):
        import onnx
        import openvino as ov

        path = folder / "openvino.onnx"
        onnx.save(model, path)
        config = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": False}
        self.request = ov.compile_model(str(path), "CPU", config).create_infer_request()
        self.request.set_input_tensor(ov.Tensor(nchw(picture)))

    def call(self):
        self.request.infer()

    def outputs(self):
        return [t.data.copy() for t in self.request.output_tensors]


class LiteRt(Timed):
    """With XNNPACK, which it takes by itself."""

    def __init__(self, model, picture):
        from ai_edge_litert.interpreter import Interpreter

        self.interpreter = Interpreter(model_content=model, num_threads=1)
        self.interpreter.allocate_tensors()
        index = self.interpreter.get_input_details()[0]["index"]
        self.interpreter.set_tensor(index, (picture[None].astype(np.int16) - 128).astype(np.int8))

    def call(self):
        self.interpreter.invoke()

    def outputs(self):
        found = []
        for d in self.interpreter.get_output_details():
            scale, zero = d["quantization"]
            found.append((self.interpreter.get_tensor(d["index"]).astype(np.float32) - zero) * scale)
        return found


class Ncnn(Timed):
    def __init__(self, files, graph, picture, folder):
        import ncnn

        (folder / "ncnn.param").write_text(files[0])
        (folder / "ncnn.bin").write_bytes(files[1])
        self.net = ncnn.Net()
        self.net.opt.num_threads = 1
        if self.net.load_param(str(folder / "ncnn.param")) or self.net.load_model(str(folder / "ncnn.bin")):
            raise RuntimeError("ncnn refuses its files")
        real = (picture.transpose(2, 0, 1).astype(np.float32) - graph.zero) * np.float32(graph.scale)
        self.picture, self.names = ncnn.Mat(np.ascontiguousarray(real)).clone(), [f"t{t}" for t in graph.outputs]

    def call(self):
        extractor = self.net.create_extractor()
        extractor.input("t0", self.picture)
        self.found = [extractor.extract(name)[1] for name in self.names]

    def outputs(self):
        return [np.array(m)[None] for m in self.found]


class Ours:
    """The example `bench_server` of firmware/nn, in a process of its own."""

    def __init__(self, binary, packed, picture, folder, kernel=None):
        import os

        env = dict(os.environ, **({"MOODRING_KERNEL": kernel} if kernel else {}))
        self.folder = folder
        self.process = subprocess.Popen([binary, packed], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        self.show(picture)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"bench_server ended at: {line}")
        return answer.strip()

    def show(self, picture):
        path = self.folder / "picture.raw"
        path.write_bytes(picture.tobytes())
        self.ask(f"picture {path}")

    def seconds(self, n):
        """By the wall alone."""
        return float(np.median(np.array(self.ask(f"run {n}").split(), float))) / 1e9

    def raw(self):
        """All outputs' integers, one after the other."""
        path = self.folder / "outputs.raw"
        self.ask(f"outputs {path}")
        return np.fromfile(path, "<i4")

    def peak(self):
        return float(self.ask("peak"))

    def facts(self):
        return dict(zip(("kernel", "macs", "file", "weights", "arena"), self.ask("facts").split()))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def peers(graph, picture, folder):
    """Name -> engine, each in the form it likes best. One that cannot be made is reported, not hidden."""
    qdq, plain = formats.qdq(graph), formats.float_onnx(graph)
    makers = {
        "ONNX Runtime fp32": lambda: OnnxRuntime(plain, picture),
        "ONNX Runtime int8": lambda: OnnxRuntime(qdq, picture),
        "OpenVINO int8": lambda: OpenVino(qdq, picture, folder),
        "LiteRT/XNNPACK int8": lambda: LiteRt(formats.tflite(graph, picture), picture),
        "ncnn fp32": lambda: Ncnn(formats.ncnn(graph, picture, False), graph, picture, folder),
        "ncnn int8": lambda: Ncnn(formats.ncnn(graph, picture, True), graph, picture, folder),
    }
    made = {}
    for name, make in makers.items():
        try:
            made[name] = make()
            made[name].seconds(2)
        except Exception as error:  # an engine's own trouble must not end the comparison
            made.pop(name, None)
            print(f"!! {name} does not run this net: {type(error).__name__}: {error}")
    return made
