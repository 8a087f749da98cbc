#!/usr/bin/env python3
"""contract.py - every route of a served Duet, in success and in error, against two
descriptions: the dialect's, and the server's own /openapi.json.

    python3 -m venv V && V/bin/pip install -r tests/compat/requirements.txt
    V/bin/python tests/compat/contract.py --duet build/duet --openapi openapi.json

Fails where an answer is not as its schema says, where a status is another than the one
expected, where a route of /openapi.json was never asked (in success, and in error unless
it can't fail), and where the server does not know a route of the dialect. The server is
started with DUET_MODELS as it is in the environment; its database is a temporary one.
"""

import argparse
import base64
import http.client
import json
import struct
import subprocess
import sys
import tempfile
import zlib

import jsonschema

from points import Schemas

THINGS, PLAIN = "/collections/things", "/collections/plain"
# Routes that answer alike whatever is asked.
NEVER_FAIL = {("get", p) for p in ("/", "/healthz", "/livez", "/readyz", "/metrics", "/collections",
                                   "/aliases", "/telemetry", "/snapshots")} | {("post", "/snapshots")}


def png(seed):
    """A small picture, of bands of two colours."""
    side = 32
    rows = b"".join(
        b"\0" + b"".join(bytes(((x * 8 * seed) % 256, (y * 8) % 256, (seed * 90) % 256))
                         for x in range(side)) for y in range(side))

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def form(parts):
    """(content type, body) of [(name, filename or None, bytes)]."""
    body = b""
    for name, filename, data in parts:
        extra = f'; filename="{filename}"' if filename else ""
        body += (f'--bound\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n').encode()
        body += data + b"\r\n"
    return "multipart/form-data; boundary=bound", body + b"--bound--\r\n"


