"""An ONNX file as a PyTorch module: its float weights are parameters, its operators run eagerly under autograd.

What the portfolio's models need, no more; anything else is refused by name. Gradients, running statistics and times of
`pare`'s training are compared with what this gives.

python onnx_torch.py <model.onnx>...    compares the forward pass with ONNX Runtime's, on inputs made from the shapes
"""

import sys

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper

TYPES = {
    1: torch.float32,
    2: torch.uint8,
    3: torch.int8,
    6: torch.int32,
    7: torch.int64,
    9: torch.bool,
    10: torch.float16,
    11: torch.float64,
}
OPERATORS = {}


def operator(function):
    OPERATORS[function.__name__] = function
    return function


class OnnxModule(torch.nn.Module):
    """`train()` and `eval()` switch BatchNormalization between the batch's statistics and the running ones."""

    def __init__(self, path, dtype=torch.float32):
        super().__init__()
        model = onnx.load(path)
        self.opset = next(i.version for i in model.opset_import if i.domain in ("", "ai.onnx"))
        self.graph = model.graph
        self.float = dtype
        self.weights = {}
        self.statistics = {}
        self.constants = {}
        running = {name for node in nodes_of(model.graph) if node.op_type == "BatchNormalization" for name in node.input[3:5]}
        stored = [(i.name, i) for i in model.graph.initializer]
        stored += [(n.output[0], n.attribute[0].t) for n in nodes_of(model.graph) if n.op_type == "Constant"]
        for name, tensor in stored:
            value = torch.from_numpy(numpy_helper.to_array(tensor).copy())
            if not value.is_floating_point():
                self.constants[name] = value
            elif value.dim() == 0:
                # A constant of some formula (an exponent, an epsilon), not a weight.
                self.constants[name] = value.to(dtype)
            elif name in running:
                self.statistics[name] = value.to(dtype)
            else:
                self.weights[name] = torch.nn.Parameter(value.to(dtype))
        for index, weight in enumerate(self.weights.values()):
            self.register_parameter(f"weight_{index}", weight)
        self.inputs = [i.name for i in model.graph.input if i.name not in {j.name for j in model.graph.initializer}]
        self.outputs = [o.name for o in model.graph.output]
        self.steps = self.compiled(model.graph)

    def compiled(self, graph):
        steps = []
        for node in graph.node:
            if node.op_type == "Constant":
                continue
            if node.op_type not in OPERATORS:
                raise NotImplementedError(f"{node.op_type} ({node.name})")
            attributes = {a.name: attribute(self, a) for a in node.attribute}
            steps.append((OPERATORS[node.op_type], Site(self, attributes, node), list(node.input), list(node.output)))
        return steps

    def run(self, steps, values):
        for function, site, inputs, outputs in steps:
            site.values = values
            results = function(site, *[values.get(name) for name in inputs])
            for name, value in zip(outputs, results if isinstance(results, tuple) else (results,)):
                values[name] = value

    def forward(self, feeds, wanted=None):
        values = {**self.constants, **self.statistics, **self.weights, **feeds}
        self.run(self.steps, values)
        return {name: values[name] for name in wanted or self.outputs}

    def gradients(self):
        for name, weight in self.weights.items():
            if weight.grad is not None:
                yield name, weight.grad

    def head(self, output):
        """The value that a loss on logits reads: what stands before a Softmax, LogSoftmax or Sigmoid that ends the graph."""
        makers = {name: node for node in self.graph.node for name in node.output}
        at = output
        while at in makers and makers[at].op_type == "Identity":
            at = makers[at].input[0]
        ends = at in makers and makers[at].op_type in ("Softmax", "LogSoftmax", "Sigmoid")
        return makers[at].input[0] if ends else output


class Site:
    """What an operator reads beside its inputs."""

    def __init__(self, module, attributes, node):
        self.module, self.attributes, self.node, self.values = module, attributes, node, None

    def get(self, name, default=None):
        return self.attributes.get(name, default)

    @property
    def opset(self):
        return self.module.opset

    def axes(self, given):
        """An attribute before opset 13 (18 for most reductions), an input since."""
        if given is not None:
            return [int(axis) for axis in given]
        return self.get("axes")


def nodes_of(graph):
    for node in graph.node:
        yield node
        for a in node.attribute:
            if a.type == onnx.AttributeProto.GRAPH:
                yield from nodes_of(a.g)


def attribute(module, a):
    if a.type == onnx.AttributeProto.GRAPH:
        return module.compiled(a.g), [o.name for o in a.g.output]
    if a.type == onnx.AttributeProto.TENSOR:
        return torch.from_numpy(numpy_helper.to_array(a.t).copy())
    value = onnx.helper.get_attribute_value(a)
    return value.decode() if isinstance(value, bytes) else value


# --- elementwise

