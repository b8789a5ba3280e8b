"""Questions for tools/support/probe.mjs: `python probes.py <folder>`, with the onnx and onnxruntime packages of the
version that pare uses. Writes registry.json (operators and CPU kernels as ONNX Runtime registers them) and probes.jsonl
(for each operator, version and element type a model of one node: does a session of it start?)."""

import base64
import json
import os
import sys

import onnx
import onnxruntime
from onnx import helper
from onnxruntime.capi import onnxruntime_pybind11_state as state

DOMAINS = ("", "ai.onnx.ml", "com.microsoft")
NEWEST = 26
CODES = {name.lower(): code for name, code in onnx.TensorProto.DataType.items()}
# Sizes of inputs, where an operator or a layout pass asks for them; everything else has none.
IMAGE, VECTOR = [1, 4, 8, 8], [4]
SHAPES = {
    **{name: [IMAGE] for name in "AveragePool MaxPool GlobalAveragePool GlobalMaxPool LpPool GlobalLpPool LRN".split()},
    **{name: [IMAGE, [4, 4, 3, 3]] for name in "Conv ConvTranspose ConvInteger FusedConv".split()},
    **{name: [IMAGE, VECTOR, VECTOR, VECTOR, VECTOR] for name in "BatchNormalization InstanceNormalization GroupNormalization".split()},
    "DepthToSpace": [IMAGE], "SpaceToDepth": [IMAGE], "GridSample": [IMAGE, [1, 8, 8, 2]],
    "MatMul": [[4, 4]] * 2, "Gemm": [[4, 4]] * 2, "Einsum": [[4, 4]], "Expand": [VECTOR, [1]], "Upsample": [IMAGE, VECTOR],
    "RoiAlign": [IMAGE, [1, 4], [1]], "AffineGrid": [[1, 2, 3], VECTOR], "Attention": [IMAGE] * 3,
    "QLinearConv": [IMAGE, [], [], [4, 4, 3, 3], [], [], [], []], "DeformConv": [IMAGE, [4, 4, 3, 3], [1, 18, 6, 6]],
    "MatMulNBits": [[1, 64], [16, 2, 16], [32]], "MatMulBnb4": [[1, 64], [512], [32]],
    "GatherBlockQuantized": [[16, 32], [2], [16, 1]], "RotaryEmbedding": [IMAGE, [16, 4], [16, 4]],
}  # fmt: skip
CONTRIB_SHAPES = {
    "Attention": [[1, 4, 8], [8, 24], [24]], "MultiHeadAttention": [[1, 4, 8]] * 3,
    "GroupQueryAttention": [[1, 1, 32]] * 3 + [[1, 2, 8, 16]] * 2 + [[1, 1], []],
    "RotaryEmbedding": [[1, 4, 16], [1], [16, 4], [16, 4]],
}  # fmt: skip
ATTRIBUTES = {
    "MatMulNBits": dict(K=64, N=16, bits=4, block_size=32), "MatMulBnb4": dict(K=64, N=16, block_size=32, quant_type=1),
    "GatherBlockQuantized": dict(block_size=32, bits=4), "Einsum": dict(equation="ij->ji"), "LRN": dict(size=3),
    "DepthToSpace": dict(blocksize=2), "SpaceToDepth": dict(blocksize=2), "GroupNormalization": dict(num_groups=2),
    "GroupNorm": dict(groups=2, epsilon=1e-5, activation=0, channels_last=1), "Upsample": dict(mode="nearest"),
    "SkipGroupNorm": dict(groups=2, activation=0), "BitShift": dict(direction="LEFT"), "DeformConv": dict(kernel_shape=[3, 3]),
    **{name: dict(hidden_size=4) for name in ("RNN", "LSTM", "GRU")},
    **{name: dict(kernel_shape=[2, 2]) for name in ("MaxPool", "AveragePool", "LpPool")},
    **{name: dict(shape=[2]) for name in ("RandomNormal", "RandomUniform")},
}  # fmt: skip
CONTRIB_ATTRIBUTES = {
    "GroupQueryAttention": dict(num_heads=2, kv_num_heads=2),
    **{name: dict(num_heads=2) for name in ("Attention", "MultiHeadAttention", "RotaryEmbedding")},
}
PREFERRED = [f"tensor({name})" for name in "float int64 int32 uint8 int8 bool string float16".split()]


