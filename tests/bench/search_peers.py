#!/usr/bin/env python3
"""Searches beside graph indexes, on the same real encodings at equal recall.

    python3 -m venv VENV && VENV/bin/pip install -r tests/bench/search_peers.txt
    VENV/bin/python tests/bench/search_peers.py build/tests/bench/search_duet DB QUERIES

DB is a database of real pictures (make recall-data), QUERIES a text a line. Beside Duet:
FAISS HNSW (bare), usearch and hnswlib, each built at M 16, 32 and 48 (efConstruction 128)
and swept over ef; Duet is swept over candidates and lists. For each side (texts ask for
pictures, pictures ask for pictures, 1000 of each, none of them in the index) and each
recall@10 (0.95 and 0.98 against the exact ten) the fastest setting of each counts.

One thread. Times are processor time of a query, the mean over a side's queries; the
chosen settings are then measured in turns, and the median of five rounds is told. The
peers get all queries in one call, so that Python costs them nothing; Duet is asked one
by one, with the transaction, ids and exact rescoring of a whole `duet_search`. Builds
are processor time, too, but for Duet's, which is wall time.
"""
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import faiss
import hnswlib
import numpy
import usearch.index

K = 10
N_QUERIES = 1000
N_ROUNDS = 5
EF_CONSTRUCTION = 128
SIDES = ["text", "picture"]
TARGETS = [0.95, 0.98]
M_SWEPT = [16, 32, 48]
EF_SWEPT = [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048]
OVERSAMPLING_SWEPT = [1, 5, 10, 20, 40, 60, 80, 100, 150, 200, 400]
NPROBE_SWEPT = [0, 4, 8, 16, 32, 64]


def used_s():
    return time.process_time()


def share_found(found, truth):
    return float(numpy.mean([len(set(f) & set(t)) / K for f, t in zip(found, truth)]))


class Graph:
    """A built index: search(queries, ef) gives [n, K] numbers, n_bytes() its size."""

    def __init__(self, name, m, base):
        start = used_s()
        self.search, n_bytes = BUILDERS[name](m, base)
        self.name, self.m, self.build_s = name, m, used_s() - start
        self.links = n_bytes() / len(base) - base.shape[1] * 4


