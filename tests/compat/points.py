#!/usr/bin/env python3
"""points.py - random operations on a served Duet and on qdrant-client in local mode.

    python3 -m venv V && V/bin/pip install -r tests/compat/requirements.txt
    V/bin/python tests/compat/points.py --duet build/duet --openapi openapi.json \
        --seed 1 --steps 500

After every step both must hold the same points (ids, payloads, vectors to 1e-6), and
answer random searches alike (order, scores to 1e-5). Every answer of Duet is validated
against the dialect's OpenAPI description. The seed is printed; a difference ends the
run with status 1. --golden FILE writes the requests and Duet's answers, which
tests/net/points_golden_test.c replays without Python.

Where Duet differs on purpose (docs/HTTP.md) only Duet is asked, and its own answer is
checked: a point that is not there makes the whole request fail, and nothing of it is
done.
"""

import argparse
import http.client
import json
import math
import random
import subprocess
import sys
import tempfile
import uuid

import jsonschema
import numpy as np
from qdrant_client import QdrantClient, models

SPACES = {
    # name: size, distance, datatype
    "cos": (6, "Cosine", "float32"),
    "dot": (5, "Dot", "float32"),
    "euc": (4, "Euclid", "float32"),
    "man": (3, "Manhattan", "float32"),
    "half": (8, "Euclid", "float16"),
    "byte": (7, "Manhattan", "uint8"),
    "bytecos": (5, "Cosine", "uint8"),
}
EXTRA = {"late": (2, "Euclid", "float32"), "later": (3, "Dot", "float16")}
NAME, ALIAS = "things", "alias"


def fail(what, *details):
    print("DIFFERENCE:", what)
    for d in details:
        print("   ", d)
    sys.exit(1)


class Schemas:
    """The responses of the OpenAPI description, as JSON Schema."""

    def __init__(self, path):
        self.doc = self.convert(json.load(open(path)))
        self.validators = {}

    def convert(self, s):
        """OpenAPI 3.0 says `nullable` where JSON Schema says the type null."""
        if isinstance(s, list):
            return [self.convert(x) for x in s]
        if not isinstance(s, dict):
            return s
        out = {k: self.convert(v) for k, v in s.items() if k not in ("nullable", "example", "default")}
        if s.get("nullable") is True:
            if "type" in out:
                out["type"] = [out["type"], "null"]
                if "enum" in out:
                    out["enum"] = out["enum"] + [None]
            else:
                out = {"type": "null"} if not out else {"anyOf": [out, {"type": "null"}]}
        return out

    def template(self, path):
        """The description's path that fits best: with the fewest parameters."""
        parts = path.split("/")
        fits = [t for t in self.doc["paths"]
                if len(t.split("/")) == len(parts)
                and all(a == b or a.startswith("{") for a, b in zip(t.split("/"), parts))]
        return min(fits, key=lambda t: t.count("{"))

    def check(self, method, path, status, answer):
        t = self.template(path)
        responses = self.doc["paths"][t][method.lower()]["responses"]
        key = "200" if status == 200 else "4XX"
        if (t, method, key) not in self.validators:
            schema = responses[key]["content"]["application/json"]["schema"]
            root = {"components": self.doc["components"], **schema}
            self.validators[t, method, key] = jsonschema.Draft202012Validator(root)
        for e in self.validators[t, method, key].iter_errors(answer):
            fail("an answer is not as its schema says", method + " " + path, e.message, answer)


