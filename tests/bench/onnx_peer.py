"""Races the image tower against ONNX Runtime: the same graph, weights and pictures, in turns, in one run.

    python3 -m venv VENV && VENV/bin/pip install numpy onnx onnxruntime
    make build/tests/bench/bench_encoder
    VENV/bin/python tests/bench/onnx_peer.py --model encoder/models/default

The graph is built from the model's own files (config.json, image.safetensors widened to float32), so nothing is converted
by hand. Each round times ONNX Runtime, then build/tests/bench/bench_encoder, each on its own; the medians over all rounds
are compared. With --threads N, ONNX Runtime gets N threads for one picture at a time, and we run N pictures side by side,
one a thread; what is compared is milliseconds a picture. Processor time is compared beside the clock, for machines that do
other work meanwhile (with several threads, ONNX Runtime's includes the spinning of those that wait).
"""
import argparse
import json
import os
import statistics
import subprocess
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def read_safetensors(path):
    """{name: float32 array}; F32 and F16 are what image towers are stored in."""
    with open(path, "rb") as f:
        size = int.from_bytes(f.read(8), "little")
        header = json.loads(f.read(size))
        data = f.read()
    types = {"F32": np.float32, "F16": np.float16}
    out = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            array = np.frombuffer(data[begin:end], types[entry["dtype"]])
            out[name] = array.astype(np.float32).reshape(entry["shape"])
    return out


class Graph:
    """Collects nodes; every method returns the name of its output."""

    def __init__(self, weights):
        self.weights, self.nodes, self.constants = weights, [], []

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, kind, *inputs, **attributes):
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def conv(self, x, name, kernel=1, stride=1, groups=1):
        """The layer `name`: its weights are stored [out, ky, kx, in], [ky, kx, channels] or [out, in]."""
        w = self.weights[name + ".weight"]
        if groups > 1:
            w = w.transpose(2, 0, 1)[:, None]
        elif kernel > 1:
            w = w.transpose(0, 3, 1, 2)
        else:
            w = w[:, :, None, None]
        return self.node("Conv", x, self.constant(w), self.constant(self.weights[name + ".bias"]),
                         kernel_shape=[kernel, kernel], strides=[stride, stride], group=groups, auto_pad="SAME_UPPER")

    def relu6(self, x):
        return self.node("Clip", x, self.constant(np.float32(0)), self.constant(np.float32(6)))


def build(config, weights):
    """The image tower as an ONNX model: pixels[1, 3, size, size] into features[1, width]."""
    g = Graph(weights)
    taps = {}
    x, channels = g.relu6(g.conv("pixels", "stem", 3, 2)), config["stem"]
    for i, b in enumerate(config["blocks"]):
        y, mid = x, channels * b["expand"]
        if b["expand"] > 1:
            y = g.relu6(g.conv(y, f"blocks.{i}.expand"))
        y = g.relu6(g.conv(y, f"blocks.{i}.depthwise", b["kernel"], b["stride"], mid))
        y = g.conv(y, f"blocks.{i}.project")
        x = g.node("Add", x, y) if b["stride"] == 1 and channels == b["out"] else y
        channels = b["out"]
        taps[i] = x
    top = g.relu6(g.conv(x, "top"))
    means = [g.node("GlobalAveragePool", m) for m in [top] + [taps[t] for t in config["taps"]]]
    g.nodes.append(helper.make_node("Flatten", [g.node("Concat", *means, axis=1)], ["features"]))
    size = config["size"]
    graph = helper.make_graph(g.nodes, "tower", [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 3, size, size])],
                              [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, None])], g.constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def session(model, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def time_peer(peer, pixels, n):
    """[(milliseconds on the clock, of processor time)] of n runs."""
    out = []
    for _ in range(n):
        wall, cpu = time.perf_counter(), time.process_time()
        peer.run(None, {"pixels": pixels})
        out.append((1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu)))
    return out


def time_duet(args):
    """The same of a picture, as our benchmark program prints it: a line a picture."""
    command = [args.bench, "--race", str(args.runs), str(args.threads), args.model]
    lines = subprocess.check_output(command, text=True).splitlines()
    return [tuple(float(x) for x in line.split()) for line in lines]


def compare_features(peer, pixels, args):
    """The cosine between the peer's features and ours for the same pixels."""
    command = [args.bench, "--features", args.model]
    ours = np.frombuffer(subprocess.run(command, input=pixels.transpose(0, 2, 3, 1).tobytes(), stdout=subprocess.PIPE,
                                        check=True).stdout, np.float32)
    theirs = peer.run(None, {"pixels": pixels})[0][0]
    return float(ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--model", default="encoder/models/default")
    p.add_argument("--bench", default="build/tests/bench/bench_encoder")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--rounds", type=int, default=10)
    p.add_argument("--runs", type=int, default=15, help="pictures in a turn")
    args = p.parse_args()
    with open(os.path.join(args.model, "config.json"), encoding="utf-8") as f:
        config = json.load(f)["image"]
    peer = session(build(config, read_safetensors(os.path.join(args.model, config["weights"]))), args.threads)
    pixels = np.random.default_rng(1).uniform(-1, 1, (1, 3, config["size"], config["size"])).astype(np.float32)
    print("same features: cosine %.7f" % compare_features(peer, pixels, args))
    time_peer(peer, pixels, 5)
    theirs, ours = [], []
    for _ in range(args.rounds):
        theirs += time_peer(peer, pixels, args.runs)
        ours += time_duet(args)
    print("onnxruntime %s against duet (kernels: %s), %d thread(s), %d pictures each" % (
        onnxruntime.__version__, os.environ.get("DUET_KERNELS", "the best"), args.threads, len(theirs)))
    for i, clock in enumerate(["on the clock", "processor time"]):
        a, b = [t[i] for t in theirs], [t[i] for t in ours]
        print("%-14s  medians %.2f and %.2f ms: we take %.2f of its time; best %.2f and %.2f ms: %.2f" % (
            clock, statistics.median(a), statistics.median(b), statistics.median(b) / statistics.median(a), min(a), min(b),
            min(b) / min(a)))


if __name__ == "__main__":
    main()