for name, function in {
    "Add": torch.add,
    "Sub": torch.sub,
    "Mul": torch.mul,
    "Pow": torch.pow,
    "Sqrt": torch.sqrt,
    "Neg": torch.neg,
    "Erf": torch.erf,
    "Tanh": torch.tanh,
    "Sigmoid": torch.sigmoid,
    "Relu": torch.relu,
    "Equal": torch.eq,
    "Not": torch.logical_not,
    "MatMul": torch.matmul,
    "Identity": lambda x: x,
    "Dropout": lambda x, *_: x,
}.items():
    OPERATORS[name] = lambda site, *inputs, run=function: run(*inputs)


@operator
def Div(site, a, b):
    return a / b if a.is_floating_point() else torch.div(a, b, rounding_mode="trunc")


@operator
def Cast(site, x):
    to = TYPES[site.get("to")]
    return x.to(site.module.float if to == torch.float32 else to)


@operator
def Gelu(site, x):
    return F.gelu(x, approximate=site.get("approximate", "none"))


@operator
def Softmax(site, x, function=torch.softmax):
    axis = site.get("axis", -1 if site.opset >= 13 else 1)
    if site.opset >= 13:
        return function(x, axis)
    # Before opset 13 all axes from this one on are one.
    return function(x.flatten(axis), axis).reshape(x.shape) if x.dim() > axis else function(x, axis)


@operator
def LogSoftmax(site, x):
    return Softmax(site, x, torch.log_softmax)


# --- layers


