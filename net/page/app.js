/*
 * The page: a search field and a grid, on the REST API of the server it came from.
 *
 * What is shown is a function of `view`, which lives in the address (#q=…, #like=…), so
 * that back, forward and bookmarks work; only a picture to search with can't be told
 * there. Everything from the server reaches the document as text, never as HTML.
 */
"use strict";

const PAGE_SIZE = 40;
const MAX_PICTURE_MB = 40;
const $ = (id) => document.getElementById(id);

let language = "en";
let collection = "";
let picture = null;   // { name, url, base64 } to search with
let shown = 0;        // results in the grid
let nextOffset = null; // of the walk through everything
let current = 0;      // number of the latest request: answers to earlier ones are dropped

/* ---- Words ------------------------------------------------------------------------ */

function say(key, values = {}) {
  let text = WORDS[language][key];
  if (typeof text === "object") {
    text = text[values.n === 1 ? "one" : "other"];
  }
  return text.replace(/\{(\w+)\}/g, (whole, name) =>
    typeof values[name] === "number" ? values[name].toLocaleString(language) : values[name] ?? whole);
}

function chooseLanguage(wanted) {
  language = wanted in WORDS ? wanted : "en";
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  for (const element of document.querySelectorAll("[data-word]")) {
    element.textContent = say(element.dataset.word);
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", say(element.dataset.label));
    element.title = say(element.dataset.label);
  }
  $("language").textContent = WORDS[language === "en" ? "zh" : "en"].name;
  $("language").lang = language === "en" ? "zh-Hans" : "en";
  showPicture();
}

/* ---- The server --------------------------------------------------------------------- */

class ServerError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

function headers() {
  const key = sessionStorage.getItem("key");
  return key ? { "api-key": key } : {};
}

async function ask(method, path, body) {
  const options = { method, headers: headers() };
  if (body !== undefined) {
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new ServerError(0, say("offline"));
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new ServerError(response.status, answer.status?.error ?? response.statusText);
  }
  return answer;
}

const pathTo = (rest) => `/collections/${encodeURIComponent(collection)}${rest}`;

/* An <img> can't send a key, so where there is one the picture is fetched first. */
async function loadImage(img, id) {
  const path = pathTo(`/points/${id}/image`);
  if (!sessionStorage.getItem("key")) {
    img.src = path;
    return;
  }
  const response = await fetch(path, { headers: headers() });
  if (!response.ok) {
    img.dispatchEvent(new Event("error"));
    return;
  }
  img.src = URL.createObjectURL(await response.blob());
  img.addEventListener("load", () => URL.revokeObjectURL(img.src), { once: true });
}

/* ---- The grid ----------------------------------------------------------------------- */

