"""Channels cut by Torch-Pruning out of the same ONNX weights, on samples that pare's side wrote.

python torch_pruning_side.py <request as JSON>     prints the answer as one line of JSON

Layers become modules of torch (Conv2d, BatchNorm2d, Linear) with the file's weights, since Torch-Pruning follows modules;
everything between them runs as bench/train/onnx_torch.py has it.
"""

import json
import os
import sys
from fnmatch import fnmatch

import numpy as np
import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../train"))
from onnx_torch import OnnxModule  # noqa: E402
from stored import Stored  # noqa: E402

request = json.loads(sys.argv[1])
if request.get("packages"):
    sys.path.insert(0, request["packages"])
import torch_pruning as tp  # noqa: E402

torch.manual_seed(0)
torch.set_num_threads(request["threads"])


class Layered(torch.nn.Module):
    def __init__(self, path):
        super().__init__()
        plain = OnnxModule(path).eval()
        # Constants and steps only: its weights must not be parameters of this module.
        self.plain = [plain]
        self.layers = torch.nn.ModuleDict()
        self.steps, self.named = [], {}
        weights = {**{name: w.detach() for name, w in plain.weights.items()}, **plain.statistics}
        for index, (function, site, inputs, outputs) in enumerate(plain.steps):
            layer = self.made(function.__name__, site, [weights.get(name) for name in inputs])
            if layer is None:
                self.steps.append((function, site, inputs, outputs))
                continue
            self.layers[str(index)] = layer
            self.named[inputs[1]] = layer
            self.steps.append((str(index), site, inputs[:1], outputs))
        self.rest = {name: w for name, w in weights.items()}
        self.last = plain.head(plain.outputs[0])

    @staticmethod
    def made(name, site, given):
        if name == "Conv" and given[1] is not None:
            weight, bias = given[1], given[2] if len(given) > 2 else None
            group = site.get("group", 1)
            size = list(weight.shape[2:])
            pads = site.get("pads", [0] * 4)
            if site.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
                return None
            if pads[:2] != pads[2:]:
                return None
            layer = torch.nn.Conv2d(
                weight.shape[1] * group, weight.shape[0], size, site.get("strides", [1, 1]), pads[:2],
                site.get("dilations", [1, 1]), group, bias is not None,
            )
            layer.weight.data = weight.clone()
            if bias is not None:
                layer.bias.data = bias.clone()
            return layer.eval()
        if name == "BatchNormalization":
            layer = torch.nn.BatchNorm2d(len(given[1]), site.get("epsilon", 1e-5))
            layer.weight.data, layer.bias.data = given[1].clone(), given[2].clone()
            layer.running_mean, layer.running_var = given[3].clone(), given[4].clone()
            return layer.eval()
        if name == "Gemm" and given[1] is not None and site.get("transB", 0) and not site.get("transA", 0):
            layer = torch.nn.Linear(given[1].shape[1], given[1].shape[0], given[2] is not None)
            layer.weight.data = given[1].clone()
            if given[2] is not None:
                layer.bias.data = given[2].clone()
            return layer.eval()
        return None

    def forward(self, x):
        plain = self.plain[0]
        values = {**plain.constants, **self.rest, plain.inputs[0]: x}
        for function, site, inputs, outputs in self.steps:
            if isinstance(function, str):
                values[outputs[0]] = self.layers[function](values[inputs[0]])
                continue
            site.values = values
            results = function(site, *[values.get(name) for name in inputs])
            for name, value in zip(outputs, results if isinstance(results, tuple) else (results,)):
                values[name] = value
        return values[self.last]


def digits(model):
    data = Stored(request["data"])
    found, size, batch = "", data.about["samples"], 100
    with torch.no_grad():
        for step in range(-(-size // batch)):
            feeds, labels = data.batch(step, batch)
            count = min(batch, size - step * batch)
            hits = model(next(iter(feeds.values()))).flatten(1).argmax(-1) == labels
            found += "".join("1" if hit else "0" for hit in hits[:count].tolist())
    return found


model = Layered(request["model"]).eval()
example = next(iter(Stored(request["data"]).batch(0, 1)[0].values()))
before = digits(model)
macs, parameters = tp.utils.count_ops_and_params(model, example)
heads = [m for m in model.modules() if isinstance(m, torch.nn.Linear)][-1:]
if not heads:
    heads = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d)][-1:]
heads += [layer for name, layer in model.named.items() if any(fnmatch(name, pattern) for pattern in request["kept"])]
importance = tp.importance.GroupMagnitudeImportance(p=2, group_reduction="mean", normalizer="mean")
answer = {"version": tp.__version__, "before": before, "macs": macs, "parameters": parameters}
try:
    # Without gradients tracked there is no graph to follow.
    pruner = tp.pruner.MetaPruner(
        model, example, importance, global_pruning=request["scope"] == "global",
        pruning_ratio=request["ratio"], ignored_layers=heads,
    )
    groups = list(pruner.DG.get_all_groups(ignored_layers=heads, root_module_types=[torch.nn.Conv2d, torch.nn.Linear]))
    roots = [(group[0].dep.target.module, len(group[0].idxs)) for group in groups]
    answer["groups"] = sorted(units for _, units in roots)
    width = lambda layer: layer.weight.shape[0]
    pruner.step()
    answer["removed"] = sum(units - width(layer) for layer, units in roots)
    answer["after"] = digits(model)
    answer["macsAfter"], answer["parametersAfter"] = tp.utils.count_ops_and_params(model, example)
except Exception as error:  # what it refuses is a figure too
    answer["failed"] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]
print(json.dumps({k: (float(v) if isinstance(v, np.generic) else v) for k, v in answer.items()}))
