/*
 * The page: a search field, filters and a grid, on the REST API of the server it came
 * from. What is shown is a function of the view in the address (view.js) and, where
 * there is one, of the picture to search with (question.js).
 */

import { ask, pathTo, ServerError, setKey } from "./server.js";
import { $, closeOnBackdrop } from "./make.js";
import { appendPoints, clearGrid, listenToGrid, showGhosts, shownPoints } from "./grid.js";
import { changeView, readView } from "./view.js";
import { collectionInfo, collectionNames, hasModel, listenToCollections, openCollections } from "./collections.js";
import { filterOf, forgetFields, listenToFilters, showFilters, toggleFilters } from "./filters.js";
import { headingOf, isSearch, listenToQuestion, pictureFault, queryOf, searchWithFile, setPicture,
  showQuestion } from "./question.js";
import { listenToItem, openItem } from "./item.js";
import { listenToUpload, openUpload } from "./upload.js";
import { otherLanguage, say, sayAll, startLanguage, switchLanguage } from "./words.js";

const PAGE_SIZE = 40;

let collection = "";    // shown
let info = null;        // of it, as the server tells
let nextOffset = null;  // of the walk through everything
let current = 0;        // number of the latest request: answers to earlier ones are dropped

/* ---- Messages ---- */

function showMessage(title, text, code) {
  clearGrid();
  $("more").hidden = true;
  $("status").textContent = "";
  $("message-title").textContent = title;
  $("message-text").textContent = text;
  $("message-code").textContent = code ?? "";
  $("message-code").hidden = code === undefined;
  $("message").hidden = false;
}

function showEmpty() {
  const name = collection && collection !== "default" ? ` --collection ${collection}` : "";
  showMessage(say("emptyTitle"), say("emptyText"), `duet add ~/Pictures --url ${location.origin}${name}`);
}

function showError(error) {
  if (error.status === 401) {
    $("heading").textContent = "";
    $("status").textContent = "";
    clearGrid();
    $("key-form").hidden = false;
    $("key").focus();
    return;
  }
  if (!(error instanceof ServerError)) {
    console.error(error);
  }
  showMessage(say("errorTitle"), error.message);
}

/* ---- A view ---- */

const change = (changes) => changeView({ c: collection, ...changes }, render);
const spaceOf = (view) => (view.in || (hasModel(info) ? "image" : undefined));

async function fetchResults(view) {
  const answer = await ask("POST", pathTo(collection, "/points/query"), {
    query: queryOf(view),
    using: spaceOf(view),
    filter: filterOf(view.filters),
    limit: PAGE_SIZE,
    offset: shownPoints().length,
    with_payload: true,
  });
  const points = answer.result.points;
  const ms = Math.max(1, Math.round(answer.time * 1000));
  let status = say("results", { n: shownPoints().length + points.length, ms });
  if (answer.result.duet?.truncated) {
    status += " · " + say("truncated");
  }
  return { points, status, hasMore: points.length === PAGE_SIZE };
}

async function fetchEverything(view) {
  const filter = filterOf(view.filters);
  const [page, count] = await Promise.all([
    ask("POST", pathTo(collection, "/points/scroll"),
      { limit: PAGE_SIZE, offset: nextOffset ?? undefined, filter, with_payload: true }),
    ask("POST", pathTo(collection, "/points/count"), { filter }),
  ]);
  return {
    points: page.result.points,
    status: say("points", { n: count.result.count }),
    hasMore: page.result.next_page_offset !== null,
    next: page.result.next_page_offset,
  };
}

function showPage(view, page) {
  if (shownPoints().length === 0) {
    clearGrid();
  }
  appendPoints(page.points, collection);
  nextOffset = page.next ?? null;
  $("status").textContent = page.status;
  $("more").hidden = !page.hasMore;
  if (shownPoints().length > 0) {
    return;
  }
  if (isSearch(view) || view.filters.length > 0) {
    showMessage(say("noneTitle"), say("noneText"));
  } else {
    showEmpty();
  }
}

/* Appends one page of the view to the grid. */
async function appendPage(view) {
  const mine = ++current;
  try {
    const page = await (isSearch(view) ? fetchResults(view) : fetchEverything(view));
    if (mine === current) {
      showPage(view, page);
    }
  } catch (error) {
    if (mine === current) {
      showError(error);
    }
  }
}

async function render() {
  const view = readView();
  try {
    await chooseCollection(view.c);
  } catch (error) {
    showError(error);
    return;
  }
  if (!collection) {
    showEmpty();
    return;
  }
  for (const radio of document.querySelectorAll("[name=in]")) {
    radio.checked = radio.value === (view.in || "image");
  }
  showQuestion(view, collection);
  showFilters(view, collection);
  nextOffset = null;
  $("message").hidden = true;
  $("more").hidden = true;
  $("heading").textContent = headingOf(view);
  $("status").textContent = say("searching");
  document.title = view.q ? `${view.q} · Duet` : "Duet";
  showGhosts();
  await appendPage(view);
}

/* ---- Collections ---- */

async function listCollections() {
  const names = await collectionNames();
  $("collection").replaceChildren(...names.map((name) => new Option(name)));
  $("collection-chooser").hidden = names.length < 2;
  return names;
}

/* The one the address names, else the one shown, else "default" or the first. */
async function chooseCollection(wanted) {
  const names = [...$("collection").options].map((option) => option.value);
  const next = [wanted, collection, "default", names[0]].find((name) => names.includes(name)) ?? "";
  if (next !== collection || info === null) {
    info = next ? await collectionInfo(next) : null;
    collection = next;
  }
  $("collection").value = collection;
  $("where").hidden = !info || !hasModel(info);
  $("filters-button").hidden = collection === "";
}

