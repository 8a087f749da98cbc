#!/usr/bin/env python3
"""queries.py - random query trees on a served Duet and on qdrant-client in local mode.

    python3 -m venv V && V/bin/pip install -r tests/compat/requirements.txt
    V/bin/python tests/compat/queries.py --duet build/duet --openapi openapi.json \
        --seed 1 --queries 2000

Both hold the same points. Each query (nearest, recommend, fusions, prefetches within
prefetches, filters and thresholds on every level, samples, groups, batches) must give the
same ids in the same order, scores to 1e-5; of equal scores, the same set. Every answer of
Duet is validated against the dialect's OpenAPI description. The seed is printed; a
difference ends the run with status 1. --golden FILE writes the requests and Duet's
answers, which tests/net/query_golden_test.c replays without Python.

Left out of the draw are the few things in which Duet differs on purpose: README.md beside
this file has the list.
"""

import copy
import json
import random
import uuid

import numpy as np
from qdrant_client import QdrantClient, models

from points import Duet, Schemas, fail, main

SPACES = {"cos": (6, "Cosine"), "dot": (5, "Dot"), "euc": (4, "Euclid"), "man": (3, "Manhattan")}
NAME, OTHER = "things", "other"
GROUP_KEYS = ["tag", "n", "m", "deep.k", "list[]", "list[].k", "list[0].k"]


