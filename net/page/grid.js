/*
 * The grid: pictures in rows of one height, each as wide as its shape asks for. One of
 * them is in the tab order at a time; the arrows go through the others.
 */

import { loadImage, pathTo } from "./server.js";
import { $, make, makeIconButton } from "./make.js";
import { isChinese, say } from "./words.js";

/* What may be done with an item, set by listenToGrid: open(i), like(id), unlike(id). */
let actions = {};
let points = []; // shown, in order

export const shownPoints = () => points;

export function captionOf(point) {
  const payload = point.payload ?? {};
  const captions = payload.captions ?? {};
  const own = isChinese() ? captions.zh_CN ?? captions.zh : undefined;
  const found = [own, payload.text, payload.title, payload.caption, payload.name, payload.file]
    .find((text) => typeof text === "string" && text !== "");
  return found ?? say("untitled", { id: String(point.id) });
}

/* Width by height, within what still makes a row; `whole` where that is not its own. */
function shapeOf(payload) {
  const own = payload?.width / payload?.height;
  const ratio = Number.isFinite(own) ? Math.min(2.2, Math.max(0.62, own)) : 1;
  return { ratio, whole: Number.isFinite(own) && own !== ratio };
}

/* A picture that is much smaller than its place is not blown up. */
const isTiny = (img) => Math.max(img.naturalWidth, img.naturalHeight) < 120;

function makePicture(point, caption, collection, item) {
  const img = make("img", "loading");
  const known = shapeOf(point.payload);
  img.alt = "";
  img.loading = "lazy";
  img.classList.toggle("whole", known.whole);
  img.addEventListener("load", () => {
    img.classList.remove("loading");
    img.classList.toggle("tiny", isTiny(img));
    if (!point.payload?.width) {
      const own = shapeOf({ width: img.naturalWidth, height: img.naturalHeight });
      item.style.setProperty("--ratio", own.ratio);
      img.classList.toggle("whole", own.whole);
    }
  });
  img.addEventListener("error", () => img.replaceWith(make("span", "words", caption)));
  loadImage(img, pathTo(collection, `/points/${point.id}/image`));
  return img;
}

function makeOpen(point, i, caption, collection, item) {
  const open = make("button", "open");
  open.type = "button";
  open.tabIndex = i === 0 ? 0 : -1;
  open.setAttribute("aria-label", say("open", { words: caption }));
  open.append(makePicture(point, caption, collection, item));
  open.addEventListener("click", () => actions.open(i));
  open.addEventListener("focus", () => roveTo(i));
  return open;
}

function makeAbout(point, caption) {
  const about = make("div", "about");
  const text = make("span", "caption", caption);
  text.title = caption;
  about.append(text);
  if (point.score !== undefined) {
    const score = make("span", "score", point.score.toFixed(3));
    score.title = say("score", { score: point.score.toFixed(3) });
    about.append(score);
  }
  return about;
}

function makeItem(point, i, collection) {
  const item = make("li", "item");
  const caption = captionOf(point);
  item.style.setProperty("--ratio", shapeOf(point.payload).ratio);
  const shot = make("div", "shot");
  const judge = make("div", "judge");
  judge.append(
    makeIconButton("plus", say("like"), "round", () => actions.like(String(point.id))),
    makeIconButton("minus", say("unlike"), "round", () => actions.unlike(String(point.id))));
  for (const button of judge.children) {
    button.tabIndex = -1; // by + and - from the picture, by Tab from the open one
  }
  shot.append(makeOpen(point, i, caption, collection, item), judge);
  item.append(shot, makeAbout(point, caption));
  return item;
}

export function clearGrid() {
  points = [];
  $("grid").replaceChildren();
}

/* While nothing is known yet. */
export function showGhosts() {
  const shapes = [1.4, 0.8, 1.2, 1.5, 1, 0.75, 1.3, 1.1];
  clearGrid();
  $("grid").append(...shapes.map((ratio) => {
    const item = make("li", "item ghost");
    item.setAttribute("aria-hidden", "true");
    item.style.setProperty("--ratio", ratio);
    item.append(make("div", "shot"));
    return item;
  }));
}

export function appendPoints(more, collection) {
  if (points.length === 0) {
    $("grid").replaceChildren();
  }
  const items = more.map((point, i) => makeItem(point, points.length + i, collection));
  points.push(...more);
  $("grid").append(...items);
}

/* ---- Keys ---- */

const opens = () => [...$("grid").querySelectorAll(".open")];

function roveTo(i) {
  opens().forEach((open, at) => { open.tabIndex = at === i ? 0 : -1; });
}

/* The item that the arrow leads to from number `i`: up and down by what is seen. */
function neighbour(i, key) {
  const all = opens();
  if (key === "ArrowLeft" || key === "ArrowRight") {
    return i + (key === "ArrowLeft" ? -1 : 1);
  }
  const here = all[i].getBoundingClientRect();
  const middle = here.left + here.width / 2;
  const isBeyond = (box) => (key === "ArrowUp" ? box.bottom <= here.top : box.top >= here.bottom);
  const distance = (box) => Math.abs(box.top - here.top) * 10 + Math.abs(box.left + box.width / 2 - middle);
  const others = all.map((open, at) => ({ at, box: open.getBoundingClientRect() })).filter(({ box }) => isBeyond(box));
  return others.reduce((best, other) => (best && distance(best.box) <= distance(other.box) ? best : other), undefined)?.at;
}

function onKey(event) {
  const i = opens().indexOf(event.target);
  if (i < 0 || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  const id = String(points[i].id);
  if (event.key.startsWith("Arrow")) {
    event.preventDefault();
    opens()[neighbour(i, event.key)]?.focus();
  } else if (event.key === "+" || event.key === "=") {
    actions.like(id);
  } else if (event.key === "-") {
    actions.unlike(id);
  }
}

export function listenToGrid(what) {
  actions = what;
  $("grid").addEventListener("keydown", onKey);
}
