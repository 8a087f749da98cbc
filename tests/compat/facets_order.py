#!/usr/bin/env python3
"""Order by a value and facets, compared with qdrant-client in local mode.

    facets_order.py check  --duet build/duet --seed 1 --rounds 100
    facets_order.py golden --seed 1 > tests/golden/orders/cases.jsonl

Each round makes random payloads over a few keys (numbers past 2^53, dates, booleans,
nulls, arrays, objects, strings of several scripts), then asks both for scrolls in the
order of a value (ascending and descending, from a value on, with and without a filter)
and for facets. `golden` writes what qdrant-client answered, for
tests/db/order_golden_test.c.
"""
import json
import random
import sys
import uuid

from qdrant_client import QdrantClient, models

import filters

KEYS = ["n", "t", "s", "mix", "list", "obj"]
PATHS = ["n", "n", "t", "t", "s", "mix", "mix", "list", "list", "list[]", "list[0]", "obj.n",
         "obj.list", "obj.deep[].n", "none", '"s"']
STARTS = [0, 1, 2, -1, 1.5, 0.5, -2.25, 2**53 + 1, 1704067200000000] + filters.TIME_BOUNDS
STRINGS = ["red", "blue", "", "Red", "狗", "海滩", "a" * 300, "1", "true", "ё", "é", "z\u0000z"]


def scalar(r):
    return filters.pick(
        r, (5, lambda: r.choice(filters.INTS)), (3, lambda: r.choice(filters.FLOATS)),
        (3, lambda: r.choice(filters.TIMES)), (3, lambda: r.choice(STRINGS)),
        (2, lambda: r.random() < 0.5), (1, lambda: None), (4, lambda: r.randrange(5)))


def values(r):
    return [scalar(r) for _ in range(r.choice([0, 1, 2, 2, 3, 5]))]


def payload(r):
    made = {"n": r.choice([r.choice(filters.INTS), r.choice(filters.FLOATS), r.randrange(4)]),
            "t": r.choice(filters.TIMES), "s": r.choice(STRINGS), "mix": scalar(r),
            "list": r.choice([values(r), values(r), scalar(r), [values(r)]]),
            "obj": {"n": scalar(r), "list": values(r),
                    "deep": [{"n": scalar(r)} for _ in range(r.randrange(3))]}}
    return {k: v for k, v in made.items() if r.random() < 0.8}


def points(r, n):
    """In the order of ids, which is that of equal values here and of insertion there."""
    numbers = sorted(r.sample(range(1000), n // 4) + [2**62 + r.getrandbits(60) for _ in
                                                        range(n // 2)])
    uuids = sorted(str(uuid.UUID(int=r.getrandbits(128))) for _ in range(n // 4))
    return [{"id": i, "payload": payload(r), "has": [s for s in "uv" if r.random() < 0.7]}
            for i in numbers + uuids]


def cases(r, n, ids):
    out = []
    for _ in range(n):
        path = r.choice(PATHS)
        condition = filters.random_filter(r, 1, ids) if r.random() < 0.3 else None
        limit = r.choice([1, 2, 3, 5, 10, 100])
        if r.random() < 0.3:
            out.append({"facet": path, "filter": condition, "limit": limit})
            continue
        order = {"key": path, "direction": r.choice(["asc", "desc"])}
        if r.random() < 0.4:
            order["start_from"] = r.choice(STARTS)
        out.append({"order_by": order, "filter": condition, "limit": limit})
    return out


def ask_peer(peer, case):
    condition = None if case["filter"] is None else models.Filter(**case["filter"])
    if "facet" in case:
        found = peer.client.facet("c", case["facet"], condition, limit=case["limit"])
        return [[h.value, h.count] for h in found.hits]
    found, _ = peer.client.scroll(
        "c", scroll_filter=condition, limit=case["limit"], with_payload=False,
        order_by=models.OrderBy(**case["order_by"]))
    return [[p.id, p.order_value] for p in found]


def ask_duet(duet, case):
    body = {k: v for k, v in case.items() if k != "facet" and v is not None}
    if "facet" in case:
        body["key"] = case["facet"]
        result = duet.ask("POST", "/collections/c/facet", body)
        return result.get("error") or [[h["value"], h["count"]] for h in result["hits"]]
    result = duet.ask("POST", "/collections/c/points/scroll", body)
    return result.get("error") or [[p["id"], p["order_value"]] for p in result["points"]]


def same(a, b):
    """Numbers by value; True is not 1."""
    return (isinstance(a, list) and isinstance(b, list) and len(a) == len(b) and all(
        x == y and [isinstance(i, bool) for i in x] == [isinstance(i, bool) for i in y]
        for x, y in zip(a, b)))


def draw(seed, n_points, n_cases):
    r = random.Random(seed)
    chosen = points(r, n_points)
    return chosen, cases(r, n_cases, [p["id"] for p in chosen])


def check(args):
    duet = filters.Duet(args.duet)
    n = n_found = n_wrong = 0
    for seed in range(args.seed, args.seed + args.rounds):
        chosen, asked = draw(seed, args.points, args.filters)
        peer = filters.Peer(chosen)
        duet.fill(chosen)
        for case in asked:
            want, got = ask_peer(peer, case), ask_duet(duet, case)
            n, n_found = n + 1, n_found + len(want)
            if not same(want, got):
                n_wrong += 1
                print("seed %d: %s\n  qdrant-client: %s\n  duet:          %s" % (
                    seed, json.dumps(case, ensure_ascii=False), want, got))
        if n_wrong >= args.most:
            break
    duet.close()
    print("seeds %d to %d: %d questions on %d points each, %.1f found by each, %d differ" % (
        args.seed, seed, n, args.points, n_found / max(n, 1), n_wrong))
    return 1 if n_wrong else 0


def golden(args):
    for seed in range(args.seed, args.seed + args.rounds):
        chosen, asked = draw(seed, args.points, args.filters)
        peer = filters.Peer(chosen)
        for case in asked:
            case["found"] = ask_peer(peer, case)
        json.dump({"seed": seed, "points": chosen, "cases": asked}, sys.stdout,
                  ensure_ascii=False, separators=(",", ":"))
        print()
    return 0


if __name__ == "__main__":
    sys.exit(filters.run_command(__doc__, ("check", check, 100, 40, 60),
                                 ("golden", golden, 12, 20, 30)))
