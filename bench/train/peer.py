"""One training in PyTorch, eager, driven line by line by bench/train.ts: the same model, data, order and recipe.

python peer.py     reads requests as JSON lines from stdin, answers each with one JSON line

{"do": "open", "model", "data", "threads", "batch", "lr", "momentum", "training", "kind"}  -> {"idle": bytes, "versions"}
{"do": "steps", "from", "count"}            -> {"losses": [...], "milliseconds": [...]}
{"do": "gradients", "to"}                   -> {"weights": [[name, count], ...]}, float32 one after another in the file
{"do": "close"}                             -> {"peak": bytes}
"""

import json
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from encoder import Encoder
from onnx_torch import OnnxModule
from stored import Stored


def status(key):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(key + ":"))


class Training:
    def __init__(self, request):
        self.idle = status("VmRSS")
        torch.set_num_threads(request["threads"])
        self.request = request
        self.data = Stored(request["data"])
        kind = Encoder if request["kind"] == "encoder" else OnnxModule
        self.module = kind(request["model"]).train(request["training"])
        self.head = self.module.head(self.module.outputs[0])
        self.optimizer = torch.optim.SGD(self.module.parameters(), lr=request["lr"], momentum=request["momentum"])

    def steps(self, start, count):
        losses, milliseconds = [], []
        for step in range(start, start + count):
            feeds, labels = self.data.batch(step, self.request["batch"])
            began = time.perf_counter()
            self.optimizer.zero_grad()
            loss = F.cross_entropy(self.module(feeds, [self.head])[self.head], labels)
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
            milliseconds.append((time.perf_counter() - began) * 1000)
        return {"losses": losses, "milliseconds": milliseconds}

    def gradients(self, to):
        """Of the step before: after the first step they are the momentum as well."""
        weights = []
        with open(to, "wb") as file:
            for name, value in self.module.gradients():
                value = np.ascontiguousarray(value.numpy().astype("<f4"))
                file.write(value.tobytes())
                weights.append([name, value.size])
        return {"weights": weights}


training = None
for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "open":
        training = Training(request)
        answer = {"idle": training.idle, "versions": f"torch {torch.__version__}, {torch.get_num_threads()} threads"}
    elif request["do"] == "steps":
        answer = training.steps(request["from"], request["count"])
    elif request["do"] == "gradients":
        answer = training.gradients(request["to"])
    else:
        answer = {"peak": status("VmHWM")}
    print(json.dumps(answer), flush=True)
