# onnxruntime's own weight-only quantizers on the samples that pare was given, for bench/weight-only.ts.
#   weight-only.py versions
#   weight-only.py <algorithm> <bits> <block> <model> <output> <samples.json>     prints "seconds" and "peak"

import importlib.metadata
import json
import resource
import sys
import time


def versions():
    found = []
    for name in ["onnxruntime", "onnx", "onnx-ir", "torch", "numpy"]:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            pass
    print(", ".join(found))


def main():
    if sys.argv[1] == "versions":
        return versions()
    algorithm, bits, block, model, output, samples = sys.argv[1:7]
    bits, block = int(bits), int(block)
    import numpy as np
    import onnx
    from onnxruntime.quantization import CalibrationDataReader
    from onnxruntime.quantization import matmul_nbits_quantizer as nbits

    class Reader(CalibrationDataReader):
        def __init__(self):
            with open(samples) as file:
                self.all = json.load(file)
            self.rewind()

        def rewind(self):
            self.left = iter(self.all)

        def get_next(self):
            sample = next(self.left, None)
            if sample is None:
                return None
            return {name: np.array(data, dtype=np.int64).reshape(dims) for name, (dims, data) in sample.items()}

        def __iter__(self):
            self.rewind()
            return iter(self.get_next, None)

    q = nbits.QuantFormat.QOperator
    name, *flags = algorithm.split("+")
    if name == "default":
        config = nbits.DefaultWeightOnlyQuantConfig(
            block_size=block, is_symmetric="symmetric" in flags, bits=bits, quant_format=q
        )
    elif name == "rtn":
        config = nbits.RTNWeightOnlyQuantConfig(quant_format=q)
    elif name == "hqq":
        config = nbits.HQQWeightOnlyQuantConfig(block_size=block, bits=bits, quant_format=q)
    elif name == "k_quant":
        config = nbits.KQuantWeightOnlyQuantConfig(quant_format=q)
    elif name == "gptq":
        config = nbits.GPTQWeightOnlyQuantConfig(
            calibration_data_reader=Reader(), actorder="actorder" in flags, mse="mse" in flags, quant_format=q
        )
    start = time.perf_counter()
    quantizer = nbits.MatMulNBitsQuantizer(
        onnx.load(model), bits=bits, block_size=block, is_symmetric="symmetric" in flags, algo_config=config
    )
    quantizer.process()
    quantizer.model.save_model_to_file(output, False)
    print(f"seconds {time.perf_counter() - start}")
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}")


main()
