/*
 * The page in a browser, by real clicks and keys, on a server of its own: from an empty
 * database to filters and mixes, in both languages, both themes and at 375 pixels.
 *
 *     make test-page
 *
 * DUET names the program; SHOTS a folder where a picture of each step is put, to be
 * looked at. The steps build on each other and run in order.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { startServer } from "./server.mjs";
import { PICTURES, writePictures } from "./pictures.mjs";

const DUET = process.env.DUET ?? "build/duet";
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core"), "utf8");

let browser, server, page, paths;
const faults = []; // errors in the console, requests to elsewhere

async function openPage(url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", ...options });
  const opened = await context.newPage();
  opened.setDefaultTimeout(15000);
  opened.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  opened.on("console", (message) => message.type() === "error" && !/status of 40[14]/.test(message.text())
    && faults.push(`console: ${message.text()}`));
  opened.on("request", (request) => !/^(blob|data):/.test(request.url()) && !request.url().startsWith(url)
    && faults.push(`request to ${request.url()}`));
  await opened.goto(`${url}/dashboard`);
  return opened;
}

async function api(method, path, body) {
  const response = await fetch(server.url + path, { method, body: JSON.stringify(body) });
  const answer = await response.json();
  assert.equal(response.status, 200, JSON.stringify(answer));
  return answer.result;
}

async function shoot(name, of = page) {
  if (process.env.SHOTS) {
    await of.screenshot({ path: join(process.env.SHOTS, `${name}.png`) });
  }
}

const settled = (of = page) => of.waitForFunction(() => !document.querySelector(".ghost")
  && !/…$/.test(document.getElementById("status").textContent));

/* Does something that asks the server, and waits until its answer is shown. */
async function act(action) {
  const answered = page.waitForResponse((response) => /\/points\/(query|scroll)$/.test(response.url()));
  await action();
  await answered;
  await settled();
}

/* Waits until so many items are shown, where the question was asked before. */
async function shown(n) {
  await page.waitForFunction((count) => document.querySelectorAll(".grid .caption").length === count, n);
  await settled();
}

const captions = (of = page) => of.locator(".grid .caption").allTextContents();
const statusText = () => page.locator("#status").textContent();

async function search(words) {
  await page.fill("#words", words);
  await act(() => page.press("#words", "Enter"));
}

async function home() {
  await act(() => page.click("#home"));
}

before(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  server = await startServer(DUET);
  page = await openPage(server.url);
  paths = await writePictures(page, server.folder);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test("an empty database says what to do", async () => {
  await page.getByText("Nothing in here yet").waitFor();
  await shoot("01-empty");
});

test("pictures are added with captions, each with its progress", async () => {
  await page.click("#upload-button");
  await page.locator("#upload[open]").waitFor();
  await page.setInputFiles("#upload-files", [...paths, join(import.meta.dirname, "page_test.mjs")]);
  await page.getByText("is no picture").waitFor();
  for (const { name, caption } of PICTURES) {
    await page.getByLabel(`Caption of ${name}`).fill(caption);
  }
  await shoot("02-upload");
  await page.getByRole("button", { name: "Add 4 pictures" }).click();
  await page.getByText("4 pictures added").waitFor();
  await shoot("03-uploaded");
  await page.keyboard.press("Escape");
  await shown(4);
  assert.deepEqual((await captions()).sort(), PICTURES.map(({ caption }) => caption).sort());
  assert.equal(await statusText(), "4 items");
});

test("a broken picture is told and the others stay", async () => {
  await page.click("#upload-button");
  await page.locator("#upload[open]").waitFor();
  await page.setInputFiles("#upload-files", { name: "broken.png", mimeType: "image/png", buffer: Buffer.from("no picture") });
  await page.getByRole("button", { name: "Add 1 picture" }).click();
  await page.getByText("1 could not be added").waitFor();
  await page.click("#upload-close");
  assert.equal((await api("POST", "/collections/default/points/count", {})).count, 4);
  faults.splice(0, faults.length, ...faults.filter((fault) => !/status of 400/.test(fault)));
});

test("words find the picture, in pictures and in texts", async () => {
  await search("a blue square");
  assert.equal((await captions())[0], "a blue square");
  assert.match(await statusText(), /^4 results · \d+ ms$/);
  await act(() => page.getByRole("radio", { name: "Texts" }).click());
  assert.equal((await captions())[0], "a blue square");
  await act(() => page.getByRole("radio", { name: "Pictures" }).click());
  await shoot("04-words");
});

test("back and forward go through the searches", async () => {
  await search("a red circle");
  await act(() => page.goBack());
  assert.equal(await page.inputValue("#words"), "a blue square");
  await act(() => page.goForward());
  assert.equal(await page.inputValue("#words"), "a red circle");
});

test("a picture finds itself, and words beside it are weighed", async () => {
  await home();
  await act(() => page.setInputFiles("#file", paths[2]));
  assert.equal(await page.locator(".chip.own").count(), 1);
  assert.equal((await captions())[0], "a green triangle");
  assert.equal(await page.isVisible("#balance-field"), false);
  await search("a red circle");
  assert.equal(await page.isVisible("#balance-field"), true);
  const scores = await page.locator(".score").allTextContents();
  await act(() => page.fill("#balance", "0"));
  assert.equal((await captions())[0], "a red circle");
  await act(() => page.fill("#balance", "100"));
  assert.equal((await captions())[0], "a green triangle");
  assert.notDeepEqual(await page.locator(".score").allTextContents(), scores);
  await shoot("05-mix");
  await act(() => page.getByRole("button", { name: /^Take this example away/ }).click());
  assert.equal(await page.locator(".chip.own").count(), 0);
});

test("a dropped picture is searched with", async () => {
  await home();
  const base64 = (await readFile(paths[1])).toString("base64");
  await act(() => page.evaluate((bytes) => {
    const file = new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], "dropped.png", { type: "image/png" });
    const data = new DataTransfer();
    data.items.add(file);
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  }, base64));
  assert.equal(await page.locator(".chip.own").count(), 1);
  assert.equal((await captions())[0], "a blue square");
});