class Run:
    def __init__(self, args):
        self.r = random.Random(args.seed)
        self.golden = open(args.golden, "w") if args.golden else None
        self.duet = Duet(args.duet, Schemas(args.openapi), self.golden)
        self.local = QdrantClient(":memory:")
        self.counts = {}
        self.n_nodes = 0

    # ---- the points ----

    def vector(self, name):
        return [round(self.r.gauss(0, 1), 6) for _ in range(SPACES[name][0])]

    def payload(self):
        r = self.r
        p = {"n": r.randrange(5), "x": round(r.uniform(0, 1), 6)}
        if r.random() < 0.8:
            p["tag"] = r.choice(["red", "blue", ["red", "green"], ["blue"], [], "", "图"])
        if r.random() < 0.6:
            p["m"] = r.choice([1, -1, "1", 1.5, True, None, [1, "a"], [1, None], [[1]], {"a": 1}, 2**63])
        if r.random() < 0.5:
            p["deep"] = {"k": r.choice(["a", "b", 7])}
        if r.random() < 0.5:
            p["list"] = r.choice([["a", "b", "a"], [{"k": 1}, {"k": 2}], [{"k": [1, 3]}], [["a"]]])
        return p

    def points(self, ids, spaces_share):
        points = []
        for i in ids:
            names = [n for n in SPACES if self.r.random() < spaces_share]
            points.append({"id": i, "vector": {n: self.vector(n) for n in names}, "payload": self.payload()})
        return points

    def fill(self, name, points):
        vectors = {n: {"size": s, "distance": d} for n, (s, d) in SPACES.items()}
        self.duet.ask("DELETE", f"/collections/{name}")
        self.duet.ask("PUT", f"/collections/{name}", {"vectors": vectors})
        if points:
            self.duet.ask("PUT", f"/collections/{name}/points", {"points": points})
        if self.local.collection_exists(name):
            self.local.delete_collection(name)
        self.local.create_collection(name, vectors_config={
            n: models.VectorParams(size=s, distance=d) for n, (s, d) in SPACES.items()})
        if points:
            self.local.upsert(name, [models.PointStruct(**p) for p in points])

    def world(self):
        """New points, in two collections."""
        r = self.r
        ids = list(range(r.choice([0, 5, 40, 60, 60, 90]) if not self.golden else 25))
        ids += [str(uuid.UUID(int=r.getrandbits(128))) for _ in range(len(ids) // 4)]
        self.here = self.points(ids, 0.85)
        self.there = self.points([i for i in ids if r.random() < 0.7] + [1000, 1001], 1)
        self.fill(NAME, self.here)
        self.fill(OTHER, self.there)

    def ids_with(self, points, space):
        return [p["id"] for p in points if space in p["vector"]]

    # ---- parts of queries ----

    def condition(self):
        r = self.r
        return r.choice([
            lambda: {"key": "n", "match": {"value": r.randrange(5)}},
            lambda: {"key": "n", "range": {"gte": r.randrange(4)}},
            lambda: {"key": "x", "range": {r.choice(["lt", "gt"]): round(r.uniform(0.1, 0.9), 2)}},
            lambda: {"key": "tag", "match": {"any": ["red", "blue"]}},
            lambda: {"has_vector": r.choice(list(SPACES))},
            lambda: {"has_id": [p["id"] for p in self.here if r.random() < 0.6]},
            lambda: {"is_empty": {"key": "m"}},
        ])()

    def filter(self):
        r = self.r
        f = {}
        for clause in ("must", "must_not", "should"):
            if r.random() < 0.25:
                one = r.random() < 0.3
                f[clause] = self.condition() if one else [self.condition() for _ in range(r.randint(0, 2))]
        if r.random() < 0.15:
            f["min_should"] = {"conditions": [self.condition() for _ in range(3)], "min_count": r.randint(1, 2)}
        return f

    def example(self, space, lookup):
        """A vector or an id."""
        there = self.ids_with(self.there if lookup else self.here, space)
        return self.r.choice(there) if there and self.r.random() < 0.6 else self.vector(space)

    def recommend(self, space, lookup):
        strategy = self.r.choice([None, "average_vector", "best_score", "sum_scores"])
        n_positive = self.r.randint(1 if strategy in (None, "average_vector") else 0, 3)
        n_negative = self.r.randint(0 if n_positive else 1, 2)
        q = {"positive": [self.example(space, lookup) for _ in range(n_positive)],
             "negative": [self.example(space, lookup) for _ in range(n_negative)]}
        if strategy:
            q["strategy"] = strategy
        return {"recommend": q}

    def mix(self, space):
        parts = []
        for _ in range(self.r.randint(1, 3)):
            example = self.example(space, False)
            key = "vector" if isinstance(example, list) else "id"
            parts.append({key: example, "weight": round(self.r.uniform(-1, 1), 2) or 0.5})
        return {"duet": {"mix": parts}}

    def about_vectors(self, node, depth, sims):
        """A query about one space, with or without prefetches."""
        r = self.r
        space = r.choice([s for s in SPACES if not sims or s in ("cos", "dot")])
        node["using"] = space
        lookup = r.random() < 0.15
        kind = r.choice(["nearest"] * 3 + ["recommend"] * 3 + ["mix"])
        self.count(kind)
        if kind == "mix":
            node["query"] = self.mix(space)
            return
        if kind == "nearest":
            node["query"] = {"nearest": self.example(space, lookup)}
        else:
            node["query"] = self.recommend(space, lookup)
            if space == "man" and depth > 0:
                # sums of distances along axes are equal all over a box
                node["query"]["recommend"].update(strategy="best_score")
        if kind == "nearest" and r.random() < 0.5:
            node["query"] = node["query"]["nearest"]
        if lookup:
            node["lookup_from"] = {"collection": OTHER, **({"vector": space} if r.random() < 0.5 else {})}

    def threshold(self, node):
        if self.r.random() > 0.12:
            return
        q = node["query"]
        if isinstance(q, dict) and ("fusion" in q or "rrf" in q):
            node["score_threshold"] = round(self.r.uniform(0, 1), 3)
            return
        space = node["using"]
        scored = isinstance(q, dict) and q.get("recommend", {}).get("strategy") in ("best_score", "sum_scores")
        if scored and space in ("euc", "man"):
            return
        node["score_threshold"] = round(self.r.uniform(-1, 1) if space in ("cos", "dot") else self.r.uniform(0.5, 4), 3)

    def prefetches(self, depth, sims, order_matters):
        return [self.node(depth + 1, sims, order_matters) for _ in range(self.r.randint(1, 3))]

    def node(self, depth, sims=False, order_matters=True):
        """A query or, below the first, a prefetch. `sims`: its scores must not be
        distances. `order_matters`: no equal scores, whose order is anybody's."""
        r = self.r
        node = {}
        self.n_nodes += 1
        if r.random() < 0.5:
            node["limit"] = r.randint(1, 15)
        if r.random() < 0.3:
            node["filter"] = self.filter()
        kind = r.choice(["leaf"] * 3 + (["fusion", "rescore", "rescore"] if depth < 3 else []))
        if kind == "leaf" and r.random() < 0.12 and not sims:
            self.count("all")
            if r.random() < 0.6:
                self.order_by(node)
            return node
        if kind == "fusion":
            self.fusion(node, depth, order_matters)
        else:
            self.about_vectors(node, depth, sims)
        if kind == "rescore":
            self.count("rescore")
            node["prefetch"] = self.prefetches(depth, False, False)
            if r.random() < 0.3:
                node["prefetch"] = node["prefetch"][0]
        self.threshold(node)
        return node

    def order_by(self, node):
        self.count("order_by")
        order = {"key": "x", "direction": self.r.choice(["asc", "desc"])}
        if self.r.random() < 0.3:
            order["start_from"] = round(self.r.uniform(0.2, 0.8), 2)
        node["query"] = {"order_by": self.r.choice([order, "x"])}

    def fusion(self, node, depth, order_matters):
        r = self.r
        kind = r.choice(["rrf", "rrf weights", "dbsf"])
        root = depth == 0
        if not root and order_matters:
            kind = "rrf weights"
        self.count(kind)
        if not root and kind != "rrf weights":
            node["limit"] = 100
        node["prefetch"] = self.prefetches(depth, kind == "dbsf", True)
        if kind == "dbsf":
            node["query"] = {"fusion": "dbsf"}
        elif kind == "rrf" and r.random() < 0.5:
            node["query"] = {"fusion": "rrf"}
        else:
            node["query"] = {"rrf": {}}
            if r.random() < 0.5:
                node["query"]["rrf"]["k"] = r.randint(1, 60)
            if kind == "rrf weights":
                node["query"]["rrf"]["weights"] = [r.uniform(0.1, 3) for _ in node["prefetch"]]

    def root(self):
        body = self.node(0)
        if self.r.random() < 0.25:
            body["offset"] = self.r.randint(0, 6)
        if self.r.random() < 0.2:
            body["params"] = {"exact": True}
        if self.r.random() < 0.3:
            body["with_payload"] = self.r.choice([
                True, [], ["n", "x"], ["deep.k", "list[].k", "m"], ["list[]", "tag[]"], ["list[0].k"],
                {"include": ["deep"]}, {"exclude": ["m"]}, {"exclude": ["deep.k", "list[].k", "n"]}])
        if self.r.random() < 0.2:
            body["with_vector"] = self.r.choice([True, ["cos", "euc"]])
        return body

    def count(self, kind):
        self.counts[kind] = self.counts.get(kind, 0) + 1

    # ---- the other implementation ----

    def plain(self, node):
        """The same without Duet's own kind: a mix as the vector that it is by definition,
        without the points that it names."""
        node = copy.deepcopy(node)
        p = node.get("prefetch")
        if p is not None:
            node["prefetch"] = [self.plain(x) for x in p] if isinstance(p, list) else self.plain(p)
        q = node.get("query")
        if not (isinstance(q, dict) and "duet" in q):
            return node
        by_id = {p["id"]: p["vector"] for p in self.here}
        total = np.zeros(SPACES[node["using"]][0])
        ids = []
        for part in q["duet"]["mix"]:
            v = np.array(part["vector"] if "vector" in part else by_id[part["id"]][node["using"]])
            total += part["weight"] * v / np.linalg.norm(v)
            ids += [part["id"]] if "id" in part else []
        node["query"] = [float(x) for x in total / np.linalg.norm(total)]
        if ids:
            f = node.setdefault("filter", {})
            old = f.get("must_not", [])
            f["must_not"] = (old if isinstance(old, list) else [old]) + [{"has_id": ids}]
        return node

    def ask_local(self, body):
        q = models.QueryRequest(**self.plain(body))
        return self.local.query_points(
            NAME, query=q.query, prefetch=q.prefetch, query_filter=q.filter, limit=q.limit or 10,
            offset=q.offset, using=q.using, score_threshold=q.score_threshold, lookup_from=q.lookup_from,
            with_payload=q.with_payload or False, with_vectors=q.with_vector or False).points

    def ask_local_groups(self, body):
        q = models.QueryGroupsRequest(**self.plain(body))
        return self.local.query_points_groups(
            NAME, group_by=q.group_by, query=q.query, prefetch=q.prefetch, query_filter=q.filter,
            limit=q.limit or 10, group_size=q.group_size or 3, using=q.using,
            score_threshold=q.score_threshold, lookup_from=q.lookup_from, with_lookup=q.with_lookup,
            with_payload=q.with_payload or False, with_vectors=q.with_vector or False).groups

    # ---- comparing ----

    def near(self, a, b):
        return abs(a - b) <= 1e-5 * max(1, abs(a), abs(b))

    def compare(self, body, mine, theirs):
        what = json.dumps(body)
        self.counts["results"] = self.counts.get("results", 0) + len(mine)
        if len(mine) != len(theirs):
            fail(f"{len(mine)} and {len(theirs)} results", what, mine, theirs)
        limit, offset = body.get("limit") or 10, body.get("offset") or 0
        for i, (p, q) in enumerate(zip(mine, theirs)):
            if not self.near(p["score"], q.score):
                fail(f"score {i}", what, mine, theirs)
        begin = 0
        while begin < len(theirs):
            end = begin + 1
            while end < len(theirs) and self.near(theirs[end - 1].score, theirs[end].score):
                end += 1
            a, b = [p["id"] for p in mine[begin:end]], [q.id for q in theirs[begin:end]]
            cut = (end == limit or (begin == 0 and offset > 0)) and end - begin > 0
            tied_at_cut = cut and set(a) != set(b)
            if tied_at_cut and end - begin == 1 and not self.cut_may_tie(body):
                fail(f"order at {begin}", what, mine, theirs)
            if not cut and set(a) != set(b):
                fail(f"ids at {begin}", what, mine, theirs)
            begin = end
        by_id = {q.id: q for q in theirs}
        for p in mine:
            if p["id"] in by_id:
                self.compare_parts(body, p, by_id[p["id"]])

    def cut_may_tie(self, body):
        """Whether the last score of a page can be equal to the next one."""
        q = body.get("query")
        return isinstance(q, dict) and ("fusion" in q or "rrf" in q or
                                        body.get("using") == "man" and "recommend" in q)

    def compare_parts(self, body, p, q):
        if "with_payload" in body and p["payload"] != (q.payload or {}):
            fail(f"payload of {p['id']}", json.dumps(body), p, q)
        ordered = isinstance(body.get("query"), dict) and "order_by" in body["query"]
        if ordered and p.get("order_value") != q.order_value:
            fail(f"order value of {p['id']}", json.dumps(body), p, q)
        if "with_vector" in body:
            if set(p["vector"]) != set(q.vector or {}):
                fail(f"vectors of {p['id']}", json.dumps(body), p, q)
            for name, v in p["vector"].items():
                if np.max(np.abs(np.array(v) - np.array(q.vector[name]))) > 1e-5:
                    fail(f"vector {name} of {p['id']}", json.dumps(body), p, q)

    def has_ties(self, points):
        """Answers whose order hangs on the last bits are no goldens."""
        scores = [p["score"] for p in points]
        return any(a != b and self.near(a, b) for a, b in zip(scores, scores[1:]))

    # ---- one request ----

    def path(self, route):
        return f"/collections/{NAME}/points/{route}"

    def keep(self, path, body, result, ties):
        if self.golden and not ties:
            print(json.dumps({"method": "POST", "path": path, "body": body, "status": 200, "result": result},
                             separators=(",", ":")), file=self.golden)

    def one(self):
        body = self.root()
        result = self.duet.ask("POST", self.path("query"), body, golden=False)
        self.compare(body, result["points"], self.ask_local(body))
        self.keep(self.path("query"), body, result, self.has_ties(result["points"]))

    def batch(self):
        bodies = [self.root() for _ in range(self.r.randint(0, 4))]
        result = self.duet.ask("POST", self.path("query/batch"), {"searches": bodies}, golden=False)
        if len(result) != len(bodies):
            fail("batch", bodies, result)
        for body, answer in zip(bodies, result):
            self.compare(body, answer["points"], self.ask_local(body))
        self.keep(self.path("query/batch"), {"searches": bodies}, result,
                  any(self.has_ties(a["points"]) for a in result))

    def sample(self):
        body = {"query": {"sample": "random"}, "limit": self.r.randint(1, 70), "filter": self.filter()}
        if self.r.random() < 0.3:
            body["prefetch"] = self.node(2)
        mine = self.duet.ask("POST", self.path("query"), body, golden=False)["points"]
        theirs = self.ask_local({**body, "limit": 1000})
        ids = {p["id"] for p in mine}
        if len(mine) != min(body["limit"], len(theirs)) or len(ids) != len(mine) \
                or not ids <= {q.id for q in theirs} or any(p["score"] != 1 for p in mine):
            fail("sample", json.dumps(body), mine, theirs)

    def groups(self):
        while True:
            body = self.root()
            q = body.get("query")
            ties = isinstance(q, dict) and ("fusion" in q or "rrf" in q and "weights" not in q["rrf"] or
                                            body.get("using") == "man" and "recommend" in q)
            if not ties:
                break
        body.pop("offset", None)
        body["group_by"] = self.r.choice(GROUP_KEYS)
        if self.r.random() < 0.6:
            body["group_size"] = self.r.randint(1, 4)
        if self.r.random() < 0.3 and body["group_by"] in ("n", "m"):
            body["with_lookup"] = self.r.choice([OTHER, {"collection": OTHER, "with_payload": ["n"], "with_vectors": ["cos"]}])
        result = self.duet.ask("POST", self.path("query/groups"), body, golden=False)
        mine, theirs = result["groups"], self.ask_local_groups(body)
        if [g["id"] for g in mine] != [g.id for g in theirs]:
            fail("groups", json.dumps(body), mine, theirs)
        for g, h in zip(mine, theirs):
            if [p["id"] for p in g["hits"]] != [q.id for q in h.hits]:
                fail(f"group {g['id']}", json.dumps(body), g, h)
            for p, q in zip(g["hits"], h.hits):
                if not self.near(p["score"], q.score):
                    fail(f"group {g['id']}: score", json.dumps(body), g, h)
                self.compare_parts(body, p, q)
            self.compare_lookup(body, g, h)
        self.keep(self.path("query/groups"), body, result, any(self.has_ties(g["hits"]) for g in mine))

    def compare_lookup(self, body, g, h):
        if ("with_lookup" in body) != ("lookup" in g):
            fail("lookup", json.dumps(body), g)
        mine, theirs = g.get("lookup"), h.lookup
        if (mine is None) != (theirs is None):
            fail("lookup", json.dumps(body), g, h)
        if mine and (mine["id"] != theirs.id or mine["payload"] != (theirs.payload or {})):
            fail("lookup", json.dumps(body), g, h)

    def older(self):
        """The routes that came before answer as the one that says all."""
        space = self.r.choice(list(SPACES))
        rest = {"limit": self.r.randint(1, 9), "filter": self.filter()}
        vector = self.vector(space)
        lookups = self.recommend(space, False)["recommend"]
        for route, body, query in (
                ("search", {"vector": {"name": space, "vector": vector}}, vector),
                ("recommend", {**lookups, "using": space}, {"recommend": lookups})):
            wanted = self.ask_local({"query": query, "using": space, **rest})
            # not in the description any more: nothing to validate against
            mine = self.ask_unchecked(route, {**body, **rest})
            self.compare(rest, mine, wanted)
            two = self.ask_unchecked(route + "/batch", {"searches": [{**body, **rest}] * 2})
            if two != [mine, mine]:
                fail(route + "/batch", two, mine)
            grouped = self.ask_unchecked(route + "/groups", {**body, **rest, "group_by": "n", "group_size": 2})
            same = self.duet.ask("POST", self.path("query/groups"), {
                "query": query, "using": space, **rest, "group_by": "n", "group_size": 2}, golden=False)
            if grouped != same:
                fail(route + "/groups", grouped, same)

    def ask_unchecked(self, route, body):
        schemas, self.duet.schemas = self.duet.schemas, None
        self.duet.schemas = type("None", (), {"check": lambda *a: None})()
        try:
            return self.duet.ask("POST", self.path(route), body, golden=False)
        finally:
            self.duet.schemas = schemas

    def wrong(self):
        """Requests that must fail, in both."""
        good = {"query": [1, 0, 0, 0, 0, 0], "using": "cos"}
        for route, body, status in [
            ("query", {"query": {"fusion": "rrf"}}, 400),
            ("query", {"query": {"rrf": {}}, "prefetch": []}, 400),
            ("query", {"query": {"fusion": "rrf"}, "using": "cos", "prefetch": good}, 400),
            ("query", {"query": {"rrf": {"weights": [1]}}, "prefetch": [good, good]}, 400),
            ("query", {"query": {"rrf": {"k": 0}}, "prefetch": good}, 400),
            ("query", {"prefetch": good}, 400),
            ("query", {"prefetch": [{"prefetch": good}], **good}, 400),
            ("query", {"score_threshold": 0.5}, 400),
            ("query", {**good, "limit": 0}, 400),
            ("query", {"prefetch": {**good, "limit": 0}, **good}, 400),
            ("query", {"query": {"recommend": {}}, "using": "cos"}, 400),
            ("query", {"query": {"recommend": {"negative": [[1, 0, 0, 0, 0, 0]]}}, "using": "cos"}, 400),
            ("query", {"query": 123456, "using": "cos"}, 404),
            ("query", {"query": {"recommend": {"positive": [123456], "strategy": "best_score"}}, "using": "cos"}, 404),
            ("query", {**good, "query": 1, "lookup_from": {"collection": "none"}}, 404),
            ("query", {**good, "query": 1000, "lookup_from": {"collection": OTHER, "vector": "none"}}, 404),
            ("query", {**good, "using": "none"}, 404),
            ("query/groups", {**good, "group_by": "n", "group_size": 0}, 400),
            ("query/groups", {**good, "group_by": "n", "with_lookup": "none"}, 404),
        ]:
            self.duet.ask("POST", self.path(route), body, status)
            try:
                (self.ask_local if route == "query" else self.ask_local_groups)(body)
            except Exception:
                continue
            if status != 404 or "group_by" not in body:
                if body.get("limit") != 0 and body.get("group_size") != 0:
                    fail("taken by the other", json.dumps(body))

    def run(self, queries):
        for i in range(queries):
            if i % 50 == 0:
                self.world()
                self.wrong()
            r = self.r.random()
            for share, kind in ((0.6, self.one), (0.72, self.batch), (0.87, self.groups), (0.94, self.sample), (1, self.older)):
                if r < share:
                    self.count(kind.__name__)
                    kind()
                    break
        print("queries and prefetches:", self.n_nodes, dict(sorted(self.counts.items())))


if __name__ == "__main__":
    main(Run, "queries", 1000)
