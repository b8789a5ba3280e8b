"""ONNX Runtime's own converters, as their documentation shows them: python peers.py <task> <model> <output> <large 0|1>."""

import sys

task, source, target, large = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4] == "1"

# Bits, symmetric, operators. Its embeddings of 4 bits come out as NaN where a block is zero, so scores are taken without.
N_BITS = {
    "int4": (4, True, ("MatMul", "Gather")),
    "nbits4": (4, True, ("MatMul",)),
    "unbits4": (4, False, ("MatMul",)),
    "nbits8": (8, True, ("MatMul",)),
    "unbits8": (8, False, ("MatMul",)),
}

if task == "int8":
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(source, target, weight_type=QuantType.QInt8, use_external_data_format=large)
elif task == "fp16":
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    model = convert_float_to_float16(onnx.load(source), keep_io_types=True, disable_shape_infer=large)
    if large:
        onnx.save_model(model, target, save_as_external_data=True, location=target.split("/")[-1] + ".data")
    else:
        onnx.save_model(model, target)
elif task in N_BITS:
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    bits, symmetric, operators = N_BITS[task]
    quantizer = MatMulNBitsQuantizer(
        onnx.load(source),
        bits=bits,
        block_size=32,
        is_symmetric=symmetric,
        accuracy_level=4,
        op_types_to_quantize=operators,
    )
    quantizer.process()
    quantizer.model.save_model_to_file(target, large)
elif task in ("nf4", "fp4"):
    import onnx
    from onnxruntime.quantization.matmul_bnb4_quantizer import MatMulBnb4Quantizer

    quant_type = {"nf4": MatMulBnb4Quantizer.NF4, "fp4": MatMulBnb4Quantizer.FP4}[task]
    quantizer = MatMulBnb4Quantizer(onnx.load(source), quant_type=quant_type, block_size=64)
    quantizer.process()
    quantizer.model.save_model_to_file(target, large)
elif task == "versions":
    import numpy
    import onnx
    import onnxruntime

    print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}, numpy {numpy.__version__}")
    sys.exit(0)
else:
    sys.exit(f"no such task: {task}")

with open("/proc/self/status") as status:
    peak = next(line for line in status if line.startswith("VmHWM"))
print("peak", int(peak.split()[1]) * 1024)
