"""The samples that bench/train/data.ts wrote, in batches of tensors."""

import json
import os

import numpy as np
import torch


class Stored:
    """Samples that bench/train/data.ts wrote one after another: the inputs, then the label as int64."""

    def __init__(self, folder):
        with open(os.path.join(folder, "data.json")) as file:
            self.about = json.load(file)
        self.file = open(os.path.join(folder, "data.bin"), "rb")

    def batch(self, step, size):
        about = self.about
        rows = []
        for i in range(size):
            self.file.seek((step * size + i) % about["samples"] * about["stride"])
            rows.append(self.file.read(about["stride"]))
        joined = np.frombuffer(b"".join(rows), np.uint8).reshape(size, about["stride"])
        feeds, at = {}, 0
        for port in about["inputs"]:
            length = int(np.prod(port["dims"])) * np.dtype(port["dtype"]).itemsize
            values = np.ascontiguousarray(joined[:, at : at + length]).view(port["dtype"])
            feeds[port["name"]] = torch.from_numpy(values.reshape(size, *port["dims"]))
            at += length
        labels = np.ascontiguousarray(joined[:, at:]).view(np.int64).reshape(-1)
        return feeds, torch.from_numpy(labels)