test("more like this, less like this, by keys and by clicks", async () => {
  await home();
  await page.keyboard.press("/");
  await page.keyboard.type("a circle");
  await act(() => page.keyboard.press("Enter"));
  const first = (await captions())[0];
  await page.locator(".grid .open").first().focus();
  await act(() => page.keyboard.press("-"));
  assert.equal(await page.locator(".chip.unlike").count(), 1);
  assert.notEqual((await captions())[0], first);
  await page.locator(".grid .item").first().hover();
  await act(() => page.getByRole("button", { name: "More like this" }).first().click());
  assert.equal(await page.locator(".chip.like").count(), 1);
  await shoot("06-examples");
  await home();
  assert.equal(await page.locator(".chip").count(), 0);
});

test("an item opens large, and the arrows go on", async () => {
  const shown = await captions();
  await page.locator(".grid .open").first().focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await page.locator("#item[open]").waitFor();
  assert.equal(await page.textContent("#item-title"), shown[1]);
  await page.waitForFunction(() => document.querySelector("#item-picture img")?.naturalWidth > 0);
  await shoot("07-item");
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.textContent("#item-title"), shown[2]);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#item[open]").count(), 0);
  assert.equal(await page.evaluate(() => [...document.querySelectorAll(".open")].indexOf(document.activeElement)), 2);
});

test("filters come from the fields, with how many items have each", async () => {
  const points = (await api("POST", "/collections/default/points/scroll", { limit: 10 })).points;
  for (const [i, { id, payload }] of points.entries()) {
    await api("POST", "/collections/default/points/payload", {
      points: [id],
      payload: { colour: payload.text.split(" ")[1], round: /circle/.test(payload.text), price: 10 * (i + 1), added: `2026-0${i + 1}-15T10:00:00Z`, tags: ["shape", i % 2 ? "odd" : "even"] },
    });
  }
  await act(() => page.reload());
  await page.keyboard.press("f");
  const field = (key) => page.locator(`details[data-key="${key}"]`);
  const open = async (key) => {
    await field(key).waitFor();
    if (!(await field(key).evaluate((details) => details.open))) {
      await field(key).locator("summary").click();
    }
  };
  await open("tags");
  await act(() => field("tags").getByLabel("odd").check());
  assert.equal(await statusText(), "2 items");
  await open("colour");
  assert.equal(await field("colour").locator(".choice").count(), 2);
  await act(() => page.getByRole("button", { name: "Remove the filter tags: odd" }).click());
  await open("round");
  await act(() => field("round").getByLabel("yes").check());
  assert.equal(await statusText(), "2 items");
  await search("something red");
  assert.deepEqual((await captions()).sort(), ["a red circle", "a yellow circle"]);
  await shoot("08-filters");
  await page.getByRole("button", { name: "Remove the filter round: yes" }).click();
  await open("price");
  await field("price").getByLabel("from").fill("25");
  await act(() => field("price").getByLabel("from").press("Enter"));
  assert.equal((await captions()).length, 2);
  await open("added");
  await field("added").getByLabel("to").fill("2026-03-31");
  await act(() => field("added").getByLabel("to").press("Enter"));
  assert.equal((await captions()).length, 1);
  await act(() => page.reload());
  assert.equal((await captions()).length, 1, "filters stand in the address");
  await act(() => page.getByRole("button", { name: "Clear all" }).click());
  assert.equal((await captions()).length, 4);
});