def registry():
    def ports(list):
        return [[port.name, port.typeStr, str(port.option).split(".")[-1]] for port in list]

    schemas = [
        dict(
            name=one.name, domain=one.domain, since=one.since_version, dep=one.deprecated, min_in=one.min_input,
            inputs=ports(one.inputs), outputs=ports(one.outputs),
            types={each.type_param_str: list(each.allowed_type_strs) for each in one.type_constraints},
            attrs={name: [str(each.type).split(".")[-1], each.required] for name, each in one.attributes.items()},
        )
        for one in state.get_all_operator_schema()
        if one.domain in DOMAINS
    ]  # fmt: skip
    kernels = [
        dict(name=one.op_name, domain=one.domain, range=list(one.version_range), types=one.type_constraints)
        for one in state.get_all_opkernel_def()
        if one.domain in DOMAINS
    ]
    return dict(version=onnxruntime.__version__, schemas=schemas, kernels=kernels)


def element(type):
    return type[7:-1] if type.startswith("tensor(") else None


def value(name, type, shape=None):
    def tensor(inner):
        return helper.make_tensor_type_proto(CODES[inner[7:-1]], None)

    if type.startswith("seq(tensor("):
        return helper.make_value_info(name, helper.make_sequence_type_proto(tensor(type[4:-1])))
    if type.startswith("optional("):
        inner = type[9:-1]
        proto = helper.make_sequence_type_proto(tensor(inner[4:-1])) if inner.startswith("seq(") else tensor(inner)
        return helper.make_value_info(name, helper.make_optional_type_proto(proto))
    return helper.make_tensor_value_info(name, CODES[element(type)], shape)


def attributes(schema, types):
    contrib = schema["domain"] == "com.microsoft" and CONTRIB_ATTRIBUTES.get(schema["name"])
    given = contrib or ATTRIBUTES.get(schema["name"], {})
    made = {}
    simple = dict(INT=1, INTS=[1], FLOAT=1.0, FLOATS=[1.0], STRING="a", STRINGS=["a"])
    simple["TENSOR"] = helper.make_tensor("v", 1, [1], [0.0])
    for name, (kind, required) in schema["attrs"].items():
        if name in given:
            made[name] = given[name]
        elif required:
            made[name] = simple[kind]
    free = {type for _, type, _ in schema["outputs"]} - {type for _, type, _ in schema["inputs"]}
    for name in ("to", "dtype", "output_dtype", "output_datatype"):
        out = schema["outputs"][0][1] if schema["outputs"] else None
        if name in schema["attrs"] and out in types and (out in free or name == "output_dtype") and element(types[out]):
            code = CODES[element(types[out])]
            made[name] = element(types[out]).upper() if schema["name"] == "Cast" and schema["since"] < 6 else code
    if schema["name"] == "ConstantOfShape":
        kind = CODES[element(types["T2"])]
        width = helper.tensor_dtype_to_np_dtype(kind).itemsize
        made["value"] = onnx.TensorProto(data_type=kind, dims=[1], raw_data=bytes(width))
    return made


def model(schema, types, opset):
    contrib = schema["domain"] == "com.microsoft"
    shapes = (contrib and CONTRIB_SHAPES.get(schema["name"])) or SHAPES.get(schema["name"], [])
    if schema["name"] == "GatherBlockQuantized" and types["T1"] == "tensor(uint8)":
        shapes = [[16, 16], [2], [16, 1]]
    # QuantizeLinear says its type by the zero point, where it has no attribute for it.
    wanted = 3 if schema["name"] == "QuantizeLinear" and "output_dtype" not in schema["attrs"] else schema["min_in"]
    inputs, outputs = [], []
    for index, (_, type, option) in enumerate(schema["inputs"]):
        if option == "Optional" and index >= wanted:
            break
        for _ in range(2 if option == "Variadic" else 1):
            at = len(inputs)
            inputs.append(value(f"i{at}", types.get(type, type), shapes[at] if at < len(shapes) else None))
    for index, (_, type, option) in enumerate(schema["outputs"]):
        if option == "Optional" and index > 0:
            break
        outputs.append(value(f"o{index}", types.get(type, type)))
    names = [[port.name for port in list] for list in (inputs, outputs)]
    node = helper.make_node(schema["name"], *names, domain=schema["domain"], **attributes(schema, types))
    imports = [helper.make_opsetid("", opset)]
    if schema["domain"]:
        imports.append(helper.make_opsetid(schema["domain"], schema["since"]))
    graph = helper.make_graph([node], "g", inputs, outputs)
    return helper.make_model(graph, opset_imports=imports, ir_version=13)


