#!/usr/bin/env python3
"""Filters compared with an independent implementation: qdrant-client in local mode.

    filters.py check  --duet build/duet --seed 1 --rounds 200   # differences, if any
    filters.py golden --seed 1 > tests/golden/filters/cases.jsonl

Both make random payloads (nested objects, arrays of them, nulls, mixed types, places,
dates, integers past 2^53, several scripts) and random filters over the same few keys.
`check` runs each filter on a `duet serve` of its own and in qdrant-client, and compares
the ids. `golden` writes what qdrant-client found, for tests/db/filter_golden_test.c.

What is left out of the draw, since the two differ there on purpose, is said in
README.md beside this file.
"""
import argparse
import json
import random
import subprocess
import sys
import tempfile
import urllib.request
import uuid

from qdrant_client import QdrantClient, models

KEYS = ["a", "b", "n", "geo", "list", "obj", "x.y", "名-1"]
INNER = ["a", "b", "n", "geo", "deep"]
WORDS = ["red", "Red car", "car, red!", "blue", "", "the quick brown fox", "quick",
         "brown-fox quick", "fox fox fox brown fox", "Été chaud", "ÉTÉ", "chaud été",
         "狗在 海滩", "海滩", "straße 12", "12", "1", "true", "null", "a_b c", "Ёлка", "ёлка",
         "emoji 🎈 here", "HELLO", "hello world hello there", "x" * 300]
TEXTS = ["red", "car red", "quick fox", "fox brown fox", "brown fox", "été", "海滩", "狗在",
         "12 straße", "", "!!", "hello there", "hello hello", "b a", "ёлка", "fox fox"]
INTS = [0, 1, 1, 2, 3, -1, 12, 2**53, 2**53 + 1, 2**63 - 1, -2**63, 2**64 - 1]
FLOATS = [0.0, 1.0, 1.0, 2.0, 1.5, -2.25, 1e300, -1e-300, 0.1, float(2**53), 1e19]
BOUNDS = [0, 1, 2, 3, 5, -1, 1.5, 0.5, -2.25, 99, float(2**53), 9.3e18, 1e19, -1e300]
TIMES = ["2024-01-01T00:00:00Z", "2024-01-01", "2024-01-01 00:00:00",
         "2024-01-01T01:00:00+01:00", "2023-12-31T19:30:00-0430", "2024-01-01T00:00",
         "2024-02-29T12:00:00.5Z", "2024-02-29 12:00:00.500001", "2024-02-30",
         "2023-02-29T00:00:00Z", "2024-01-01T02:00:00+02", "  2024-06-15T12:30:45z",
         "2024-06-15 12:30:45 UTC", "2024-06-15T12:30:45.123 +02:00", "2024-6-5",
         "2024-06-15T12", "2024-06-15T12:30+01:00", "1969-12-31T23:59:59.999999Z",
         "0001-01-01", "9999-12-31T23:59:59Z", "20240101", "2024-01-01T25:00:00Z",
         "2024-01-01T00:00:00Z ", "2024-01-01T00:00:00.Z", "now", "2024-13-01"]
TIME_BOUNDS = ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00+01:00", "2024-02-29",
               "2024-02-29T12:00:00.5Z", "2024-06-15T12:30:45Z", "1970-01-01T00:00:00Z",
               "2023-12-31T23:59:59.999999Z", "2024-06-15T10:30:45.123Z"]
PLACES = [(52.52, 13.405), (52.5, 13.4), (48.8566, 2.3522), (0.0, 0.0), (10.0, 10.0),
          (5.0, 5.0), (0.0, 5.0), (-17.0, 179.5), (-17.0, -179.5), (89.9, 10.0), (1, 2)]


def pick(r, *chances):
    """One of (weight, function)."""
    return r.choices([f for _, f in chances], [w for w, _ in chances])[0]()


# ---- Payloads ----