function captionOf(point) {
  const payload = point.payload ?? {};
  const captions = payload.captions ?? {};
  const own = language === "zh" ? captions.zh_CN ?? captions.zh : undefined;
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

function make(tag, className, text) {
  const element = document.createElement(tag);
  element.className = className;
  if (text !== undefined) {
    element.textContent = text;
  }
  return element;
}

/* A picture that is much smaller than its place is not blown up. */
const isTiny = (img) => Math.max(img.naturalWidth, img.naturalHeight) < 120;

function makePicture(point, caption) {
  const img = make("img", "loading");
  img.alt = caption;
  img.loading = "lazy";
  img.classList.toggle("whole", shapeOf(point.payload).whole);
  img.addEventListener("load", () => {
    img.classList.remove("loading");
    img.classList.toggle("tiny", isTiny(img));
  });
  img.addEventListener("error", () => img.replaceWith(make("p", "words", caption)));
  loadImage(img, point.id);
  return img;
}

function makeLike(point, caption) {
  const like = make("button", "like");
  like.type = "button";
  like.title = say("like");
  like.setAttribute("aria-label", say("likeOf", { words: caption }));
  like.append($("like-icon").content.cloneNode(true), make("span", "", say("like")));
  like.addEventListener("click", () => go({ like: String(point.id), words: caption }));
  return like;
}

function makeItem(point) {
  const item = make("li", "item");
  const caption = captionOf(point);
  item.style.setProperty("--ratio", shapeOf(point.payload).ratio);
  const shot = make("div", "shot");
  shot.append(makePicture(point, caption), makeLike(point, caption));
  const about = make("div", "about");
  const text = make("span", "caption", caption);
  text.title = caption;
  about.append(text);
  if (point.score !== undefined) {
    const score = make("span", "score", point.score.toFixed(3));
    score.title = say("score", { score: point.score.toFixed(3) });
    about.append(score);
  }
  item.append(shot, about);
  return item;
}

function showGhosts() {
  const shapes = [1.4, 0.8, 1.2, 1.5, 1, 0.75, 1.3, 1.1];
  $("grid").replaceChildren(...shapes.map((ratio) => {
    const item = make("li", "item ghost");
    item.setAttribute("aria-hidden", "true");
    item.style.setProperty("--ratio", ratio);
    item.append(make("div", "shot"));
    return item;
  }));
}

function showMessage(title, text, code) {
  $("grid").replaceChildren();
  $("more").hidden = true;
  $("status").textContent = "";
  $("message-title").textContent = title;
  $("message-text").textContent = text;
  $("message-code").textContent = code ?? "";
  $("message-code").hidden = code === undefined;
  $("message").hidden = false;
}

function showEmpty() {
  $("heading").textContent = "";
  showMessage(say("emptyTitle"), say("emptyText"), "duet add ~/Pictures");
}

function showError(error) {
  if (error.status === 401) {
    $("heading").textContent = "";
    $("grid").replaceChildren();
    $("status").textContent = "";
    $("key-form").hidden = false;
    $("key").focus();
    return;
  }
  if (!(error instanceof ServerError)) {
    console.error(error);
  }
  showMessage(say("errorTitle"), error.message);
}

/* ---- Views ---------------------------------------------------------------------------- */

function readView() {
  const address = new URLSearchParams(location.hash.slice(1));
  return {
    q: address.get("q") ?? "",
    like: address.get("like") ?? "",
    words: address.get("words") ?? "",
    in: address.get("in") ?? "image",
    c: address.get("c") ?? "",
  };
}

/* Goes to another view; the one that is left stays in the browser's history. Words and
 * "more like this" take the place of a picture, all else keeps it (see render). */
function go(view) {
  const address = new URLSearchParams();
  const full = { in: document.querySelector("[name=in]:checked").value, ...view };
  for (const key of ["q", "like", "words", "in"]) {
    if (full[key] && !(key === "in" && full.in === "image")) {
      address.set(key, full[key]);
    }
  }
  if ($("collection").options.length > 1) {
    address.set("c", collection);
  }
  if (location.hash.slice(1) === address.toString()) {
    render();
  } else {
    location.hash = address.toString();
  }
}

function headingOf(view) {
  if (picture) {
    return say("resultsPicture");
  }
  if (view.like) {
    return say("resultsLike", { words: view.words || view.like });
  }
  return view.q ? say("resultsFor", { words: view.q }) : say("everything");
}

function queryOf(view) {
  if (picture) {
    return { image: picture.base64 };
  }
  if (view.like) {
    return /^\d+$/.test(view.like) && Number.isSafeInteger(Number(view.like)) ? Number(view.like) : view.like;
  }
  return { text: view.q };
}

async function fetchResults(view) {
  const answer = await ask("POST", pathTo("/points/query"), {
    query: queryOf(view),
    using: view.in,
    limit: PAGE_SIZE,
    offset: shown,
    with_payload: true,
  });
  const ms = Math.max(1, Math.round(answer.time * 1000));
  const points = answer.result.points;
  const n = shown + points.length;
  let status = say("results", { n, ms });
  if (answer.result.duet?.truncated) {
    status += " · " + say("truncated");
  }
  return { points, status, hasMore: points.length === PAGE_SIZE };
}

async function fetchEverything() {
  const [page, count] = await Promise.all([
    ask("POST", pathTo("/points/scroll"), { limit: PAGE_SIZE, offset: nextOffset, with_payload: true }),
    ask("POST", pathTo("/points/count"), {}),
  ]);
  nextOffset = page.result.next_page_offset;
  return {
    points: page.result.points,
    status: say("points", { n: count.result.count }),
    hasMore: nextOffset !== null,
  };
}

/* Appends one page of the view to the grid. */
async function appendPage(view) {
  const mine = ++current;
  const isSearch = picture !== null || view.q !== "" || view.like !== "";
  try {
    const page = isSearch ? await fetchResults(view) : await fetchEverything();
    if (mine !== current) {
      return;
    }
    if (shown === 0) {
      $("grid").replaceChildren();
    }
    $("grid").append(...page.points.map(makeItem));
    shown += page.points.length;
    $("status").textContent = page.status;
    $("more").hidden = !page.hasMore;
    if (shown === 0 && isSearch) {
      showMessage(say("noneTitle"), say("noneText"));
    } else if (shown === 0) {
      showEmpty();
    }
  } catch (error) {
    if (mine === current) {
      showError(error);
    }
  }
}

async function render() {
  const view = readView();
  if (view.c && view.c !== collection && [...$("collection").options].some((o) => o.value === view.c)) {
    collection = $("collection").value = view.c;
  }
  for (const radio of document.querySelectorAll("[name=in]")) {
    radio.checked = radio.value === view.in;
  }
  if (view.q || view.like) {
    setPicture(null);
  }
  $("words").value = view.q;
  shown = 0;
  nextOffset = null;
  $("message").hidden = true;
  $("more").hidden = true;
  $("heading").textContent = headingOf(view);
  $("status").textContent = say("searching");
  document.title = view.q ? `${view.q} · Duet` : "Duet";
  showGhosts();
  await appendPage(view);
}

/* ---- A picture to search with ------------------------------------------------------------ */

function showPicture() {
  $("chip").hidden = picture === null;
  $("chip-image").hidden = false;
  $("words").placeholder = say(picture ? "placeholderPicture" : "placeholder");
  if (picture) {
    $("chip-image").src = picture.url;
    $("chip-name").textContent = picture.name;
  }
}

function setPicture(next) {
  if (picture) {
    URL.revokeObjectURL(picture.url);
  }
  picture = next;
  showPicture();
}

function readBase64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

async function searchWith(file) {
  if (!file.type.startsWith("image/")) {
    showMessage(say("errorTitle"), say("notPicture"));
    return;
  }
  if (file.size > MAX_PICTURE_MB * 1e6) {
    showMessage(say("errorTitle"), say("tooLarge", { n: MAX_PICTURE_MB }));
    return;
  }
  const base64 = await readBase64(file);
  setPicture({ name: file.name, url: URL.createObjectURL(file), base64 });
  go({});
}

const pictureIn = (data) => [...(data?.files ?? [])][0];

/* ---- Events --------------------------------------------------------------------------- */

function listen() {
  $("search").addEventListener("submit", (event) => {
    event.preventDefault();
    const q = $("words").value.trim();
    if (q) {
      go({ q });
    } else if (picture) {
      render();
    } else {
      go({});
    }
    $("heading").focus({ preventScroll: true });
  });
  for (const radio of document.querySelectorAll("[name=in]")) {
    radio.addEventListener("change", () => {
      const view = readView();
      const words = picture ? "" : $("words").value.trim();
      go(view.like ? { like: view.like, words: view.words } : { q: words });
    });
  }
  $("home").addEventListener("click", (event) => {
    event.preventDefault();
    setPicture(null);
    go({ in: "image" });
  });
  $("more").addEventListener("click", () => appendPage(readView()));
  $("pick").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", () => {
    const file = $("file").files[0];
    $("file").value = "";
    if (file) {
      searchWith(file);
    }
  });
  $("chip-image").addEventListener("error", () => { $("chip-image").hidden = true; });
  $("chip-remove").addEventListener("click", () => {
    setPicture(null);
    $("words").focus();
    render();
  });
  $("collection").addEventListener("change", () => {
    collection = $("collection").value;
    go({ q: $("words").value.trim() });
  });
  $("language").addEventListener("click", () => {
    chooseLanguage(language === "en" ? "zh" : "en");
    localStorage.setItem("language", language);
    render();
  });
  $("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem("key", $("key").value);
    $("key").value = "";
    $("key-form").hidden = true;
    start();
  });
  window.addEventListener("hashchange", render);
  document.addEventListener("paste", (event) => {
    const file = pictureIn(event.clipboardData);
    if (file) {
      event.preventDefault();
      searchWith(file);
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/INPUT|SELECT/.test(document.activeElement.tagName)) {
      event.preventDefault();
      $("words").focus();
    }
  });
  listenForDrops();
}

function listenForDrops() {
  let depth = 0; /* of nested enter and leave events */
  const show = (change) => {
    depth = Math.max(0, depth + change);
    $("drop").classList.toggle("shown", depth > 0);
  };
  const isFile = (event) => [...event.dataTransfer.types].includes("Files");
  document.addEventListener("dragenter", (event) => isFile(event) && show(1));
  document.addEventListener("dragleave", (event) => isFile(event) && show(-1));
  document.addEventListener("dragover", (event) => isFile(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    const file = pictureIn(event.dataTransfer);
    depth = 0;
    show(0);
    if (file) {
      event.preventDefault();
      searchWith(file);
    }
  });
}

/* Asks which collections there are, and shows the chosen one. */
async function start() {
  try {
    const answer = await ask("GET", "/collections");
    const names = answer.result.collections.map((item) => item.name);
    $("collection").replaceChildren(...names.map((name) => new Option(name)));
    $("collection-chooser").hidden = names.length < 2;
    collection = names.includes("default") ? "default" : names[0] ?? "";
    $("collection").value = collection;
    if (collection) {
      await render();
    } else {
      showEmpty();
    }
  } catch (error) {
    showError(error);
  }
}

chooseLanguage(localStorage.getItem("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
listen();
start();