class Duet:
    def __init__(self, binary, schemas, golden):
        self.folder = tempfile.TemporaryDirectory()
        self.schemas = schemas
        self.golden = golden
        self.process = subprocess.Popen(
            [binary, "serve", "--db", self.folder.name + "/db", "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        while True:
            line = self.process.stdout.readline()
            if "http://" in line:
                break
            if not line:
                sys.exit("the server did not start")
        host = line[line.index("http://") + 7:].split()[0].strip("/").split("/")[0]
        self.http = http.client.HTTPConnection(host)

    def ask(self, method, path, body=None, status=200, golden=True):
        text = None if body is None else json.dumps(body)
        self.http.request(method, path, text, {"Content-Type": "application/json"})
        reply = self.http.getresponse()
        raw = reply.read()
        try:
            answer = json.loads(raw)
        except ValueError:
            fail("an answer is not JSON", method + " " + path, raw)
        if reply.status != status:
            fail(f"status {reply.status}, not {status}", method + " " + path, text, answer)
        if status < 500:
            self.schemas.check(method, path, reply.status, answer)
        if self.golden and golden:
            print(json.dumps({"method": method, "path": path, "body": body, "status": status,
                              "result": answer.get("result")}, separators=(",", ":")), file=self.golden)
        return answer.get("result")

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


class Run:
    def __init__(self, args):
        self.r = random.Random(args.seed)
        self.duet = Duet(args.duet, Schemas(args.openapi),
                         open(args.golden, "w") if args.golden else None)
        self.local = QdrantClient(":memory:")
        self.spaces = dict(SPACES)
        self.ids = [self.r.randrange(2**64) if self.r.random() < 0.2 else i for i in range(20)]
        self.ids += [str(uuid.UUID(int=self.r.getrandbits(128))) for _ in range(10)]
        self.there = set()
        self.counts = {}

    # ---- what operations are made of ----

    def vector(self, name):
        size, _, datatype = self.spaces[name]
        if datatype == "uint8":
            return [self.r.randrange(256) for _ in range(size - 1)] + [self.r.randrange(1, 256)]
        v = np.array([self.r.gauss(0, 1) for _ in range(size)], dtype=np.float32)
        if datatype == "float16":
            v = v.astype(np.float16).astype(np.float32)
        return [float(x) for x in v]

    def vectors(self, at_least=0):
        names = list(self.spaces)
        k = self.r.randint(at_least, len(names))
        return {n: self.vector(n) for n in self.r.sample(names, k)}

    def value(self, depth=0):
        r = self.r.random()
        if depth < 3 and r < 0.25:
            return self.payload(depth + 1)
        if depth < 3 and r < 0.45:
            return [self.value(depth + 1) for _ in range(self.r.randint(0, 3))]
        return self.r.choice([None, True, False, 0, -3, 2**63, 1.5, -1e-3, "", "red", "图", "a\"b\\c\n"])

    def payload(self, depth=0):
        return {k: self.value(depth) for k in self.r.sample(["a", "b", "c", "d e", "é"], self.r.randint(0, 4))}

    def path(self):
        steps = [self.r.choice(["a", "b", "c", '"d e"', "é", "new"])]
        for _ in range(self.r.randint(0, 3)):
            r = self.r.random()
            if r < 0.3:
                steps[-1] += "[]"
            elif r < 0.5:
                steps[-1] += f"[{self.r.randint(0, 3)}]"
            else:
                steps.append(self.r.choice(["a", "b", "c", '"d e"']))
        return ".".join(steps)

    def some_ids(self):
        return self.r.sample(sorted(self.there, key=str), min(len(self.there), self.r.randint(1, 4)))

    # ---- one operation: (kind, body as in a batch, models object for local) ----

    def operation(self, single=False):
        kind = self.r.choice(["upsert"] * 4 + ["delete"] + ["set_payload"] * 3 +
                             ["overwrite_payload", "delete_payload", "delete_payload", "clear_payload",
                              "update_vectors", "update_vectors", "delete_vectors"])
        if kind != "upsert" and not self.there:
            kind = "upsert"
        body = getattr(self, "make_" + kind)()
        if kind in ("upsert", "update_vectors") and self.r.random() < 0.2:
            body["update_filter"] = self.filter()
        elif kind not in ("upsert", "update_vectors") and (single or kind != "delete"):
            body = self.select(body)  # in a batch, later operations must know who is there
        return kind, body

    def filter(self):
        conditions = [
            lambda: {"key": self.r.choice(["a", "b", "c"]), "match": {"value": self.r.choice([True, False, 0, -3, "", "red", "图"])}},
            lambda: {"is_empty": {"key": self.r.choice(["a", "b", "c"])}},
            lambda: {"has_id": self.r.sample(self.ids, 8)},
            lambda: {"has_vector": self.r.choice(list(SPACES))},
        ]
        return {self.r.choice(["must", "must_not", "should"]): [self.r.choice(conditions)() for _ in range(self.r.randint(1, 2))]}

    def select(self, body):
        """Some operations choose their points by a filter."""
        if self.r.random() < 0.3:
            del body["points"]
            body["filter"] = self.filter()
        return body

    def make_columns(self):
        """An upsert in columns: all points have the same spaces."""
        ids = self.r.sample(self.ids, self.r.randint(1, 5))
        names = self.r.sample(list(self.spaces), self.r.randint(1, len(self.spaces)))
        batch = {"ids": ids, "vectors": {n: [self.vector(n) for _ in ids] for n in names}}
        if self.r.random() < 0.7:
            batch["payloads"] = [self.payload() for _ in ids]
        return {"batch": batch}

    def make_upsert(self):
        if self.r.random() < 0.15:
            return self.make_columns()
        points = []
        for i in self.r.sample(self.ids, self.r.randint(1, 5)):
            p = {"id": i, "vector": self.vectors()}
            if self.r.random() < 0.8:
                p["payload"] = self.payload()
            points.append(p)
        body = {"points": points}
        mode = self.r.choice([None, None, "upsert", "insert_only", "update_only"])
        if mode:
            body["update_mode"] = mode
        return body

    def make_delete(self):
        return {"points": self.r.sample(self.ids, self.r.randint(1, 2))}

    def make_set_payload(self):
        body = {"payload": self.payload(), "points": self.some_ids()}
        if self.r.random() < 0.6:
            body["key"] = self.path()
        return body

    def make_overwrite_payload(self):
        return {"payload": self.payload(), "points": self.some_ids()}

    def make_delete_payload(self):
        return {"keys": [self.path() for _ in range(self.r.randint(1, 3))], "points": self.some_ids()}

    def make_clear_payload(self):
        return {"points": self.some_ids()}

    def make_update_vectors(self):
        return {"points": [{"id": i, "vector": self.vectors(1)} for i in self.some_ids()]}

    def make_delete_vectors(self):
        names = self.r.sample(list(self.spaces), self.r.randint(1, 3))
        return {"vector": names, "points": self.some_ids()}

    def note(self, kind, body):
        """Which points are there after it."""
        if kind == "upsert":
            if body.get("update_mode") != "update_only":
                ids = body["batch"]["ids"] if "batch" in body else [p["id"] for p in body["points"]]
                self.there |= set(ids)
        elif kind == "delete" and "points" in body:
            self.there -= set(body["points"])

    ROUTES = {
        "upsert": ("PUT", ""), "delete": ("POST", "/delete"), "set_payload": ("POST", "/payload"),
        "overwrite_payload": ("PUT", "/payload"), "delete_payload": ("POST", "/payload/delete"),
        "clear_payload": ("POST", "/payload/clear"), "update_vectors": ("PUT", "/vectors"),
        "delete_vectors": ("POST", "/vectors/delete"),
    }

    OPERATIONS = {
        "upsert": (models.UpsertOperation, models.PointsList),
        "delete": (models.DeleteOperation, models.PointIdsList),
        "set_payload": (models.SetPayloadOperation, models.SetPayload),
        "overwrite_payload": (models.OverwritePayloadOperation, models.SetPayload),
        "delete_payload": (models.DeletePayloadOperation, models.DeletePayload),
        "clear_payload": (models.ClearPayloadOperation, models.PointIdsList),
        "update_vectors": (models.UpdateVectorsOperation, models.UpdateVectors),
        "delete_vectors": (models.DeleteVectorsOperation, models.DeleteVectors),
    }

    def tell_local(self, operations):
        made = []
        for kind, body in operations:
            outer, inner = self.OPERATIONS[kind]
            if "batch" in body:
                inner = models.PointsBatch
            elif inner is models.PointIdsList and "filter" in body:
                inner = models.FilterSelector
            made.append(outer(**{kind: inner(**json.loads(json.dumps(body)))}))
        self.local.batch_update_points(NAME, made)

    def points_path(self):
        return f"/collections/{self.r.choice([NAME, NAME, ALIAS])}/points"

    def step(self):
        r = self.r.random()
        if r < 0.04:
            return self.step_space()
        if r < 0.10:
            return self.step_missing()
        if r < 0.25:
            operations = []
            for _ in range(self.r.randint(1, 5)):
                kind, body = self.operation()
                self.note(kind, body)
                operations.append((kind, body))
            self.duet.ask("POST", self.points_path() + "/batch",
                          {"operations": [{k: b} for k, b in operations]})
        else:
            kind, body = self.operation(single=True)
            self.note(kind, body)
            method, route = self.ROUTES[kind]
            self.duet.ask(method, self.points_path() + route, body)
            operations = [(kind, body)]
        self.tell_local(operations)
        return "batch" if r < 0.25 else operations[0][0]

    def step_space(self):
        """Adds a vector space, or removes one that was added."""
        name = self.r.choice(list(EXTRA))
        size, distance, datatype = EXTRA[name]
        path = f"/collections/{NAME}/vectors/{name}"
        if name in self.spaces:
            del self.spaces[name]
            self.duet.ask("DELETE", path)
            self.local.delete_vector_name(NAME, name)
            return "space removed"
        self.spaces[name] = EXTRA[name]
        self.duet.ask("PUT", path, {"dense": {"size": size, "distance": distance, "datatype": datatype}})
        self.local.create_vector_name(NAME, name, models.DenseVectorNameConfig(
            dense=models.DenseVectorConfig(size=size, distance=distance)))
        return "space added"

    def step_missing(self):
        """One of the points is not there: nothing of the request is done."""
        kind = self.r.choice(["set_payload", "overwrite_payload", "delete_payload", "clear_payload",
                              "update_vectors", "delete_vectors"])
        if not self.there:
            return "missing skipped"
        body = getattr(self, "make_" + kind)()
        gone = 123456789
        body["points"].append({"id": gone, "vector": self.vectors(1)} if kind == "update_vectors" else gone)
        first = [{"upsert": self.make_upsert()}]
        if self.r.random() < 0.5:
            self.duet.ask("POST", self.points_path() + "/batch", {"operations": first + [{kind: body}]}, 404)
        else:
            method, route = self.ROUTES[kind]
            self.duet.ask(method, self.points_path() + route, body, 404)
        return "missing"

    # ---- comparing ----

    def compare(self, golden):
        mine = self.duet.ask("POST", self.points_path() + "/scroll",
                             {"limit": 1000, "with_vector": True, "with_payload": True},
                             golden=golden)["points"]
        theirs, _ = self.local.scroll(NAME, limit=1000, with_vectors=True, with_payload=True)
        by_id = {p.id: p for p in theirs}
        self.there = set(by_id)
        if len(mine) != len(by_id) or {p["id"] for p in mine} != set(by_id):
            fail("ids", [p["id"] for p in mine], list(by_id))
        for p in mine:
            q = by_id[p["id"]]
            if p["payload"] != (q.payload or {}):
                fail(f"payload of {p['id']}", p["payload"], q.payload)
            self.compare_vectors(p, q.vector)

    def compare_vectors(self, p, theirs):
        theirs = theirs or {}
        if set(p["vector"]) != set(theirs):
            fail(f"spaces of {p['id']}", sorted(p["vector"]), sorted(theirs))
        for name, v in p["vector"].items():
            w = np.array(theirs[name])
            v = np.array(v)
            if self.spaces[name][1:] == ("Cosine", "uint8"):
                v = v / np.linalg.norm(v)  # bytes are not stored at unit length
            if np.max(np.abs(v - w)) > 1e-6 * max(1, np.max(np.abs(w))):
                fail(f"vector {name} of {p['id']}", v, w)

    def search(self):
        name = self.r.choice(list(self.spaces))
        query = self.vector(name)
        body = {"query": query, "using": name, "limit": self.r.randint(1, 12),
                "offset": self.r.choice([0, 0, 3])}
        extra = {}
        if self.r.random() < 0.3:
            extra["score_threshold"] = self.r.choice([-0.5, 0.5, 1.5, 3.0, 100.0, 300.0])
        mine = self.duet.ask("POST", self.points_path() + "/query", {**body, **extra})["points"]
        theirs = self.local.query_points(NAME, query=query, using=name, limit=body["limit"],
                                         offset=body["offset"], **extra).points
        if len(mine) != len(theirs):
            fail(f"search {name}: {len(mine)} and {len(theirs)} results", {**body, **extra}, mine, theirs)
        scores = [p.score for p in theirs]
        for i, (p, q) in enumerate(zip(mine, theirs)):
            near = 1e-5 * max(1, abs(q.score))
            if not math.isclose(p["score"], q.score, abs_tol=near):
                fail(f"search {name}: score {i}", {**body, **extra}, p, q)
            tied = any(abs(s - q.score) <= near for j, s in enumerate(scores) if j != i)
            if p["id"] != q.id and not tied and i + 1 < len(mine):
                fail(f"search {name}: order at {i}", mine, theirs)

    def create(self):
        vectors = {n: {"size": s, "distance": d, "datatype": t} for n, (s, d, t) in SPACES.items()}
        self.duet.ask("PUT", f"/collections/{NAME}", {"vectors": vectors, "metadata": {"a": 1}})
        self.duet.ask("PATCH", f"/collections/{NAME}", {"metadata": {"a": None, "b": [2]}})
        info = self.duet.ask("GET", f"/collections/{NAME}")
        if info["config"]["metadata"] != {"b": [2]}:
            fail("metadata", info)
        if info["config"]["params"]["vectors"]["byte"] != vectors["byte"]:
            fail("params", info)
        self.duet.ask("POST", "/collections/aliases", {"actions": [
            {"create_alias": {"alias_name": "first", "collection_name": NAME}},
            {"rename_alias": {"old_alias_name": "first", "new_alias_name": ALIAS}},
            {"delete_alias": {"alias_name": "not there"}}]})
        wanted = {"aliases": [{"alias_name": ALIAS, "collection_name": NAME}]}
        for path in ("/aliases", f"/collections/{NAME}/aliases"):
            if self.duet.ask("GET", path) != wanted:
                fail("aliases")
        self.duet.ask("GET", f"/collections/{ALIAS}/exists")
        self.duet.ask("PUT", f"/collections/{ALIAS}", {"vectors": vectors}, 409)
        self.local.create_collection(NAME, vectors_config={
            n: models.VectorParams(size=s, distance=d) for n, (s, d, _) in SPACES.items()})

    def wrong(self):
        """Requests that must fail, and change nothing."""
        base = f"/collections/{NAME}/points"
        for method, path, body, status in [
            ("PUT", base, {"points": []}, 400),
            ("PUT", base, {"points": [{"id": 1, "vector": {"cos": [0, 0, 0, 0, 0, 0]}}]}, 400),
            ("PUT", base, {"points": [{"id": 1, "vector": {"cos": [1, 2]}}]}, 400),
            ("PUT", base, {"points": [{"id": 1, "vector": {"byte": [256, 0, 0, 0, 0, 0, 0]}}]}, 400),
            ("PUT", base, {"points": [{"id": 1, "vector": {"half": [1e6, 0, 0, 0, 0, 0, 0, 0]}}]}, 400),
            ("PUT", base, {"points": [{"id": 1, "vector": {}}], "update_mode": "never"}, 400),
            ("POST", base + "/payload", {"payload": {}, "points": [1], "key": "a..b"}, 400),
            ("POST", base + "/payload", {"payload": {}, "points": []}, 400),
            ("POST", base + "/payload/delete", {"keys": ["a["], "points": [1]}, 400),
            ("POST", base + "/vectors/delete", {"vector": ["none"], "points": [1]}, 404),
            ("POST", base + "/batch", {"operations": [{"upsert": {}}]}, 400),
            ("POST", base + "/batch", {"operations": [{"nonsense": {}}]}, 400),
            ("POST", "/collections/aliases", {"actions": [
                {"create_alias": {"alias_name": "x", "collection_name": "none"}}]}, 404),
            ("POST", "/collections/aliases", {"actions": [
                {"create_alias": {"alias_name": NAME, "collection_name": NAME}}]}, 409),
            ("PUT", f"/collections/{NAME}/vectors/cos", {"dense": {"size": 1, "distance": "Dot"}}, 409),
            ("PATCH", "/collections/none", {"metadata": {}}, 404),
        ]:
            self.duet.ask(method, path, body, status)

    def run(self, steps):
        self.create()
        for i in range(steps):
            kind = self.step()
            self.counts[kind] = self.counts.get(kind, 0) + 1
            if i % 50 == 0:
                self.wrong()
            self.compare(golden=i % 12 == 11)
            for _ in range(2):
                self.search()
        print("steps by kind:", dict(sorted(self.counts.items())))


def main(run_type, what, default):
    """Runs `default` steps, or whatever they are called, or as many as are asked for."""
    p = argparse.ArgumentParser()
    p.add_argument("--duet", required=True)
    p.add_argument("--openapi", required=True)
    p.add_argument("--seed", type=int, default=None)
    p.add_argument("--" + what, type=int, default=default)
    p.add_argument("--golden")
    args = p.parse_args()
    n = getattr(args, what)
    if args.seed is None:
        args.seed = random.randrange(2**32)
    print("seed:", args.seed, flush=True)
    run = run_type(args)
    try:
        run.run(n)
    finally:
        run.duet.close()
    print("agreed on all", n, what)


if __name__ == "__main__":
    main(Run, "steps", 500)