def place(r):
    lat, lon = r.choice(PLACES)
    broken = r.random()
    if broken < 0.05:
        return {"lat": lat}
    if broken < 0.1:
        return {"lat": str(lat), "lon": lon}
    return {"lat": lat, "lon": lon}


def scalar(r):
    return pick(r, (4, lambda: r.choice(WORDS)), (4, lambda: r.choice(INTS)),
                (2, lambda: r.choice(FLOATS)), (1, lambda: r.random() < 0.5),
                (2, lambda: None), (3, lambda: r.choice(TIMES)), (2, lambda: place(r)))


def thing(r, depth):
    return {k: value(r, depth + 1) for k in r.sample(INNER, r.randint(0, 3))}


def value(r, depth):
    if depth > 3:
        return scalar(r)
    return pick(r, (8, lambda: scalar(r)),
                (2, lambda: [scalar(r) for _ in range(r.randint(0, 3))]),
                (2, lambda: [thing(r, depth) for _ in range(r.randint(0, 3))]),
                (2, lambda: thing(r, depth)),
                (1, lambda: [value(r, depth + 1) for _ in range(r.randint(0, 3))]))


def payload(r):
    if r.random() < 0.5:  # places where they are looked for
        return {"geo": place(r), **{k: value(r, 0) for k in r.sample(KEYS[:3], 2)}}
    return {k: value(r, 0) for k in r.sample(KEYS, r.randint(0, len(KEYS)))}


def points(r, n):
    out = []
    for i in range(n):
        if r.random() < 0.3:
            point_id = str(uuid.UUID(int=r.getrandbits(128)))
        else:
            point_id = r.choice([i, 2**32 + i, 2**63 - 1 - i])
        out.append({"id": point_id, "payload": payload(r),
                    "has": [s for s in ("u", "v") if r.random() < 0.7]})
    return out


# ---- Filters ----


def quoted(key):
    return '"%s"' % key if "." in key else key


def path(r):
    steps = quoted(r.choice(KEYS))
    for _ in range(r.choice([0, 0, 0, 0, 0, 1, 1, 2])):
        steps += r.choice(["", "", "[]", "[]", "[0]", "[1]", "[][]"])
        steps += "." + quoted(r.choice(INNER))
    return steps + r.choice(["", "", "", "", "", "", "[]", "[0]", "[1]"])


def match(r):
    strings = WORDS + TIMES
    return pick(
        r, (4, lambda: {"value": r.choice(strings + INTS + [True, False])}),
        (2, lambda: {"any": r.sample(strings, r.randint(0, 8))}),
        (2, lambda: {"any": r.sample(INTS, r.randint(0, 5))}),
        (1, lambda: {"except": r.sample(strings, r.randint(0, 20))}),
        (1, lambda: {"except": r.sample(INTS, r.randint(0, 8))}),
        (2, lambda: {"text": r.choice(TEXTS)}), (2, lambda: {"text_any": r.choice(TEXTS)}),
        (2, lambda: {"phrase": r.choice(TEXTS)}),
        (1, lambda: {"prefix": r.choice(WORDS)[:r.randint(0, 4)]}))


def bounds(r, choices):
    names = r.sample(["lt", "lte", "gt", "gte"], r.choice([0, 1, 1, 1, 2, 2]))
    return {name: r.choice(choices) for name in names}


def corner(r):
    lat, lon = r.choice(PLACES)
    return {"lat": max(-90, min(90, lat + r.choice([0, 0, -1, 1, 5]))),
            "lon": max(-180, min(180, lon + r.choice([0, 0, -1, 1, -5])))}


def ring(corners):
    return {"points": [{"lat": a, "lon": b} for a, b in corners + corners[:1]]}


def polygon(r):
    size = r.choice([10.0, 20.0, 6.0])
    outside = r.choice([[(0.0, 0.0), (0.0, size), (size, size), (size, 0.0)],
                        [(-1.0, -1.0), (-1.0, 20.0), (20.0, 5.0)],
                        [(40.0, 0.0), (40.0, 20.0), (60.0, 20.0), (60.0, 0.0)]])
    area = {"exterior": ring(outside)}
    if r.random() < 0.4:
        area["interiors"] = [ring([(4.0, 4.0), (4.0, 6.0), (6.0, 6.0), (6.0, 4.0)])]
    return area


