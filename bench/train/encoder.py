"""The transformer encoder of bench/train/encoder.ts as one writes it in PyTorch: nn layers and fused attention."""

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import nn


class Layer(nn.Module):
    def __init__(self, width, heads, inner):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x):
        batch, length, width = x.shape
        h = self.norm1(x)
        q, k, v = (f(h).view(batch, length, self.heads, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, length, width)
        x = x + self.o(attended)
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Encoder(nn.Module):
    """Weights of Linear layers stand transposed in the file, as exporters write them."""

    outputs = ["logits"]

    def __init__(self, path):
        super().__init__()
        stored = {i.name: numpy_helper.to_array(i) for i in onnx.load(path).graph.initializer}
        stored = {name: value for name, value in stored.items() if value.dtype == np.float32}
        tokens, width = stored["embed.weight"].shape
        layers = len({name.split(".")[1] for name in stored if name.startswith("layers.")})
        inner = stored["layers.0.up.weight"].shape[1]
        self.embed = nn.Embedding(tokens, width)
        self.position = nn.Parameter(torch.empty(stored["position"].shape))
        self.layers = nn.ModuleList(Layer(width, 4, inner) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.classify = nn.Linear(width, stored["classify.bias"].shape[0])
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                value = torch.from_numpy(stored[name].copy())
                parameter.copy_(value.t() if self.turned(name) else value)

    @staticmethod
    def turned(name):
        return name.startswith("layers.") and name.endswith(".weight") and "norm" not in name

    def head(self, output):
        return output

    def forward(self, feeds, wanted=None):
        x = self.embed(feeds["ids"]) + self.position
        for layer in self.layers:
            x = layer(x)
        return {"logits": self.classify(self.norm(x).mean(1))}

    def gradients(self):
        for name, parameter in self.named_parameters():
            yield name, parameter.grad.t() if self.turned(name) else parameter.grad
