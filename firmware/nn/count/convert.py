"""Our nets in the form that XNNPACK runs: convert.py FOLDER. Needs the packages of requirements.txt; run from the repository's root."""

import pathlib
import sys

import numpy as np

sys.path.insert(0, "")
from models.bench import formats  # noqa: E402
from models.train.common import pack  # noqa: E402

for name in ("classifier", "detector"):
    graph = pack.unpack(pathlib.Path(f"models/weights/{name}.moodnet").read_bytes())
    for index, op in enumerate(graph.ops):
        op.name = f"op{index:02}"
    picture = np.random.default_rng(1).integers(0, 256, (graph.height, graph.width, graph.channels)).astype(np.uint8)
    pathlib.Path(sys.argv[1], f"{name}.tflite").write_bytes(formats.tflite(graph, picture))