def build_faiss(m, base):
    index = faiss.IndexHNSWFlat(base.shape[1], m, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = EF_CONSTRUCTION
    index.add(base)

    def search(queries, ef):
        index.hnsw.efSearch = ef
        return index.search(queries, K)[1]

    return search, lambda: len(faiss.serialize_index(index))


def build_hnswlib(m, base):
    index = hnswlib.Index(space="ip", dim=base.shape[1])
    index.init_index(len(base), M=m, ef_construction=EF_CONSTRUCTION, random_seed=1)
    index.add_items(base, num_threads=1)

    def search(queries, ef):
        index.set_ef(ef)
        return index.knn_query(queries, k=K, num_threads=1)[0]

    return search, index.index_file_size


def build_usearch(m, base):
    index = usearch.index.Index(
        ndim=base.shape[1], metric="ip", dtype="f32", connectivity=m,
        expansion_add=EF_CONSTRUCTION,
    )
    index.add(numpy.arange(len(base)), base, threads=1)

    def search(queries, ef):
        index.expansion_search = ef
        return index.search(queries, K, threads=1).keys

    return search, lambda: index.serialized_length


BUILDERS = {"FAISS HNSW": build_faiss, "hnswlib": build_hnswlib, "usearch": build_usearch}


class Duet:
    def __init__(self, program, db, queries, folder):
        self.process = subprocess.Popen(
            [program, db, queries, str(N_QUERIES), folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        words = self.process.stdout.readline().split()
        if not words or words[0] != "ready":
            sys.exit("search_peers.py: search_duet failed")
        self.build_s, self.segment_bytes = float(words[1]), int(words[2])
        self.kind = " ".join(words[3:])

    def ask(self, side, setting):
        self.process.stdin.write(f"{SIDES.index(side)} {setting[0]} {setting[1]}\n")
        self.process.stdin.flush()
        recall, ms = self.process.stdout.readline().split()
        return float(recall), float(ms)


def exact_ten(base, queries):
    scores = queries @ base.T
    return numpy.argsort(-scores, axis=1, kind="stable")[:, :K]


def ask_graph(graph, queries, truth, ef):
    start = used_s()
    found = graph.search(queries, ef)
    ms = (used_s() - start) / len(queries) * 1e3
    return share_found(found, truth), ms


class Choice:
    """The fastest setting of one system that reaches a target."""

    def __init__(self, label, ask):
        self.label, self.ask, self.ms, self.recall = label, ask, float("inf"), 0.0
        self.rounds = []


def choose(swept, target):
    """Of [(label, ask, recall, ms)] the fastest that has the target's recall."""
    good = [s for s in swept if s[2] >= target]
    if not good:
        return None
    label, ask, recall, ms = min(good, key=lambda s: s[3])
    choice = Choice(label, ask)
    choice.recall, choice.ms = recall, ms
    return choice


def sweep_duet(duet, side):
    for over in OVERSAMPLING_SWEPT:
        for nprobe in NPROBE_SWEPT if "IVF" in duet.kind else [0]:
            ask = lambda s=(over, nprobe): duet.ask(side, s)
            label = f"{over} candidates a result" + (f", {nprobe} lists" if nprobe else "")
            yield label, ask, *ask()


def sweep_graph(graph, queries, truth):
    for ef in EF_SWEPT:
        ask = lambda e=ef: ask_graph(graph, queries, truth, e)
        recall, ms = ask()
        yield f"M {graph.m}, ef {ef}", ask, recall, ms
        if recall >= max(TARGETS) + 0.005:
            break


def measure_in_turns(choices):
    for _ in range(N_ROUNDS):
        for choice in choices:
            choice.rounds.append(choice.ask()[1])


def print_side(side, duet, graphs, queries, truth):
    systems = {"Duet": list(sweep_duet(duet, side))}
    for graph in graphs:
        systems.setdefault(graph.name, []).extend(sweep_graph(graph, queries, truth))
    for target in TARGETS:
        chosen = {name: choose(swept, target) for name, swept in systems.items()}
        measure_in_turns([c for c in chosen.values() if c])
        ours = statistics.median(chosen["Duet"].rounds) if chosen["Duet"] else None
        for name, choice in chosen.items():
            if choice is None:
                best = max(s[2] for s in systems[name])
                print(f"| {side} | {target} | {name} | not reached: {best:.3f} | | |")
                continue
            ms = statistics.median(choice.rounds)
            ratio = f"{ms / ours:.2f}" if ours else ""
            print(
                f"| {side} | {target} | {name} | {choice.recall:.3f} ({choice.label}) "
                f"| {1000 / ms:.0f} | {ratio} |", flush=True,
            )


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    faiss.omp_set_num_threads(1)
    folder = tempfile.mkdtemp(prefix="duet-peers-")
    try:
        duet = Duet(*sys.argv[1:4], folder)
        load = lambda name: numpy.load(os.path.join(folder, name + ".npy"))
        base = load("base")
        print(f"{len(base)} pictures of {base.shape[1]}, {N_QUERIES} queries a side\n")
        print("| | build s | bytes a vector beside the vector |\n|---|---|---|")
        print(f"| Duet, {duet.kind} | {duet.build_s:.1f} | {duet.segment_bytes / len(base):.0f} |")
        graphs = []
        for name in BUILDERS:
            for m in M_SWEPT:
                graphs.append(Graph(name, m, base))
                g = graphs[-1]
                print(f"| {name}, M {m} | {g.build_s:.1f} | {g.links:.0f} |", flush=True)
        print("\n| side | recall | | reached (setting) | queries/s | takes, of Duet's time |")
        print("|---|---|---|---|---|---|")
        for side in SIDES:
            queries = load(side)
            print_side(side, duet, graphs, queries, exact_ten(base, queries))
        duet.process.stdin.close()
        duet.process.wait()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
