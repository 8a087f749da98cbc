"""qdrant.py - qdrant-client against a served Duet: texts and pictures where vectors stand.

    DUET_URL=http://127.0.0.1:6333 python tests/clients/python/qdrant.py
"""

import base64
import os
import struct
import zlib

from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse

NAME = "client-py"


def png(red, green, blue, side=64):
    """A picture of one colour."""
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = (b"\0" + bytes((red, green, blue)) * side) * side
    return base64.b64encode(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")).decode()


COLOURS = {"red": (220, 20, 20), "green": (20, 180, 20), "blue": (20, 20, 220)}


def text(words):
    return models.Document(text=words, model="default")


def image(colour):
    return models.Image(image=png(*COLOURS[colour]), model="default")


def ids(points):
    return [p.id for p in points]


def fill(client):
    assert client.create_collection(NAME)
    assert client.collection_exists(NAME)
    points = [models.PointStruct(id=i, vector={"image": image(c), "text": text(f"a {c} square")},
                                 payload={"colour": c, "n": i}) for i, c in enumerate(COLOURS)]
    assert client.upsert(NAME, points, wait=True).status == models.UpdateStatus.COMPLETED
    client.upload_points(NAME, [models.PointStruct(id=9, vector={"text": text("a boat")})], wait=True)
    assert client.count(NAME).count == 4
    assert client.get_collection(NAME).config.params.vectors["image"].size > 0


def search(client):
    for i, colour in enumerate(COLOURS):
        found = client.query_points(NAME, query=image(colour), using="image", limit=1).points
        assert ids(found) == [i] and found[0].score > 0.999, found
        found = client.query_points(NAME, query=text(f"a {colour} square"), using="text", limit=1).points
        assert ids(found) == [i], found
    only = models.Filter(must=[models.FieldCondition(key="n", range=models.Range(gte=1, lt=3))])
    found = client.query_points(NAME, query=text("something red"), using="image", query_filter=only,
                                with_payload=True, with_vectors=True).points
    assert sorted(ids(found)) == [1, 2] and found[0].payload["colour"] in COLOURS
    assert len(found[0].vector["image"]) == len(found[0].vector["text"])


def walk(client):
    seen, offset = [], None
    while True:
        page, offset = client.scroll(NAME, limit=2, offset=offset)
        seen += ids(page)
        if offset is None:
            break
    assert seen == [0, 1, 2, 9], seen


def change(client):
    client.set_payload(NAME, {"seen": True}, points=[9])
    assert client.retrieve(NAME, [9])[0].payload == {"seen": True}
    client.delete_payload(NAME, ["seen"], points=[9])
    client.delete(NAME, points_selector=[9])
    assert client.retrieve(NAME, [9]) == []
    client.delete(NAME, points_selector=models.FilterSelector(filter=models.Filter(
        must=[models.FieldCondition(key="colour", match=models.MatchValue(value="green"))])))
    assert client.count(NAME).count == 2


def snapshot(client):
    made = client.create_snapshot(NAME)
    assert [s.name for s in client.list_snapshots(NAME)] == [made.name]
    client.delete(NAME, points_selector=[0, 2])
    assert client.count(NAME).count == 0
    assert client.recover_snapshot(NAME, location=made.name, checksum=made.checksum)
    assert client.count(NAME).count == 2
    assert client.delete_snapshot(NAME, made.name)
    whole = client.create_full_snapshot()
    assert whole.name in [s.name for s in client.list_full_snapshots()]
    assert client.delete_full_snapshot(whole.name)


def refusals(client):
    """Errors arrive as the client's own exception, with our sentence."""
    for ask, status in ((lambda: client.count("none"), 404),
                        (lambda: client.create_collection(NAME), 409),
                        (lambda: client.recover_snapshot(NAME, location="file:///etc/passwd"), 400)):
        try:
            ask()
        except UnexpectedResponse as e:
            assert e.status_code == status and b'"error":"' in e.content, e
        else:
            raise AssertionError(f"no error, but {status} was due")


def main():
    client = QdrantClient(url=os.environ["DUET_URL"], cloud_inference=True, check_compatibility=False)
    for step in (fill, search, walk, change, snapshot, refusals):
        step(client)
        print("  ok      clients/python/qdrant", step.__name__)
    assert client.delete_collection(NAME)


main()