def choices(schema, kernels):
    """Types to ask for: from each kernel's own first types, one type varied at a time."""
    used = {type for _, type, _ in schema["inputs"] + schema["outputs"]}
    allowed = {name: types for name, types in schema["types"].items() if name in used}
    first = {name: next((one for one in PREFERRED if one in types), types[0]) for name, types in allowed.items()}
    bases = [first]
    for kernel in kernels:
        if kernel["range"][0] <= schema["since"] <= kernel["range"][1]:
            own = {name: [one for one in types if one in allowed.get(name, [])] for name, types in kernel["types"].items()}
            bases.append({name: (own.get(name) or [first[name]])[0] for name in allowed})
    for base in bases[:12]:
        yield base
        for name, types in allowed.items():
            for one in types:
                yield {**base, name: one}
    half = "tensor(float16)"
    yield {name: half if half in allowed[name] and type == "tensor(float)" else type for name, type in first.items()}


def control_flow():
    """If, Loop and Scan at each version, around float32."""

    def tensor(name, code=1, shape=None):
        return helper.make_tensor_value_info(name, code, shape)

    def graph(nodes, inputs, outputs):
        return helper.make_graph(nodes, "g", inputs, outputs)

    negated = [helper.make_node("Neg", ["a"], ["b"])]
    for since in (1, 11, 13, 16, 19, 21, 23, 24, 25):
        branch = graph([helper.make_node("Neg", ["x"], ["b"])], [], [tensor("b")])
        node = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
        yield "If", since, {"B": "bool"}, graph([node], [tensor("c", 9, []), tensor("x", 1, [2])], [tensor("y")])
        inside = [tensor("i", 7, []), tensor("d", 9, []), tensor("a", 1, [2])]
        body = graph(negated + [helper.make_node("Not", ["d"], ["e"])], inside, [tensor("e", 9, []), tensor("b", 1, [2])])
        node = helper.make_node("Loop", ["n", "c", "x"], ["y"], body=body)
        outside = [tensor("n", 7, []), tensor("c", 9, []), tensor("x", 1, [2])]
        yield "Loop", since, {"I": "int64", "B": "bool"}, graph([node], outside, [tensor("y")])
        if since >= 9:
            body = graph(negated, [tensor("a", 1, [2])], [tensor("b", 1, [2])])
            node = helper.make_node("Scan", ["x"], ["y"], body=body, num_scan_inputs=1)
            yield "Scan", since, {"I": "int64"}, graph([node], [tensor("x", 1, [3, 2])], [tensor("y")])


def main(folder):
    known = registry()
    with open(os.path.join(folder, "registry.json"), "w") as file:
        json.dump(known, file)
    versions = {}
    for one in known["schemas"]:
        versions.setdefault((one["domain"], one["name"]), []).append(one["since"])
    with open(os.path.join(folder, "probes.jsonl"), "w") as file:

        def ask(name, domain, since, types, made):
            text = base64.b64encode(made.SerializeToString()).decode()
            file.write(json.dumps(dict(op=name, domain=domain, since=since, types=types, model=text)) + "\n")

        for schema in known["schemas"]:
            name, domain, since = schema["name"], schema["domain"], schema["since"]
            if schema["dep"] or name in ("If", "Loop", "Scan", "SequenceMap", "Constant") or (domain == "" and since > NEWEST):
                continue
            kernels = [one for one in known["kernels"] if (one["domain"], one["name"]) == (domain, name)]
            later = [one for one in versions[domain, name] if one > since]
            # WebGPU takes no nodes of opsets before 7: an older operator is asked for at the newest it still holds for.
            opset = max(since, min(7, min(later, default=NEWEST + 1) - 1)) if domain == "" else 21
            asked = []
            for types in choices(schema, kernels):
                if types in asked:
                    continue
                asked.append(types)
                try:
                    made = model(schema, types, opset)
                except (KeyError, TypeError):
                    continue  # maps and the like: no question can be put
                ask(name, domain, since, {key: element(type) or type for key, type in types.items()}, made)
        for name, since, types, graph in control_flow():
            imports = [helper.make_opsetid("", max(since, 7))]
            ask(name, "", since, types, helper.make_model(graph, opset_imports=imports, ir_version=13))


main(sys.argv[1])
