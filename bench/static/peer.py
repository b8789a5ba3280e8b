"""ONNX Runtime's static quantization, as its documentation shows it.

python peer.py versions
python peer.py pre <model> <output>
python peer.py quantize <pre-processed model> <output> <feeds folder> <settings as JSON> <file of ranges>

Prints seconds (imports not counted), processor seconds and the peak of the whole process.
"""

import json
import os
import resource
import sys
import time

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process


class Stored(CalibrationDataReader):
    """The samples that dump.ts wrote, read one at a time; `set_range` and `__len__` serve its CalibStridedMinMax."""

    def __init__(self, folder):
        with open(os.path.join(folder, "samples.json")) as file:
            self.samples = json.load(file)
        self.data = open(os.path.join(folder, "samples.bin"), "rb")
        self.set_range(0, len(self.samples))

    def __len__(self):
        return len(self.samples)

    def set_range(self, start_index, end_index):
        self.at, self.end = start_index, min(end_index, len(self.samples))

    def get_next(self):
        if self.at >= self.end:
            return None
        sample = self.samples[self.at]
        self.at += 1
        return {name: self.read(**where) for name, where in sample["feeds"].items()}

    def read(self, dtype, dims, at, bytes):
        self.data.seek(at)
        return np.frombuffer(self.data.read(bytes), dtype=dtype).reshape(dims)


def quantize(source, target, folder, settings, ranges):
    def run(extra):
        quantize_static(
            source,
            target,
            Stored(folder),
            quant_format=QuantFormat.QDQ,
            per_channel=settings["perChannel"],
            reduce_range=settings["reduceRange"],
            activation_type=QuantType[settings["activations"]],
            weight_type=QuantType[settings["weights"]],
            calibrate_method=CalibrationMethod[settings["method"]],
            extra_options=extra,
            calibration_cache_path=ranges,
        )

    try:
        run({})
    except ValueError as error:
        # Its histograms want samples of one shape; one sample at a time they need not be.
        if "inhomogeneous" not in str(error):
            raise
        print("note CalibStridedMinMax=1, since samples differ in length")
        run({"CalibStridedMinMax": 1})


task, *rest = sys.argv[1:]
if task == "versions":
    print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}, numpy {np.__version__}")
    sys.exit(0)

wall, processor = time.perf_counter(), time.process_time()
if task == "pre":
    source, target = rest
    quant_pre_process(source, target)
else:
    source, target, folder, settings, ranges = rest
    quantize(source, target, folder, json.loads(settings), ranges)
print("seconds", time.perf_counter() - wall)
print("processor", time.process_time() - processor)
try:
    with open("/proc/self/status") as status:
        peak = next(line for line in status if line.startswith("VmHWM")).split()[1]
except OSError:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print("peak", int(peak) * 1024)