class Server:
    def __init__(self, binary, dialect_path):
        self.folder = tempfile.TemporaryDirectory()
        self.dialect = Schemas(dialect_path)
        self.process = subprocess.Popen(
            [binary, "serve", "--db", self.folder.name + "/db", "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        line = ""
        while "http://" not in line:
            line = self.process.stdout.readline()
            if not line:
                sys.exit("the server did not start")
        self.host = line[line.index("http://") + 7:].split()[0].strip("/").split("/")[0]
        self.http = http.client.HTTPConnection(self.host)
        self.failures, self.asked, self.n = [], {}, 0
        _, raw = self.send("GET", "/openapi.json", None, None)
        with open(self.folder.name + "/own.json", "wb") as out:
            out.write(raw)
        self.own = Schemas(self.folder.name + "/own.json")

    def send(self, method, path, kind, body):
        self.http.request(method, path, body, {"Content-Type": kind or "application/json"})
        reply = self.http.getresponse()
        return reply, reply.read()

    def fail(self, *what):
        self.failures.append(" ".join(str(w) for w in what))

    def template(self, schemas, method, path):
        try:
            template = schemas.template(path.split("?")[0])
        except ValueError:
            return None
        return template if method.lower() in schemas.doc["paths"][template] else None

    def validate(self, schemas, name, method, path, status, kind, raw):
        template = self.template(schemas, method, path)
        if template is None:
            return
        responses = schemas.doc["paths"][template][method.lower()]["responses"]
        key = next((k for k in (str(status), f"{status // 100}XX", "default") if k in responses), None)
        if key is None and status < 500:
            self.fail(name, method, path, f"has no answer of status {status}")
        content = {} if key is None else responses[key].get("content", {})
        if not content:
            return
        kind = kind.split(";")[0]
        if kind not in content:
            self.fail(name, method, path, status, f"is {kind}, and not one of {list(content)}")
            return
        if "json" not in kind:
            return
        root = {"components": schemas.doc["components"], **content[kind]["schema"]}
        validator = jsonschema.Draft202012Validator(root)
        for text in raw.splitlines() if "ndjson" in kind else [raw]:
            for e in validator.iter_errors(json.loads(text)):
                self.fail(name, method, path, status, "-", e.json_path, e.message[:300])

    def ask(self, method, path, body=None, status=200, kind=None):
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        reply, raw = self.send(method, path, kind, body)
        self.n += 1
        if reply.status != status:
            self.fail(method, path, f"status {reply.status}, not {status}:", raw[:300])
        got_kind = reply.headers.get("Content-Type", "")
        self.validate(self.dialect, "dialect", method, path, reply.status, got_kind, raw)
        self.validate(self.own, "own", method, path, reply.status, got_kind, raw)
        template = self.template(self.own, method, path)
        self.asked.setdefault((method.lower(), template), set()).add(reply.status == 200)
        if "application/json" not in got_kind:
            return raw
        try:
            return json.loads(raw)
        except ValueError:
            self.fail(method, path, "an answer is no JSON:", raw[:200])
            return {}

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def service(s):
    for path in ("/", "/healthz", "/livez", "/readyz", "/metrics"):
        s.ask("GET", path)
    s.ask("GET", "/telemetry", )
    s.ask("GET", "/nowhere", status=404)
    s.ask("PATCH", "/collections", status=405)


def collections(s):
    s.ask("PUT", THINGS)
    s.ask("PUT", THINGS, status=409)
    s.ask("PUT", "/collections/bad", {"vectors": {"size": 0, "distance": "Dot"}}, 400)
    s.ask("PUT", PLAIN, {"vectors": {"a": {"size": 2, "distance": "Cosine"},
                                     "b": {"size": 3, "distance": "Manhattan", "datatype": "uint8"}},
                         "metadata": {"made": "here"}})
    s.ask("PUT", "/collections/one", {"vectors": {"size": 2, "distance": "Euclid"}})
    s.ask("PATCH", PLAIN, {"metadata": {"more": [1, None]}})
    s.ask("PATCH", "/collections/none", {"metadata": {}}, 404)
    s.ask("PUT", PLAIN + "/vectors/c", {"dense": {"size": 4, "distance": "Dot"}})
    s.ask("PUT", PLAIN + "/vectors/a", {"dense": {"size": 4, "distance": "Dot"}}, 409)
    s.ask("DELETE", PLAIN + "/vectors/c")
    s.ask("DELETE", PLAIN + "/vectors/c")
    s.ask("DELETE", "/collections/none/vectors/c", status=404)
    for path in (THINGS, PLAIN, "/collections/one", "/collections", THINGS + "?duet=true"):
        s.ask("GET", path)
    s.ask("GET", "/collections/none", status=404)
    s.ask("GET", PLAIN + "/exists")
    s.ask("GET", "/collections/none/exists")
    s.ask("GET", "/collections/%ff/exists", status=400)
    s.ask("POST", "/collections/aliases", {"actions": [
        {"create_alias": {"alias_name": "live", "collection_name": "plain"}}]})
    s.ask("POST", "/collections/aliases", {"actions": [
        {"create_alias": {"alias_name": "x", "collection_name": "none"}}]}, 404)
    s.ask("GET", "/aliases")
    s.ask("GET", PLAIN + "/aliases")
    s.ask("GET", "/collections/none/aliases", status=404)


def writes(s):
    picture = base64.b64encode(png(1)).decode()
    s.ask("PUT", THINGS + "/points?wait=true", {"points": [
        {"id": 1, "vector": {"image": {"image": picture}, "text": {"text": "a red dog"}},
         "payload": {"price": 3, "tags": ["a", "b"], "at": "2024-01-01T00:00:00Z",
                     "place": {"lat": 52.5, "lon": 13.4}}},
        {"id": "0e5a0d26-ca2a-4b54-9c5c-1b1f4c2b6c52", "vector": {"text": "a blue car"}}]})
    s.ask("PUT", THINGS + "/points", {"points": [{"id": -1, "vector": {}}]}, 400)
    s.ask("PUT", THINGS + "/points", {"points": [{"id": 1, "vector": {"image": "!"}}]}, 400)
    s.ask("PUT", PLAIN + "/points", {"batch": {
        "ids": [1, 2, 3], "vectors": {"a": [[1, 0], [0, 1], [0.6, 0.8]], "b": [[1, 2, 3]] * 3},
        "payloads": [{"n": 1, "g": "x"}, {"n": 2, "g": "x"}, {"n": 3, "g": "y"}]}})
    s.ask("PUT", "/collections/one/points", {"points": [
        {"id": i, "vector": [i, 1], "payload": {"n": i}} for i in range(5)]})
    for path, body in (
            ("/points/payload", {"payload": {"n": 9}, "points": [1]}),
            ("/points/payload/delete", {"keys": ["n"], "points": [1]}),
            ("/points/payload/clear", {"points": [2]}),
            ("/points/vectors/delete", {"vector": ["b"], "points": [3]})):
        s.ask("POST", PLAIN + path, body)
        s.ask("POST", PLAIN + path, {"points": []}, 400)
    s.ask("PUT", PLAIN + "/points/payload", {"payload": {"n": 2, "g": "x"}, "points": [1, 2]})
    s.ask("PUT", PLAIN + "/points/payload", {"payload": {}, "points": [77]}, 404)
    s.ask("PUT", PLAIN + "/points/vectors", {"points": [{"id": 3, "vector": {"b": [4, 5, 6]}}]})
    s.ask("PUT", PLAIN + "/points/vectors", {"points": [{"id": 3, "vector": {"b": [4]}}]}, 400)
    s.ask("POST", PLAIN + "/points/batch", {"operations": [
        {"upsert": {"points": [{"id": 8, "vector": {"a": [1, 1]}}]}},
        {"delete": {"points": [8]}}]})
    s.ask("POST", PLAIN + "/points/batch", {"operations": [{"what": {}}]}, 400)
    s.ask("POST", PLAIN + "/points/delete", {"points": [55]})
    s.ask("POST", PLAIN + "/points/delete", {"filter": {"must": 1}}, 400)


def reads(s):
    picture = base64.b64encode(png(1)).decode()
    for query in ({"text": "something red"}, {"image": picture}, {"image": "data:image/png;base64," + picture},
                  1, {"nearest": {"text": "a dog"}}):
        for using in ("image", "text", "any"):
            s.ask("POST", THINGS + "/points/query", {
                "query": query, "using": using, "with_payload": True, "with_vector": True,
                "limit": 3, "duet": {"details": True}})
    s.ask("POST", "/collections/one/points/query", {"query": [1, 1], "with_vector": True,
                                                    "score_threshold": 100, "params": {"exact": True}})
    s.ask("POST", THINGS + "/points/query", {"query": [1, 2, 3]}, 400)
    s.ask("POST", THINGS + "/points/query", {"query": {"indices": [1], "values": [1]}}, 501)
    s.ask("POST", THINGS + "/points/query", {"query": {"text": "x"}, "filter": {"must": [{"key": "a"}]}}, 400)
    s.ask("POST", "/collections/none/points/query", {"query": [1]}, 404)
    s.ask("POST", "/collections/one/points/query", '{"query": ', 400)
    s.ask("POST", THINGS + "/points", {"ids": [1, 2], "with_vector": True, "with_payload": ["price"]})
    s.ask("POST", THINGS + "/points", {"ids": "x"}, 400)
    s.ask("GET", THINGS + "/points/1")
    s.ask("GET", THINGS + "/points/1?duet=true")
    s.ask("GET", "/collections/one/points/1")
    s.ask("GET", THINGS + "/points/99", status=404)
    s.ask("GET", THINGS + "/points/x", status=400)
    s.ask("GET", THINGS + "/points/1/image")
    s.ask("GET", THINGS + "/points/99/image", status=404)
    s.ask("POST", "/collections/one/points/scroll", {"limit": 2, "with_vector": True})
    s.ask("POST", THINGS + "/points/scroll", {"filter": {"must": [{"key": "price", "range": {"gte": 3}}]}})
    s.ask("POST", "/collections/one/points/scroll", {"limit": 0}, 400)
    s.ask("POST", "/collections/one/points/count", {"exact": True})
    s.ask("POST", "/collections/one/points/count", {"filter": 1}, 400)


def queries(s):
    """Indexes, facets, batches, groups, and queries that are no vector."""
    s.ask("PUT", PLAIN + "/index", {"field_name": "g", "field_schema": "keyword"})
    s.ask("GET", PLAIN)
    s.ask("POST", PLAIN + "/facet", {"key": "g"})
    s.ask("POST", PLAIN + "/points/query/batch", {"searches": [{"query": [1, 0], "using": "a"}]})
    s.ask("POST", PLAIN + "/points/query/groups", {"query": [1, 0], "using": "a", "group_by": "g"})
    s.ask("DELETE", PLAIN + "/index/g")
    s.ask("POST", PLAIN + "/points/query", {"prefetch": [{"query": [1, 0], "using": "a"}],
                                            "query": {"fusion": "rrf"}})
    s.ask("POST", PLAIN + "/points/query", {"query": {"recommend": {"positive": [1]}}, "using": "a"})
    s.ask("POST", PLAIN + "/points/query", {"query": {"sample": "random"}})
    s.ask("POST", PLAIN + "/points/scroll", {"order_by": "n"})
    for path in ("/index", "/facet", "/points/query/batch", "/points/query/groups"):
        s.ask("PUT" if path == "/index" else "POST", "/collections/none" + path, {}, 400)
    s.ask("DELETE", "/collections/none/index/g", status=404)


def older(s):
    """Searches and recommendations as clients asked for them before …/query."""
    search = {"vector": {"name": "a", "vector": [1, 0]}, "limit": 2}
    recommend = {"positive": [1], "using": "a", "limit": 2}
    for name, one in (("search", search), ("recommend", recommend)):
        at = PLAIN + "/points/" + name
        s.ask("POST", at, one)
        s.ask("POST", at, {}, 400)
        s.ask("POST", at + "/batch", {"searches": [one, one]})
        s.ask("POST", at + "/batch", {"searches": 1}, 400)
        s.ask("POST", at + "/groups", dict(one, group_by="g", group_size=1))
        s.ask("POST", at + "/groups", one, 400)


def snapshots(s):
    for at in (THINGS, ""):
        made = s.ask("POST", at + "/snapshots")["result"]
        s.ask("GET", at + "/snapshots")
        raw = s.ask("GET", at + "/snapshots/" + made["name"])
        if len(raw) != made["size"]:
            s.fail("a snapshot of", made["size"], "bytes came as", len(raw))
        s.ask("GET", at + "/snapshots/none.snapshot", status=404)
        s.ask("GET", at + "/snapshots/..%2fdata.mdb", status=400)
        if at:
            recover(s, made, raw)
        s.ask("DELETE", at + "/snapshots/" + made["name"])
        s.ask("DELETE", at + "/snapshots/" + made["name"], status=404)
    s.ask("GET", "/collections/none/snapshots", status=404)
    s.ask("POST", "/collections/none/snapshots", status=404)


def recover(s, made, raw):
    s.ask("PUT", THINGS + "/snapshots/recover?wait=true", {"location": made["name"], "checksum": made["checksum"]})
    s.ask("PUT", THINGS + "/snapshots/recover", {"location": made["name"], "checksum": "0" * 64}, 400)
    s.ask("PUT", THINGS + "/snapshots/recover", {"location": "file:///etc/passwd"}, 400)
    s.ask("PUT", THINGS + "/snapshots/recover", {"location": "none.snapshot"}, 404)
    kind, body = form([("snapshot", "s", raw)])
    s.ask("POST", "/collections/again/snapshots/upload?checksum=" + made["checksum"], body, kind=kind)
    kind, body = form([("snapshot", "s", raw[:-1])])
    s.ask("POST", "/collections/again/snapshots/upload", body, 400, kind)
    half, kind = len(raw) // 2, "application/octet-stream"
    at = f"/collections/again/snapshots/up.snapshot?total={len(raw)}&offset="
    s.ask("PUT", at + "0", raw[:half], kind=kind)
    s.ask("PUT", at + "1", raw[half:], 400, kind)
    s.ask("PUT", at + str(half), raw[half:], kind=kind)
    s.ask("PUT", "/collections/again/snapshots/recover", {"location": "up.snapshot"})


def beyond(s):
    kind, body = form([("id", None, b"5"), ("payload", None, b'{"a": 1}'), ("file", "a.png", png(3)),
                       ("file", "b.png", b"not a picture")])
    s.ask("POST", THINGS + "/upload", body, kind=kind)
    s.ask("POST", THINGS + "/upload", "{}", 400)
    s.ask("POST", THINGS + "/import", '{"id": 6, "vector": {"text": "a cat"}}\nnot json\n',
          kind="application/x-ndjson")
    s.ask("POST", "/collections/none/import", "{}", 404)
    s.ask("POST", THINGS + "/labels", {"labels": ["dog", "car"], "ids": [1, 5]})
    s.ask("POST", THINGS + "/labels", {"filter": {}, "page_size": 1})
    s.ask("POST", THINGS + "/labels", {"image": base64.b64encode(png(1)).decode(), "lang": "zh"})
    s.ask("POST", THINGS + "/labels", {}, 400)
    s.ask("POST", PLAIN + "/labels", {"ids": [1]}, 501)
    for encoding in ("float", "base64"):
        s.ask("POST", "/v1/embeddings", {"input": ["a dog", "word " * 2000], "encoding_format": encoding})
    s.ask("POST", "/v1/embeddings", {"input": [[1, 2]]}, 400)
    s.ask("POST", "/v1/embeddings", {"input": "x", "model": "other"}, 404)


def removals(s):
    s.ask("DELETE", "/collections/one")
    s.ask("DELETE", "/collections/one")
    s.ask("DELETE", "/collections/%ff", status=400)


def all_known(s):
    """Every route of the dialect is there: whatever it answers, it is not an unknown path."""
    for path, operations in s.dialect.doc["paths"].items():
        for method in operations:
            filled = "/".join("1" if p.startswith("{") else p for p in path.split("/"))
            reply, raw = s.send(method.upper(), filled.replace("/collections/1", "/collections/none"), None, None)
            if b"there is no such path" in raw or reply.status == 405:
                s.fail("the dialect's", method.upper(), path, "is not known")


def all_asked(s):
    for path, operations in s.own.doc["paths"].items():
        for method in operations:
            how = s.asked.get((method, path), set())
            if True not in how:
                s.fail(method.upper(), path, "was never asked with success")
            if False not in how and (method, path) not in NEVER_FAIL:
                s.fail(method.upper(), path, "was never asked in vain")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--duet", required=True)
    parser.add_argument("--openapi", required=True)
    args = parser.parse_args()
    s = Server(args.duet, args.openapi)
    try:
        for step in (service, collections, writes, reads, queries, older, snapshots, beyond, removals, all_known,
                     all_asked):
            step(s)
    finally:
        s.close()
    for failure in s.failures:
        print("FAIL:", failure)
    print(f"{s.n} requests, {len(s.own.doc['paths'])} paths of ours, {len(s.dialect.doc['paths'])} of the "
          f"dialect's: {len(s.failures)} failures")
    return len(s.failures) > 0


if __name__ == "__main__":
    sys.exit(main())