/* Asks the server what there is, and shows what the address says. */
async function start() {
  try {
    await listCollections();
    info = null;
    await render();
  } catch (error) {
    showError(error);
  }
}

/* Into the collection shown; into the first, made for that, where there is none yet. */
async function addPictures() {
  if (!collection) {
    await ask("PUT", pathTo("default", ""), {});
    await start();
  }
  openUpload(collection, hasModel(info));
}

/* ---- Likes ---- */

const withId = (list, id) => (list.includes(id) ? list : [...list, id]);
const withoutId = (list, id) => list.filter((other) => other !== id);

function like(id) {
  const view = readView();
  change({ like: withId(view.like, id), unlike: withoutId(view.unlike, id) });
}

function unlike(id) {
  const view = readView();
  change({ like: withoutId(view.like, id), unlike: withId(view.unlike, id) });
}

/* ---- Looks ---- */

const THEMES = ["auto", "light", "dark"];

function showTheme() {
  const theme = localStorage.getItem("theme") ?? "auto";
  const name = { auto: "themeAuto", light: "themeLight", dark: "themeDark" }[theme];
  document.documentElement.dataset.theme = theme;
  $("theme").title = say("theme", { theme: say(name) });
  $("theme").setAttribute("aria-label", $("theme").title);
}

function nextTheme() {
  const theme = localStorage.getItem("theme") ?? "auto";
  localStorage.setItem("theme", THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]);
  showTheme();
}

function showLanguage() {
  sayAll();
  $("language").textContent = otherLanguage().name;
  $("language").lang = otherLanguage().lang;
  showTheme();
}

/* ---- Events ---- */

function takePicture(file) {
  const fault = pictureFault(file);
  if (fault) {
    showMessage(say("errorTitle"), fault);
  } else {
    searchWithFile(file);
  }
}

function listenToSearch() {
  $("search").addEventListener("submit", (event) => {
    event.preventDefault();
    change({ q: $("words").value.trim() });
    $("heading").focus({ preventScroll: true });
  });
  for (const radio of document.querySelectorAll("[name=in]")) {
    radio.addEventListener("change", () => change({ q: $("words").value.trim(), in: radio.value }));
  }
  $("pick").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", () => {
    const file = $("file").files[0];
    $("file").value = "";
    if (file) {
      takePicture(file);
    }
  });
  $("more").addEventListener("click", () => appendPage(readView()));
}

function listenToTop() {
  $("home").addEventListener("click", (event) => {
    event.preventDefault();
    setPicture(null);
    change({ q: "", in: "", like: [], unlike: [], filters: [] });
  });
  $("collection").addEventListener("change", () =>
    change({ c: $("collection").value, like: [], unlike: [], filters: [], in: "" }));
  $("collections-button").addEventListener("click", openCollections);
  $("upload-button").addEventListener("click", () => addPictures().catch(showError));
  $("theme").addEventListener("click", nextTheme);
  $("language").addEventListener("click", () => {
    switchLanguage();
    showLanguage();
    render();
  });
  $("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    setKey($("key").value);
    $("key").value = "";
    $("key-form").hidden = true;
    start();
  });
  $("keys-close").addEventListener("click", () => $("keys").close());
  closeOnBackdrop($("keys"));
}

function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    const isTyping = /INPUT|SELECT|TEXTAREA/.test(document.activeElement.tagName);
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) {
      return;
    }
    const does = {
      "/": () => $("words").focus(),
      "f": () => !$("filters-button").hidden && toggleFilters(readView()),
      "?": () => $("keys").showModal(),
    }[event.key];
    if (does) {
      event.preventDefault();
      does();
    }
  });
}

const pictureIn = (data) => [...(data?.files ?? [])][0];

function listenToDrops() {
  let depth = 0; /* of nested enter and leave events */
  const isOurs = (event) => [...event.dataTransfer.types].includes("Files") && !document.querySelector("dialog[open]");
  const show = (by) => {
    depth = Math.max(0, depth + by);
    $("drop").classList.toggle("shown", depth > 0);
  };
  document.addEventListener("dragenter", (event) => isOurs(event) && show(1));
  document.addEventListener("dragleave", (event) => isOurs(event) && show(-1));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    show(0);
    const file = pictureIn(event.dataTransfer);
    if (file && isOurs(event)) {
      takePicture(file);
    }
  });
  document.addEventListener("paste", (event) => {
    const file = pictureIn(event.clipboardData);
    if (file && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      takePicture(file);
    }
  });
}

function listen() {
  listenToSearch();
  listenToTop();
  listenToKeys();
  listenToDrops();
  listenToQuestion(change);
  listenToFilters(change, readView);
  listenToGrid({ open: (i) => openItem(i, collection), like, unlike });
  listenToItem({ like, unlike });
  listenToUpload(() => {
    forgetFields();
    render();
  });
  listenToCollections(
    async (name) => {
      await listCollections();
      change({ c: name, q: "", in: "", like: [], unlike: [], filters: [] });
    },
    async (name) => {
      await listCollections();
      if (name === collection) {
        collection = "";
        info = null;
        change({ c: "", q: "", in: "", like: [], unlike: [], filters: [] });
      }
    });
  window.addEventListener("hashchange", render);
}

startLanguage();
showLanguage();
listen();
start();
