/* Adding pictures to the collection: two at a time, each with how far it is. */

import { pathTo, send } from "./server.js";
import { $, closeOnBackdrop, make, makeIconButton } from "./make.js";
import { pictureFault, readBase64 } from "./question.js";
import { say } from "./words.js";

const AT_ONCE = 2;

let collection = "";
let rows = []; // { file, size?: {width, height}, caption: input, state, bar, row: elements }
let isRunning = false;
let onAdded = () => {};

function refresh() {
  $("upload-go").hidden = rows.length === 0;
  $("upload-go").disabled = isRunning;
  $("upload-go").textContent = say("addNow", { n: rows.length });
}

function tell(row, kind, text) {
  row.row.className = `upload-row ${kind}`;
  row.state.textContent = text;
}

function makeRow(file) {
  const row = { file, row: make("li", "upload-row"), state: make("span", "state", say("waiting")), bar: make("progress") };
  const img = make("img");
  img.alt = "";
  img.src = URL.createObjectURL(file);
  img.addEventListener("load", () => {
    row.size = { width: img.naturalWidth, height: img.naturalHeight };
    URL.revokeObjectURL(img.src);
  }, { once: true });
  img.addEventListener("error", () => img.removeAttribute("src"), { once: true });
  row.caption = make("input");
  row.caption.type = "text";
  row.caption.placeholder = say("captionHere");
  row.caption.setAttribute("aria-label", say("caption", { file: file.name }));
  row.bar.max = 1;
  row.bar.value = 0;
  const about = make("div", "upload-about");
  about.append(make("span", "name", file.name), row.caption, row.bar);
  const remove = makeIconButton("close", `${say("removeExample")}: ${file.name}`, "remove", () => {
    rows = rows.filter((other) => other !== row);
    row.row.remove();
    refresh();
  });
  row.row.append(img, about, row.state, remove);
  return row;
}

function addFiles(files) {
  for (const file of files) {
    const row = makeRow(file);
    const fault = pictureFault(file);
    $("upload-list").append(row.row);
    if (fault) {
      tell(row, "failed", fault);
    } else {
      rows.push(row);
    }
  }
  refresh();
}

/* A random UUID; crypto.randomUUID is there only where the page came by https. */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

async function pointOf({ file, caption, size }) {
  const vector = { image: { image: await readBase64(file) } };
  const payload = { file: file.name, ...size };
  const text = caption.value.trim();
  if (text) {
    vector.text = { text };
    payload.text = text;
  }
  return { id: newId(), vector, payload };
}

async function sendRow(row) {
  tell(row, "sending", say("sending", { percent: 0 }));
  try {
    const point = await pointOf(row);
    await send("PUT", pathTo(collection, "/points?wait=true"), { points: [point] }, (share) => {
      row.bar.value = share;
      row.state.textContent = share < 1 ? say("sending", { percent: Math.floor(share * 100) }) : say("reading");
    });
    tell(row, "added", say("added"));
    return true;
  } catch (error) {
    tell(row, "failed", error.message);
    return false;
  }
}

async function sendAll() {
  const queue = rows;
  let n_added = 0;
  let n_failed = 0;
  rows = [];
  isRunning = true;
  refresh();
  const work = async () => {
    for (let row = queue.shift(); row; row = queue.shift()) {
      if (await sendRow(row)) {
        n_added++;
      } else {
        n_failed++;
      }
      const told = [say("allAdded", { n: n_added })];
      if (n_failed > 0) {
        told.push(say("someFailed", { n: n_failed }));
      }
      $("upload-status").textContent = told.join(" · ");
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  isRunning = false;
  refresh();
  if (n_added > 0) {
    onAdded();
  }
}

export function openUpload(name, canAdd) {
  collection = name;
  if (!isRunning) {
    rows = [];
    $("upload-list").replaceChildren();
    $("upload-status").textContent = canAdd ? "" : say("cannotAdd", { name });
  }
  $("upload-zone").hidden = !canAdd;
  $("upload-title").textContent = say("addTo", { name });
  refresh();
  $("upload").showModal();
}

export function listenToUpload(added) {
  onAdded = added;
  closeOnBackdrop($("upload"));
  $("upload-close").addEventListener("click", () => $("upload").close());
  $("upload-pick").addEventListener("click", () => $("upload-files").click());
  $("upload-files").addEventListener("change", () => {
    addFiles([...$("upload-files").files]);
    $("upload-files").value = "";
  });
  $("upload-go").addEventListener("click", sendAll);
  $("upload").addEventListener("dragover", (event) => event.preventDefault());
  $("upload").addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (!$("upload-zone").hidden) {
      addFiles([...event.dataTransfer.files]);
    }
  });
}
