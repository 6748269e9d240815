"""Are our results right? Against our slow reference bit for bit, and against ONNX Runtime on the same QDQ file."""
import numpy as np

from ..train.common import intgraph as ig
from ..train.common import onnx_qdq
from ..train.common.reference import reals, run, run_op
from ..train.detector.geometry import decode_heads, nms
from . import nets

FACES = 1000
PICTURES = 40


def session(model):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def nchw(pictures):
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2).astype(np.float32))


def layers(graph, pictures):
    """Each layer fed what ONNX Runtime fed its own: share of outputs within one step, over all layers, and the worst
    layer's. Raw heads are counted in steps of 1/255 of their range."""
    import onnx

    model = onnx_qdq.to_onnx(graph)
    names = [f"{op.name}.acc" if op.raw else f"{op.name}.u8" for op in graph.ops]
    for name, op in zip(names, graph.ops):
        kind = onnx.TensorProto.FLOAT if op.raw else onnx.TensorProto.UINT8
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, kind, None))
    s = session(model)
    good, total, worst = 0, 0, 1.0
    for picture in pictures:
        found = s.run(names, {"image": nchw(picture[None])})
        theirs = [picture[None]] + [np.ascontiguousarray(v.transpose(0, 2, 3, 1)) for v in found]
        for op, want in zip(graph.ops, theirs[1:]):
            got = run_op(graph, op, theirs[op.a], None if op.b == ig.NONE else theirs[op.b])
            if op.raw:
                got = got.astype(np.float32) * op.scale
                off = np.abs(got - want) / max(float(np.ptp(want)) / 255, 1e-9)
            else:
                off = np.abs(got.astype(int) - want.astype(int))
            good, total, worst = good + int((off <= 1).sum()), total + off.size, min(worst, float((off <= 1).mean()))
    return good / total, worst


def run_ours(ours, graph, picture):
    """Our engine's reals for one picture, per output."""
    ours.show(picture)
    ours.ask("run 1")
    raw, found, at = ours.raw(), [], 0
    for (rows, columns), t in zip(outputs(graph), graph.outputs):
        channels = graph.ops[t - 1].out_channels
        found.append(raw[at:at + rows * columns * channels].reshape(1, rows, columns, channels))
        at += found[-1].size
    return found


def outputs(graph):
    from .formats import sizes

    found = sizes(graph)
    return [found[t] for t in graph.outputs]


def exact(ours, graph, pictures):
    """Our engine equals the reference executor, every integer of it."""
    return all(np.array_equal(mine, slow) for picture in pictures
               for mine, slow in zip(run_ours(ours, graph, picture), run(graph, picture[None])))


def expressions(ours, graph):
    """Share of faces for which both name the same expression, and how many faces."""
    found = nets.faces(FACES)
    if found is None:
        return None
    theirs = session(onnx_qdq.to_onnx(graph)).run(None, {"image": nchw(found)})[0].argmax(1)
    mine = [reals(graph, run_ours(ours, graph, face))[0].argmax() for face in found]
    return float((np.array(mine) == theirs).mean()), len(found)


def boxes(ours, graph):
    """Over pictures: faces that both see, share of them whose corners lie within 2 pixels, the largest distance, and
    faces that only one sees."""
    s, threshold = session(onnx_qdq.to_onnx(graph)), float(graph.notes.get("threshold", 0.6))
    both, near, only, worst = 0, 0, 0, 0.0
    for picture in nets.pictures_for(graph, PICTURES):
        mine = rows([h[0] for h in reals(graph, run_ours(ours, graph, picture))], threshold)
        theirs = rows([h[0] for h in s.run(None, {"image": nchw(picture[None])})], threshold)
        for box in mine:
            off = np.abs(theirs[:, :4] - box[:4]).max(1) if len(theirs) else np.array([])
            if off.size and off.min() < 8:
                both, near, worst = both + 1, near + int(off.min() <= 2), max(worst, float(off.min()))
                theirs = np.delete(theirs, off.argmin(), 0)
            else:
                only += 1
        only += len(theirs)
    return both, near / max(both, 1), worst, only


def rows(heads, threshold):
    return nms(decode_heads([h.transpose(2, 0, 1) for h in heads], threshold))
