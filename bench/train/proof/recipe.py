"""The recipe of a proof in PyTorch: the same first weights, samples in the same order, and learning rates.

python recipe.py <folder> <threads>     reads initial.onnx, stream/, held/ and recipe.json, writes torch.onnx

The weights that are best on the held-out samples are kept, the first of equals, as `finetune` does.
"""

import json
import os
import sys

import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from onnx_torch import OnnxModule  # noqa: E402
from stored import Stored  # noqa: E402

folder, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)
with open(os.path.join(folder, "recipe.json")) as file:
    recipe = json.load(file)
path = os.path.join(folder, "initial.onnx")
module = OnnxModule(path)
head = module.head(module.outputs[0])
stream, held = Stored(os.path.join(folder, "stream")), Stored(os.path.join(folder, "held"))
weights = list(module.weights.values())
chosen = recipe["optimizer"]
if isinstance(chosen, dict):
    optimizer = torch.optim.SGD(weights, lr=1.0, momentum=chosen["momentum"])
else:
    optimizer = torch.optim.Adam(weights, lr=1.0)
kept = [(weight, (weight != 0).float()) for weight in weights if weight.dim() > 1] if recipe["keepZeros"] else []


def accuracy():
    module.eval()
    right, size, batch = 0, recipe["held"], recipe["batch"]
    with torch.no_grad():
        for step in range(-(-size // batch)):
            feeds, labels = held.batch(step, batch)
            count = min(batch, size - step * batch)
            right += int((module(feeds, [head])[head].argmax(-1) == labels)[:count].sum())
    return right / size


def copied():
    return {name: value.detach().clone() for name, value in {**module.weights, **module.statistics}.items()}


best, result = -1.0, None
for step, rate in enumerate(recipe["rates"]):
    module.train()
    feeds, labels = stream.batch(step, recipe["batch"])
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    loss = F.cross_entropy(module(feeds, [head])[head], labels)
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        for weight, mask in kept:
            weight.mul_(mask)
    if (step + 1) % recipe["perEpoch"] == 0:
        found = accuracy()
        print(f"epoch {(step + 1) // recipe['perEpoch']}: loss {loss.item():.4f}, held-out {found:.4f}", file=sys.stderr)
        if found > best:
            best, result = found, copied()

model = onnx.load(path)
for initializer in model.graph.initializer:
    if initializer.name in result:
        value = result[initializer.name].numpy()
        initializer.CopyFrom(numpy_helper.from_array(value, initializer.name))
onnx.save(model, os.path.join(folder, "torch.onnx"))
