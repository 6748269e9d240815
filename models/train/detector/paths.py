"""Where the data, the teachers, the cache and the runs lie, relative to this file."""
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODELS = HERE.parent.parent
SHARED = MODELS.parent.parent / "shared"
DETECT = SHARED / "data" / "detect"
FER = SHARED / "data" / "fer2013"
PEERS = SHARED / "peers"
CACHE = MODELS / "train" / "cache" / "detector"
RUNS = MODELS / "train" / "runs" / "detector"