test("collections are made, opened and deleted", async () => {
  await home();
  await page.click("#collections-button");
  await page.fill("#collections-name", "second one");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByText("Nothing in here yet").waitFor();
  assert.equal(await page.inputValue("#collection"), "second one");
  await page.click("#collections-button");
  await page.getByText("4 items").waitFor();
  await shoot("09-collections");
  await page.getByRole("button", { name: "Delete: second one" }).click();
  assert.equal(await page.isDisabled(".removal .go"), true);
  await page.locator(".removal input").fill("second one");
  await page.locator(".removal .go").click();
  await page.waitForFunction(() => document.querySelectorAll(".collection-row").length === 1);
  await page.keyboard.press("Escape");
  await shown(4);
  assert.deepEqual((await api("GET", "/collections")).collections.map(({ name }) => name), ["default"]);
});

test("it speaks Chinese", async () => {
  await act(() => page.click("#language"));
  assert.equal(await page.getAttribute("html", "lang"), "zh-Hans");
  assert.equal(await statusText(), "4 项");
  await page.getByRole("button", { name: "搜索", exact: true }).waitFor();
  const left = await page.evaluate(() => [...document.querySelectorAll("[data-word]")]
    .filter((e) => /[A-Za-z]{3}/.test(e.textContent.replace("API", ""))).map((e) => e.textContent));
  assert.deepEqual(left, []);
  await shoot("10-chinese");
  await act(() => page.click("#language"));
});

test("light and dark can be chosen, and both are accessible", async () => {
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const seen = [];
  await page.keyboard.press("f");
  await page.locator("details.field-filter").first().waitFor();
  for (const theme of ["light", "dark"]) {
    await page.click("#theme");
    assert.equal(await page.getAttribute("html", "data-theme"), theme);
    seen.push(await paper());
    await shoot(`11-${theme}`);
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa"] }));
    assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes[0].html]), [], theme);
  }
  assert.notEqual(seen[0], seen[1]);
  await page.click("#theme");
  await page.keyboard.press("f");
});

test("dialogs are accessible", async () => {
  for (const open of ["#upload-button", "#collections-button"]) {
    await page.click(open);
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run("dialog[open]"));
    assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes[0].html]), []);
    await page.keyboard.press("Escape");
  }
});

test("it fits 375 pixels", async () => {
  const small = await openPage(server.url, { viewport: { width: 375, height: 740 }, hasTouch: true });
  await settled(small);
  const overflow = () => small.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
  assert.equal(await overflow(), 0);
  await shoot("12-small", small);
  await small.click("#filters-button");
  await small.locator("details.field-filter").first().waitFor();
  assert.equal(await overflow(), 0);
  await shoot("13-small-filters", small);
  await small.click("#panel-close");
  await small.locator(".open").first().click();
  assert.equal(await overflow(), 0);
  await shoot("14-small-item", small);
  await small.context().close();
});

test("a server with a key asks for it", async () => {
  const guarded = await startServer(DUET, { key: "sesame" });
  try {
    const other = await openPage(guarded.url);
    await other.getByText("This server asks for an API key").waitFor();
    await other.fill("#key", "sesame");
    await other.press("#key", "Enter");
    await other.getByText("Nothing in here yet").waitFor();
    await other.click("#upload-button");
    await other.locator("#upload[open]").waitFor();
    await other.setInputFiles("#upload-files", paths[0]);
    await other.getByRole("button", { name: "Add 1 picture" }).click();
    await other.getByText("1 picture added").waitFor();
    await other.keyboard.press("Escape");
    await other.waitForFunction(() => document.querySelector(".grid img")?.naturalWidth > 0);
    await other.context().close();
  } finally {
    await guarded.stop();
  }
});

test("nothing went wrong unseen, and nothing left the server", () => {
  assert.deepEqual(faults, []);
});
