/*
 * Filters, built from the fields that the items have: what fields there are is learnt
 * from a sample of them, which values a field has is asked of the server (facets), each
 * with how many items have it under the other filters.
 *
 * A filter is {key, any: [values]}, {key, is: boolean}, {key, gte, lte} or {key, text};
 * `key` is a path as the server takes it.
 */

import { ask, pathTo } from "./server.js";
import { $, make, makeIconButton } from "./make.js";
import { locale, say } from "./words.js";

const SAMPLE = 200;    // items looked at for their fields
const VALUES = 8;      // shown of one field at first
const VALUES_MORE = 60;
const FIELDS = 24;

let collection = "";
let fields = null; // of the collection, null until asked for: [{key, name, kind}]
let onChange = () => {};

/* ---- As the server takes them ---- */

function conditionOf({ key, any, is, gte, lte, text }) {
  if (any) {
    return { key, match: { any } };
  }
  if (is !== undefined) {
    return { key, match: { value: is } };
  }
  return text !== undefined ? { key, match: { text } } : { key, range: { gte, lte } };
}

/* undefined where there are none. */
export const filterOf = (filters) => (filters.length > 0 ? { must: filters.map(conditionOf) } : undefined);

/* ---- Which fields there are ---- */

const isDate = (text) => /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}|$)/.test(text);

/* What the values seen of a field are good for; undefined: nothing. Strings that hardly
 * repeat and are long are texts to look for words in. */
function kindOf(values) {
  const are = (type) => values.every((value) => typeof value === type);
  if (are("boolean")) {
    return "flag";
  }
  if (are("number")) {
    return "number";
  }
  if (!are("string")) {
    return undefined;
  }
  if (values.every(isDate)) {
    return "date";
  }
  const n_distinct = new Set(values).size;
  const isFew = n_distinct <= 12 || n_distinct <= values.length * 0.5;
  return isFew ? "choice" : "text";
}

const quoted = (name) => (/^[\w-]+$/.test(name) ? name : `"${name}"`);

/* Collects the values by path: objects are entered, arrays say what their items do. */
function collect(payload, path, name, seen) {
  for (const [key, value] of Object.entries(payload)) {
    const here = path + quoted(key);
    const called = name + key;
    if (value === null || key.includes('"')) {
      continue;
    }
    if (typeof value === "object" && !Array.isArray(value)) {
      collect(value, `${here}.`, `${called}.`, seen);
      continue;
    }
    const field = seen.get(here) ?? { key: here, name: called, values: [] };
    field.values.push(...(Array.isArray(value) ? value.filter((item) => typeof item !== "object") : [value]));
    seen.set(here, field);
  }
}

/* Lists of values first; what a picture's file was like last. */
function placeOf({ key, kind }) {
  const place = ["choice", "flag", "number", "date", "text"].indexOf(kind);
  return ["width", "height", "format"].includes(key) ? place + 5 : place;
}

async function learnFields() {
  const seen = new Map();
  const answer = await ask("POST", pathTo(collection, "/points/scroll"), { limit: SAMPLE, with_payload: true });
  for (const point of answer.result.points) {
    collect(point.payload ?? {}, "", "", seen);
  }
  seen.delete("path");
  seen.delete("file");
  const all = [...seen.values()].filter(({ values }) => values.length > 0)
    .map(({ key, name, values }) => ({ key, name, kind: kindOf(values) }))
    .filter(({ kind }) => kind !== undefined);
  return all.sort((a, b) => placeOf(a) - placeOf(b)).slice(0, FIELDS);
}

/* ---- The panel ---- */

const filterAt = (view, key) => view.filters.find((filter) => filter.key === key);

/* Puts another filter in the place of the one of `key`, or, undefined, none. */
function change(view, key, filter) {
  const others = view.filters.filter((other) => other.key !== key);
  onChange({ filters: filter ? [...others, filter] : others });
}

function makeChoice(view, field, { value, count }) {
  const chosen = field.kind === "flag" ? [filterAt(view, field.key)?.is] : filterAt(view, field.key)?.any ?? [];
  const label = make("label", "choice");
  const box = make("input");
  box.type = "checkbox";
  box.checked = chosen.includes(value);
  box.addEventListener("change", () => {
    if (field.kind === "flag") {
      change(view, field.key, box.checked ? { key: field.key, is: value } : undefined);
      return;
    }
    const any = box.checked ? [...chosen, value] : chosen.filter((other) => other !== value);
    change(view, field.key, any.length > 0 ? { key: field.key, any } : undefined);
  });
  const words = field.kind === "flag" ? say(value ? "yes" : "no") : String(value);
  label.append(box, make("span", "", words), make("span", "count", count.toLocaleString(locale())));
  return label;
}

/* Fills `body` with the field's values, those chosen among them in any case. */
async function fillChoices(view, field, body, limit) {
  const filter = filterOf(view.filters.filter((other) => other.key !== field.key));
  const answer = await ask("POST", pathTo(collection, "/facet"), { key: field.key, limit: limit + 1, filter });
  const hits = answer.result.hits;
  const seen = new Set(hits.map(({ value }) => value));
  const gone = (filterAt(view, field.key)?.any ?? []).filter((value) => !seen.has(value));
  const shown = [...gone.map((value) => ({ value, count: 0 })), ...hits.slice(0, limit)];
  body.replaceChildren(...shown.map((hit) => makeChoice(view, field, hit)));
  if (hits.length > limit && limit < VALUES_MORE) {
    const more = make("button", "quiet", say("moreValues"));
    more.type = "button";
    more.addEventListener("click", () => fillChoices(view, field, body, VALUES_MORE).catch(onFault(body)));
    body.append(more);
  }
}