def field_condition(r):
    key = path(r)
    what = pick(
        r, (8, lambda: {"match": match(r)}),
        (4, lambda: {"range": bounds(r, BOUNDS)}),
        (3, lambda: {"range": bounds(r, TIME_BOUNDS)}),
        (2, lambda: {"geo_radius": {"center": corner(r),
                                    "radius": r.choice([0.0, 1.0, 5000.0, 1e6, 3e7])}}),
        (1, lambda: {"geo_bounding_box": {"top_left": corner(r),
                                          "bottom_right": corner(r)}}),
        (1, lambda: {"geo_polygon": polygon(r)}),
        (2, lambda: {"values_count": bounds(r, [0, 1, 2, 3])}),
        (2, lambda: {"is_empty": r.random() < 0.5}),
        (2, lambda: {"is_null": r.random() < 0.5}))
    if "geo" in str(what) and r.random() < 0.7:
        key = r.choice(["geo", "geo", "geo", "obj.geo", "list[].geo", "a", "list"])
    return {"key": key, **what}


def condition(r, depth, ids):
    return pick(
        r, (12, lambda: field_condition(r)),
        (1, lambda: {"is_empty": {"key": path(r)}}),
        (1, lambda: {"is_null": {"key": path(r)}}),
        (1, lambda: {"has_id": r.sample(ids, r.randint(0, len(ids)))}),
        (1, lambda: {"has_vector": r.choice(["u", "v", "w"])}),
        (1, lambda: (lambda n: {"slice": {"total": n, "index": r.randrange(n)}})(
            r.randint(1, 4))),
        (2 if depth < 3 else 0, lambda: {"nested": {
            "key": r.choice(["list", "list[]", "obj.a", "a", "b", "n[]", "list[].a"]),
            "filter": random_filter(r, depth + 1, ids)}}),
        (2 if depth < 3 else 0, lambda: random_filter(r, depth + 1, ids)))


def group(r, depth, ids):
    if r.random() < 0.15:
        return condition(r, depth, ids)
    return [condition(r, depth, ids) for _ in range(r.choice([0, 1, 1, 2, 2, 3]))]


def random_filter(r, depth=0, ids=()):
    if r.random() < 0.5:  # one condition by itself: nothing hides what it says
        return {r.choice(["must", "must_not", "should"]): condition(r, depth, ids)}
    out = {}
    for clause in r.sample(["must", "should", "must_not"], r.choice([1, 1, 1, 2, 3])):
        out[clause] = group(r, depth, ids)
    if r.random() < 0.1:
        conditions = [condition(r, depth, ids) for _ in range(r.randint(0, 3))]
        out["min_should"] = {"conditions": conditions, "min_count": r.randint(1, 3)}
    return out


# ---- The two sides ----


class Peer:
    """qdrant-client in local mode."""

    def __init__(self, points):
        self.client = QdrantClient(":memory:")
        space = models.VectorParams(size=2, distance=models.Distance.COSINE)
        self.client.create_collection("c", vectors_config={"u": space, "v": space})
        self.client.upsert("c", [models.PointStruct(
            id=p["id"], payload=p["payload"],
            vector={s: [1.0, 0.5] for s in p["has"]}) for p in points])

    def ids(self, condition):
        found, _ = self.client.scroll("c", scroll_filter=models.Filter(**condition),
                                      limit=10000, with_payload=False)
        return sorted(str(p.id) for p in found)


