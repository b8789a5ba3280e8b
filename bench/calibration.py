"""One of ONNX Runtime's calibrators over the samples of bench/calibration.ts: python calibration.py <model> <method> <samples>."""

import json
import os
import re
import sys
import time

import numpy as np
from onnxruntime.quantization.calibrate import CalibrationDataReader, CalibrationMethod, create_calibrator

source, method, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
name = os.environ["PARE_BENCH_INPUT"]
dims = [int(size) for size in os.environ["PARE_BENCH_DIMS"].split(",")]
feeds = np.memmap(os.environ["PARE_BENCH_FEEDS"], dtype=np.float32, mode="r").reshape([-1, *dims])


class Reader(CalibrationDataReader):
    def __init__(self):
        self.at = 0

    def get_next(self):
        if self.at == min(count, len(feeds)):
            return None
        self.at += 1
        return {name: np.array(feeds[self.at - 1])}


begin, used = time.perf_counter(), time.process_time()
calibrator = create_calibrator(
    source, augmented_model_path=f"{os.environ['PARE_BENCH_FEEDS']}.onnx", calibrate_method=CalibrationMethod[method]
)
calibrator.set_execution_providers(["CPUExecutionProvider"])
calibrator.collect_data(Reader())
calibrator.compute_data()
peak = int(re.search(r"^VmHWM:\s+(\d+) kB$", open("/proc/self/status").read(), re.M)[1]) * 1024
print(json.dumps({"seconds": time.perf_counter() - begin, "cpu": time.process_time() - used, "peak": peak}))