const onFault = (body) => (error) => body.replaceChildren(make("p", "hint", error.message));

function makeBound(view, field, bound) {
  const label = make("label", "bound");
  const input = make("input");
  const value = filterAt(view, field.key)?.[bound];
  input.type = field.kind === "date" ? "date" : "number";
  input.step = "any";
  input.value = value === undefined ? "" : String(value).slice(0, field.kind === "date" ? 10 : undefined);
  input.addEventListener("change", () => {
    const next = { ...filterAt(view, field.key), key: field.key };
    const day = bound === "gte" ? "T00:00:00Z" : "T23:59:59.999Z";
    next[bound] = input.value === "" ? undefined
      : field.kind === "date" ? input.value + day : input.valueAsNumber;
    change(view, field.key, next.gte === undefined && next.lte === undefined ? undefined : next);
  });
  label.append(make("span", "", say(bound === "gte" ? "from" : "to")), input);
  return label;
}

function makeWords(view, field) {
  const label = make("label", "bound");
  const input = make("input");
  input.type = "text";
  input.value = filterAt(view, field.key)?.text ?? "";
  input.addEventListener("change", () => {
    const text = input.value.trim();
    change(view, field.key, text ? { key: field.key, text } : undefined);
  });
  label.append(make("span", "", say("contains")), input);
  return label;
}

/* What a field offers is made when it is opened: facets cost the server a look at all. */
function makeField(view, field, isOpen) {
  const details = make("details", "field-filter");
  const body = make("div", "values");
  details.dataset.key = field.key;
  details.append(make("summary", "", field.name), body);
  details.addEventListener("toggle", () => {
    if (!details.open || body.childElementCount > 0) {
      return;
    }
    if (field.kind === "choice" || field.kind === "flag") {
      fillChoices(view, field, body, VALUES).catch(onFault(body));
    } else if (field.kind === "text") {
      body.append(makeWords(view, field));
    } else {
      body.append(makeBound(view, field, "gte"), makeBound(view, field, "lte"));
    }
  });
  details.open = isOpen;
  return details;
}

async function showPanel(view) {
  const panel = $("fields");
  const wasOpen = new Set([...panel.querySelectorAll("details[open]")].map((d) => d.dataset.key));
  const isFirst = panel.childElementCount === 0;
  const had = document.activeElement?.closest?.("#fields") ? document.activeElement.closest("details")?.dataset.key : undefined;
  try {
    fields ??= await learnFields();
  } catch (error) {
    onFault(panel)(error);
    return;
  }
  panel.replaceChildren(...fields.map((field, i) =>
    makeField(view, field, wasOpen.has(field.key) || filterAt(view, field.key) !== undefined || (isFirst && i < 3))));
  if (fields.length === 0) {
    panel.append(make("p", "hint", say("filtersNone")));
  }
  if (had !== undefined) {
    panel.querySelector(`details[data-key=${CSS.escape(had)}] summary`)?.focus();
  }
}

/* ---- What is in force, as chips over the grid ---- */

const nameOf = (key) => key.replaceAll('"', "");

function wordsOf({ key, any, is, gte, lte, text }) {
  const name = nameOf(key);
  const told = (value) => (typeof value === "string" ? value.slice(0, 10) : value.toLocaleString(locale()));
  if (any) {
    return `${name}: ${any.join(", ")}`;
  }
  if (is !== undefined) {
    return `${name}: ${say(is ? "yes" : "no")}`;
  }
  if (text !== undefined) {
    return `${name}: “${text}”`;
  }
  return `${name}: ${gte !== undefined ? told(gte) : ""}–${lte !== undefined ? told(lte) : ""}`;
}

function showChips(view) {
  const chips = view.filters.map((filter) => {
    const words = wordsOf(filter);
    const chip = make("span", "chip filter");
    chip.append(make("span", "", words),
      makeIconButton("close", say("removeFilter", { words }), "remove", () => change(view, filter.key, undefined)));
    return chip;
  });
  if (chips.length > 1) {
    const clear = make("button", "quiet", say("clearFilters"));
    clear.type = "button";
    clear.addEventListener("click", () => onChange({ filters: [] }));
    chips.push(clear);
  }
  $("filter-chips").replaceChildren(...chips);
  $("filter-chips").hidden = chips.length === 0;
}

/* ---- Outside ---- */

export function showFilters(view, name) {
  if (name !== collection) {
    collection = name;
    fields = null;
    $("fields").replaceChildren();
  }
  showChips(view);
  $("filters-button").classList.toggle("active", view.filters.length > 0);
  if (!$("panel").hidden) {
    showPanel(view);
  }
}

export function toggleFilters(view) {
  $("panel").hidden = !$("panel").hidden;
  $("filters-button").setAttribute("aria-expanded", String(!$("panel").hidden));
  if (!$("panel").hidden) {
    showPanel(view);
    $("panel").querySelector("h2").focus();
  } else {
    $("filters-button").focus();
  }
}

/* What was learnt of the fields may be no longer so. */
export function forgetFields() {
  fields = null;
}

export function listenToFilters(change, view) {
  onChange = change;
  $("filters-button").addEventListener("click", () => toggleFilters(view()));
  $("panel-close").addEventListener("click", () => toggleFilters(view()));
}