def same_pads(site, x, kernel, strides, dilations):
    """Begins then ends of the spatial axes."""
    mode = site.get("auto_pad", "NOTSET")
    if mode in ("NOTSET", "VALID"):
        return list(site.get("pads", [0] * 2 * len(kernel))) if mode == "NOTSET" else [0] * 2 * len(kernel)
    begins, ends = [], []
    for size, k, s, d in zip(x.shape[2:], kernel, strides, dilations):
        total = max(0, (-(-size // s) - 1) * s + (k - 1) * d + 1 - size)
        begins.append(total // 2 if mode == "SAME_UPPER" else total - total // 2)
        ends.append(total - begins[-1])
    return begins + ends


def padded(x, pads, value=0.0):
    """The input with what the layer cannot pad itself, and the symmetric rest."""
    rank = len(pads) // 2
    if pads[:rank] == pads[rank:]:
        return x, pads[:rank]
    around = [p for axis in reversed(range(rank)) for p in (pads[axis], pads[axis + rank])]
    return F.pad(x, around, value=value), [0] * rank


@operator
def Conv(site, x, w, b=None):
    rank = w.dim() - 2
    strides = site.get("strides", [1] * rank)
    dilations = site.get("dilations", [1] * rank)
    x, pads = padded(x, same_pads(site, x, w.shape[2:], strides, dilations))
    conv = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    return conv(x, w, b, strides, pads, dilations, site.get("group", 1))


@operator
def MaxPool(site, x):
    kernel = site.get("kernel_shape")
    strides = site.get("strides", [1] * len(kernel))
    dilations = site.get("dilations", [1] * len(kernel))
    x, pads = padded(x, same_pads(site, x, kernel, strides, dilations), float("-inf"))
    pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[len(kernel) - 1]
    return pool(x, kernel, strides, pads, dilations, bool(site.get("ceil_mode", 0)))


@operator
def GlobalAveragePool(site, x):
    return x.mean(dim=tuple(range(2, x.dim())), keepdim=True)


@operator
def BatchNormalization(site, x, scale, bias, mean, variance):
    momentum = 1 - site.get("momentum", 0.9)
    return F.batch_norm(x, mean, variance, scale, bias, site.module.training, momentum, site.get("epsilon", 1e-5))


@operator
def LayerNormalization(site, x, scale, bias=None):
    axis = site.get("axis", -1)
    return F.layer_norm(x, x.shape[axis:] if axis < 0 else x.shape[axis - x.dim() :], scale, bias, site.get("epsilon", 1e-5))


@operator
def Gemm(site, a, b, c=None):
    alpha, beta = site.get("alpha", 1.0), site.get("beta", 1.0)
    if c is not None and c.dim() == 1 and alpha == beta == 1 and site.get("transB", 0) and not site.get("transA", 0):
        return F.linear(a, b, c)
    product = (a.t() if site.get("transA", 0) else a) @ (b.t() if site.get("transB", 0) else b)
    return alpha * product if c is None else alpha * product + beta * c


@operator
def LSTM(site, x, w, r, b=None, lengths=None, h=None, c=None, p=None):
    if site.get("direction", "forward") != "forward" or p is not None or lengths is not None or site.get("layout", 0):
        raise NotImplementedError("LSTM of this form")
    size = r.shape[-1]
    state = lambda given: x.new_zeros(x.shape[1], size) if given is None else given[0]
    h, c = state(h), state(c)
    bias = 0 if b is None else b[0, : 4 * size] + b[0, 4 * size :]
    every = []
    for at in x:
        i, o, f, g = (at @ w[0].t() + h @ r[0].t() + bias).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        every.append(h)
    return torch.stack(every).unsqueeze(1), h.unsqueeze(0), c.unsqueeze(0)


# --- reductions


def reduced(site, x, axes, function):
    over = site.axes(axes)
    dims = list(range(x.dim())) if over is None else over
    return function(x, dim=dims, keepdim=bool(site.get("keepdims", 1)))


@operator
def ReduceSum(site, x, axes=None):
    return reduced(site, x, axes, torch.sum)


@operator
def ReduceMean(site, x, axes=None):
    return reduced(site, x, axes, torch.mean)


# --- movement


@operator
def Reshape(site, x, shape):
    sizes = shape.tolist()
    return x.reshape([x.shape[i] if s == 0 and not site.get("allowzero", 0) else s for i, s in enumerate(sizes)])


@operator
def Flatten(site, x):
    axis = site.get("axis", 1)
    return x.reshape(int(np.prod(x.shape[:axis])), -1)


@operator
def Transpose(site, x):
    return x.permute(site.get("perm", list(reversed(range(x.dim())))))


@operator
def Unsqueeze(site, x, axes=None):
    over = site.axes(axes)
    rank = x.dim() + len(over)
    for axis in sorted(a % rank for a in over):
        x = x.unsqueeze(axis)
    return x


@operator
def Squeeze(site, x, axes=None):
    over = site.axes(axes)
    return x.squeeze() if over is None else x.squeeze(tuple(over))


@operator
def Concat(site, *parts):
    return torch.cat(parts, site.get("axis"))


@operator
def Slice(site, x, starts, ends, axes=None, steps=None):
    over = range(len(starts)) if axes is None else axes.tolist()
    strides = [1] * len(starts) if steps is None else steps.tolist()
    for axis, start, end, step in zip(over, starts.tolist(), ends.tolist(), strides):
        size = x.shape[axis]
        if step < 0:
            picked = list(range(size))[slice(start, None if end < -size else end, step)]
            x = x.index_select(axis, torch.tensor(picked, dtype=torch.int64))
            continue
        index = [slice(None)] * x.dim()
        index[axis] = slice(start, end, step)
        x = x[tuple(index)]
    return x


@operator
def Pad(site, x, pads, value=None, axes=None):
    amounts = pads.tolist()
    rank = x.dim()
    if axes is not None:
        raise NotImplementedError("Pad with axes")
    around = [p for axis in reversed(range(rank)) for p in (amounts[axis], amounts[axis + rank])]
    mode = site.get("mode", "constant")
    if mode == "constant":
        return F.pad(x, around, value=0.0 if value is None else float(value))
    while len(around) > 2 and around[-2:] == [0, 0]:
        around = around[:-2]
    return F.pad(x, around, mode={"reflect": "reflect", "edge": "replicate"}[mode])


@operator
def Gather(site, x, indices):
    axis = site.get("axis", 0) % x.dim()
    at = torch.where(indices < 0, indices + x.shape[axis], indices)
    if axis == 0 and x.dim() == 2 and x.is_floating_point():
        return F.embedding(at, x)
    picked = x.index_select(axis, at.reshape(-1))
    return picked.reshape(x.shape[:axis] + at.shape + x.shape[axis + 1 :])


@operator
def Trilu(site, x, k=None):
    diagonal = 0 if k is None else int(k)
    return torch.triu(x, diagonal) if site.get("upper", 1) else torch.tril(x, diagonal)


# --- shapes and control


@operator
def Shape(site, x):
    return torch.tensor(x.shape[site.get("start", 0) : site.get("end")], dtype=torch.int64)


@operator
def Size(site, x):
    return torch.tensor(x.numel())


@operator
def ConstantOfShape(site, shape):
    value = site.get("value", torch.zeros(1))
    dtype = site.module.float if value.is_floating_point() else value.dtype
    return torch.full(shape.tolist(), value.item(), dtype=dtype)


@operator
def If(site, condition):
    steps, outputs = site.get("then_branch" if bool(condition) else "else_branch")
    inner = dict(site.values)
    site.module.run(steps, inner)
    results = tuple(inner[name] for name in outputs)
    return results if len(results) > 1 else results[0]


def check(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    feeds = {}
    for port in session.get_inputs():
        dims = [d if isinstance(d, int) else (576 if port.name == "input" and len(port.shape) == 2 and i else 2) for i, d in enumerate(port.shape)]
        if "int64" in port.type:
            feeds[port.name] = np.array(16000) if port.name == "sr" else np.ones(dims, np.int64)
        else:
            feeds[port.name] = random.standard_normal(dims).astype(np.float32)
    module = OnnxModule(path).eval()
    with torch.no_grad():
        ours = module({name: torch.from_numpy(np.asarray(value)) for name, value in feeds.items()})
    worst = 0.0
    for name, expected in zip(module.outputs, session.run(None, feeds)):
        found = ours[name].numpy()
        assert found.shape == expected.shape, (name, found.shape, expected.shape)
        worst = max(worst, float(np.abs(found - expected).max() / max(1e-12, np.abs(expected).max())))
    print(f"{path}: largest difference to ONNX Runtime {worst:.1e} of the largest output")
    return worst < 1e-4


if __name__ == "__main__":
    sys.exit(0 if all([check(path) for path in sys.argv[1:]]) else 1)
