/* One item, large, with all that is known of it; the arrows go to its neighbours. */

import { loadImage, pathTo } from "./server.js";
import { $, closeOnBackdrop, make } from "./make.js";
import { captionOf, shownPoints } from "./grid.js";
import { locale, say } from "./words.js";

let at = 0; // number of the item among those shown
let collection = "";
let actions = {};

/* ---- The payload, as rows of a name and a value ---- */

function textOf(value) {
  if (typeof value === "number") {
    return value.toLocaleString(locale(), { maximumFractionDigits: 6 });
  }
  if (typeof value === "boolean") {
    return say(value ? "yes" : "no");
  }
  return Array.isArray(value) && value.every((item) => typeof item !== "object") ? value.join(", ") : JSON.stringify(value);
}

function rowsOf(payload, prefix = "") {
  return Object.entries(payload).flatMap(([key, value]) => {
    const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
    return isObject ? rowsOf(value, `${prefix}${key}.`)
      : [[prefix + key, typeof value === "string" ? value : textOf(value)]];
  });
}

/* What people wrote comes before what the file was like. */
const isOfFile = ([name]) => ["path", "file", "width", "height", "format", "bytes"].includes(name);

function makeFacts(point) {
  const all = rowsOf(point.payload ?? {});
  const rows = [...all.filter((row) => !isOfFile(row)), ...all.filter(isOfFile), [say("id"), String(point.id)]];
  const list = make("dl", "facts");
  for (const [name, value] of rows) {
    list.append(make("dt", "", name), make("dd", "", value));
  }
  return list;
}

/* ---- The dialog ---- */

/* The original where the server has it, else the thumbnail, else words. */
function showPicture(point, caption) {
  const img = make("img");
  const path = pathTo(collection, `/points/${point.id}/image`);
  img.alt = caption;
  img.addEventListener("error", () => {
    const thumbnail = make("img");
    thumbnail.alt = caption;
    thumbnail.addEventListener("error", () => thumbnail.replaceWith(make("p", "words", caption)), { once: true });
    img.replaceWith(thumbnail);
    loadImage(thumbnail, path);
  }, { once: true });
  $("item-picture").replaceChildren(img);
  loadImage(img, `${path}?size=original`);
}

function show(i) {
  const point = shownPoints()[i];
  const caption = captionOf(point);
  at = i;
  $("item-title").textContent = caption;
  $("item-facts").replaceChildren(makeFacts(point));
  $("item-score").textContent = point.score === undefined ? "" : say("score", { score: point.score.toFixed(4) });
  $("item-previous").disabled = i === 0;
  $("item-next").disabled = i === shownPoints().length - 1;
  showPicture(point, caption);
}

function step(by) {
  if (shownPoints()[at + by]) {
    show(at + by);
  }
}

export function openItem(i, name) {
  collection = name;
  show(i);
  $("item").showModal();
}

function judge(how) {
  $("item").close();
  actions[how](String(shownPoints()[at].id));
}

/* `what` has like(id) and unlike(id). */
export function listenToItem(what) {
  actions = what;
  closeOnBackdrop($("item"));
  $("item-close").addEventListener("click", () => $("item").close());
  $("item-previous").addEventListener("click", () => step(-1));
  $("item-next").addEventListener("click", () => step(1));
  $("item-like").addEventListener("click", () => judge("like"));
  $("item-unlike").addEventListener("click", () => judge("unlike"));
  $("item").addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by) {
      event.preventDefault();
      step(by);
    }
  });
  $("item").addEventListener("close", () => {
    $("grid").querySelectorAll(".open")[at]?.focus();
  });
}
