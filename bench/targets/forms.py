"""Forms that ONNX Runtime's own Python makes, or that are a few lines of onnx: python forms.py <model> <folder> <feeds.json> <form,form...>

Writes <folder>/<form>.onnx, or <folder>/<form>.failed with the reason. The model has opset 21 and float32 weights.
"""

import json
import pathlib
import sys

import ml_dtypes
import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

source, folder, feeds_path, wanted = sys.argv[1:5]
folder = pathlib.Path(folder)
feeds = json.loads(pathlib.Path(feeds_path).read_text())


class Drawn(CalibrationDataReader):
    """Four samples from the distribution that the bench feeds."""

    def __init__(self):
        self.samples = iter([self.sample(seed) for seed in range(4)])

    def sample(self, seed):
        source = np.random.default_rng(seed)
        return {
            feed["name"]: source.integers(feed["low"], feed["high"], feed["dims"], dtype=np.int64)
            if feed["dtype"] == "int64"
            else source.uniform(feed["low"], feed["high"], feed["dims"]).astype(np.float32)
            for feed in feeds
        }

    def get_next(self):
        return next(self.samples, None)


def static(target, format, weights, per_channel=True):
    quantize_static(
        source,
        target,
        Drawn(),
        quant_format=format,
        per_channel=per_channel,
        activation_type=QuantType.QUInt8,
        weight_type=weights,
        # QLinearConv takes one zero point for all channels.
        extra_options={"WeightSymmetric": True},
    )


def dynamic_signed(target):
    quantize_dynamic(source, target, weight_type=QuantType.QInt8)


def n_bits(bits, level):
    def make(target):
        from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

        options = {"bits": bits, "block_size": 32, "is_symmetric": True, "accuracy_level": level}
        quantizer = MatMulNBitsQuantizer(onnx.load(source), **options)
        quantizer.process()
        quantizer.model.save_model_to_file(target, False)

    return make


def bnb4(target):
    from onnxruntime.quantization.matmul_bnb4_quantizer import MatMulBnb4Quantizer

    quantizer = MatMulBnb4Quantizer(onnx.load(source), quant_type=MatMulBnb4Quantizer.NF4, block_size=64)
    quantizer.process()
    quantizer.model.save_model_to_file(target, False)


def dequantized(operators, bits):
    """Weights as DequantizeLinear of int8 or int4: scales by output channel, for int4 matrices by blocks of 32."""

    def make(target):
        model = onnx.load(source)
        weights = {tensor.name: tensor for tensor in model.graph.initializer}
        nodes, done, axes = [], {}, {"Conv": 0, "MatMul": 1, "Gemm": 1, "Gather": 0}
        for node in model.graph.node:
            at = 0 if node.op_type == "Gather" else 1
            name = node.input[at] if node.op_type in operators else ""
            if name in weights and name not in done and len(weights[name].dims) >= 2:
                array = numpy_helper.to_array(weights[name])
                turned = any(a.name == "transB" and a.i for a in node.attribute)
                axis = 0 if turned else axes[node.op_type]
                inner = 1 - axis
                attributes = {"axis": axis}
                if bits == 4 and array.ndim == 2 and array.shape[inner] % 32 == 0:
                    attributes = {"axis": inner, "block_size": 32}
                    shape = list(array.shape)
                    shape[inner : inner + 1] = [shape[inner] // 32, 32]
                    scale = np.abs(array.reshape(shape)).max(axis=inner + 1) / 7
                    spread = np.repeat(scale, 32, axis=inner)
                else:
                    others = tuple(a for a in range(array.ndim) if a != axis)
                    scale = np.abs(array).max(axis=others) / (127 if bits == 8 else 7)
                    spread = scale.reshape([-1 if a == axis else 1 for a in range(array.ndim)])
                codes = np.round(array / np.maximum(spread, 1e-12)).astype(np.int8)
                if bits == 4:
                    codes = codes.astype(ml_dtypes.int4)
                model.graph.initializer.append(numpy_helper.from_array(codes, name + "_codes"))
                model.graph.initializer.append(numpy_helper.from_array(scale.astype(np.float32), name + "_scale"))
                inputs = [name + "_codes", name + "_scale"]
                nodes.append(helper.make_node("DequantizeLinear", inputs, [name + "_decoded"], **attributes))
                done[name] = name + "_decoded"
            if name in done:
                node.input[at] = done[name]
        if not done:
            raise ValueError("no weight to quantize")
        for name in done:
            model.graph.initializer.remove(weights[name])
        for node in reversed(nodes):
            model.graph.node.insert(0, node)
        onnx.save_model(model, target)

    return make


forms = {
    "qdq-u8s8": lambda target: static(target, QuantFormat.QDQ, QuantType.QInt8),
    "qdq-u8u8": lambda target: static(target, QuantFormat.QDQ, QuantType.QUInt8),
    "qoperator-u8s8": lambda target: static(target, QuantFormat.QOperator, QuantType.QInt8),
    # Per channel, this quantizer writes int8 weights whatever is asked.
    "qoperator-u8u8": lambda target: static(target, QuantFormat.QOperator, QuantType.QUInt8, per_channel=False),
    "dynamic-s8": dynamic_signed,
    "nbits2-4": n_bits(2, 4),
    "nbits2-0": n_bits(2, 0),
    "bnb4": bnb4,
    "dequantize-int8": dequantized(["Conv", "MatMul", "Gemm"], 8),
    "dequantize-int4": dequantized(["Conv", "MatMul", "Gemm"], 4),
    "dequantize-gather": dequantized(["Gather"], 8),
}

for name in wanted.split(","):
    try:
        forms[name](str(folder / f"{name}.onnx"))
    except Exception as error:
        text = str(error).strip() or type(error).__name__
        (folder / f"{name}.failed").write_text(text.split("\n")[0][:300])
