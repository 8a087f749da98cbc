/*
 * qdrant.mjs - @qdrant/js-client-rest against a served Duet: texts and pictures where
 * vectors stand.
 *
 *     DUET_URL=http://127.0.0.1:6333 node qdrant.mjs
 */
import assert from "node:assert/strict";
import zlib from "node:zlib";
import {QdrantClient} from "@qdrant/js-client-rest";

const name = "client-js";
const client = new QdrantClient({url: process.env.DUET_URL, checkCompatibility: false});
const colours = {red: [220, 20, 20], green: [20, 180, 20], blue: [20, 20, 220]};

/* A picture of one colour, as base64. */
function png(rgb, side = 64) {
    const chunk = (kind, data) => {
        const body = Buffer.concat([Buffer.from(kind), data]);
        const head = Buffer.alloc(4), tail = Buffer.alloc(4);
        head.writeUInt32BE(data.length);
        tail.writeUInt32BE(crc32(body));
        return Buffer.concat([head, body, tail]);
    };
    const header = Buffer.from([0, 0, 0, side, 0, 0, 0, side, 8, 2, 0, 0, 0]);
    const row = Buffer.from([0, ...Array(side).fill(rgb).flat()]);
    return Buffer.concat([
        Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), chunk("IHDR", header),
        chunk("IDAT", zlib.deflateSync(Buffer.concat(Array(side).fill(row)))),
        chunk("IEND", Buffer.alloc(0)),
    ]).toString("base64");
}

function crc32(bytes) {
    let crc = 0xffffffff;
    for (const byte of bytes) {
        crc ^= byte;
        for (let bit = 0; bit < 8; bit++) {
            crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
        }
    }
    return (crc ^ 0xffffffff) >>> 0;
}

const text = (words) => ({text: words, model: "default"});
const image = (colour) => ({image: png(colours[colour]), model: "default"});
const ids = (points) => points.map((p) => p.id);

async function fill() {
    assert.equal(await client.createCollection(name, {}), true);
    const points = Object.keys(colours).map((c, i) => ({
        id: i, vector: {image: image(c), text: text(`a ${c} square`)}, payload: {colour: c, n: i},
    }));
    assert.equal((await client.upsert(name, {wait: true, points})).status, "completed");
    assert.equal((await client.count(name, {exact: true})).count, 3);
    assert.equal((await client.getCollection(name)).status, "green");
}

async function search() {
    for (const [i, colour] of Object.keys(colours).entries()) {
        const {points} = await client.query(name, {query: image(colour), using: "image", limit: 1});
        assert.deepEqual(ids(points), [i]);
        assert.ok(points[0].score > 0.999);
    }
    const {points} = await client.query(name, {
        query: text("something red"), using: "image", with_payload: true,
        filter: {must: [{key: "n", range: {gte: 1}}]},
    });
    assert.deepEqual(ids(points).sort(), [1, 2]);
    assert.ok(points[0].payload.colour in colours);
}

async function walk() {
    const first = await client.scroll(name, {limit: 2});
    assert.deepEqual(ids(first.points), [0, 1]);
    const second = await client.scroll(name, {limit: 2, offset: first.next_page_offset});
    assert.deepEqual(ids(second.points), [2]);
    assert.equal(second.next_page_offset, null);
}

async function change() {
    await client.setPayload(name, {payload: {seen: true}, points: [2]});
    assert.equal((await client.retrieve(name, {ids: [2], with_payload: true}))[0].payload.seen, true);
    await client.delete(name, {points: [1], wait: true});
    assert.equal((await client.count(name)).count, 2);
}

async function snapshot() {
    const made = await client.createSnapshot(name);
    assert.deepEqual((await client.listSnapshots(name)).map((s) => s.name), [made.name]);
    await client.delete(name, {points: [0, 2], wait: true});
    assert.equal(await client.recoverSnapshot(name, {location: made.name}), true);
    assert.equal((await client.count(name)).count, 2);
    assert.equal(await client.deleteSnapshot(name, made.name), true);
}

async function refusals() {
    await assert.rejects(client.count("none"), (e) => e.status === 404 || /Not Found/.test(e.message));
    await assert.rejects(client.createCollection(name, {}));
}

for (const step of [fill, search, walk, change, snapshot, refusals]) {
    await step();
    console.log("  ok      clients/js/qdrant", step.name);
}
await client.deleteCollection(name);