class Duet:
    """A server on a free port, with a database of its own."""

    def __init__(self, program):
        self.folder = tempfile.TemporaryDirectory()
        self.server = subprocess.Popen(
            [program, "serve", "--listen", "127.0.0.1:0", "--db", self.folder.name + "/db"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in self.server.stdout:
            if "http://" in line:
                self.url = "http://" + line.split("http://")[1].split()[0].rstrip("/")
                break

    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            self.url + path, method=method,
            data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)["result"]
        except urllib.error.HTTPError as error:
            return {"error": error.read().decode()}

    def fill(self, points):
        space = {"size": 2, "distance": "Cosine"}
        self.ask("DELETE", "/collections/c")
        self.ask("PUT", "/collections/c", {"vectors": {"u": space, "v": space}})
        result = self.ask("PUT", "/collections/c/points", {"points": [
            {"id": p["id"], "payload": p["payload"],
             "vector": {s: [1.0, 0.5] for s in p["has"]}} for p in points]})
        assert result.get("status") == "completed", result

    def ids(self, condition):
        result = self.ask("POST", "/collections/c/points/scroll",
                          {"filter": condition, "limit": 10000, "with_payload": False})
        if "error" in result:
            return [result["error"]]
        return sorted(str(p["id"]) for p in result["points"])

    def close(self):
        self.server.terminate()
        self.server.wait()
        self.folder.cleanup()


# ---- Commands ----


def draw(seed, n_points, n_filters):
    r = random.Random(seed)
    chosen = points(r, n_points)
    ids = [p["id"] for p in chosen] + [r.randrange(1000), str(uuid.UUID(int=seed))]
    return chosen, [random_filter(r, 0, ids) for _ in range(n_filters)]


def check(args):
    duet = Duet(args.duet)
    n = n_found = n_wrong = 0
    for seed in range(args.seed, args.seed + args.rounds):
        chosen, filters = draw(seed, args.points, args.filters)
        peer = Peer(chosen)
        duet.fill(chosen)
        for condition in filters:
            want, got = peer.ids(condition), duet.ids(condition)
            n, n_found = n + 1, n_found + len(want)
            if want != got:
                n_wrong += 1
                print("seed %d: %s\n  qdrant-client: %s\n  duet:          %s" % (
                    seed, json.dumps(condition, ensure_ascii=False), want, got))
                for p in chosen:
                    if (str(p["id"]) in want) != (str(p["id"]) in got):
                        print("  %s" % json.dumps(p, ensure_ascii=False)[:3000])
                        break
            if n_wrong >= args.most:
                break
        if n_wrong >= args.most:
            break
    duet.close()
    print("seeds %d to %d: %d filters on %d points each, %.1f found by each, %d differ" % (
        args.seed, seed, n, args.points, n_found / max(n, 1), n_wrong))
    return 1 if n_wrong else 0


def golden(args):
    for seed in range(args.seed, args.seed + args.rounds):
        chosen, filters = draw(seed, args.points, args.filters)
        peer = Peer(chosen)
        cases = [{"filter": f, "ids": peer.ids(f)} for f in filters]
        json.dump({"seed": seed, "points": chosen, "cases": cases}, sys.stdout,
                  ensure_ascii=False, separators=(",", ":"))
        print()
    return 0


def run_command(doc, *commands):
    """Of (name, function, rounds, points a round, questions a round)."""
    parser = argparse.ArgumentParser(description=doc.split("\n")[0])
    subparsers = parser.add_subparsers(required=True)
    for name, run, rounds, n_points, n_questions in commands:
        command = subparsers.add_parser(name)
        command.set_defaults(run=run)
        command.add_argument("--seed", type=int, default=1)
        command.add_argument("--rounds", type=int, default=rounds)
        command.add_argument("--points", type=int, default=n_points)
        command.add_argument("--filters", "--questions", dest="filters", type=int,
                             default=n_questions)
        command.add_argument("--most", type=int, default=5, help="differences told")
        command.add_argument("--duet", default="build/duet")
    args = parser.parse_args()
    return args.run(args)


if __name__ == "__main__":
    sys.exit(run_command(__doc__, ("check", check, 100, 40, 100),
                         ("golden", golden, 40, 16, 75)))
