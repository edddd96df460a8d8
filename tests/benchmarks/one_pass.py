"""One pass of the encoder for all tasks, timed: ``python one_pass.py SHAPE ROUNDS`` prints ratios as JSON, by name."""

from __future__ import annotations

import json
import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"

import torch
from paired_timing import paired
from words_suite import Words, bare_step, shape_of, stepper

from mtlbench.plugins import load_registry

torch.set_num_threads(1)
suite, rounds, registry = Words.of(shape_of(sys.argv[1]), 8), int(sys.argv[2]), load_registry()
pcgrad, mtl = (stepper(suite, registry.method(name).cls(), "joint") for name in ("pcgrad", "mtl"))
pairs = {
    "pcgrad step / mtl step, one pass each": (pcgrad, mtl),
    "MTL by hand in one pass / MTL by hand": (bare_step(suite, one_pass=True), bare_step(suite)),
    "pcgrad step in one pass / MTL by hand": (pcgrad, bare_step(suite)),
}
print(json.dumps({name: paired(*pair, rounds=rounds).as_json() for name, pair in pairs.items()}))
