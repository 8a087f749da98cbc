/* Making elements. Everything from the server reaches the document as text, never as
 * HTML. */

export const $ = (id) => document.getElementById(id);

export function make(tag, className = "", text = undefined) {
  const element = document.createElement(tag);
  element.className = className;
  if (text !== undefined) {
    element.textContent = text;
  }
  return element;
}

/* A button that shows one of the page's icons, named by `label`. */
export function makeIconButton(icon, label, className, onClick) {
  const button = make("button", className);
  button.type = "button";
  button.title = label;
  button.setAttribute("aria-label", label);
  button.append(makeIcon(icon));
  button.addEventListener("click", onClick);
  return button;
}

/* One of the symbols in index.html. */
export function makeIcon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/* Closes a dialog also by a click beside it. */
export function closeOnBackdrop(dialog) {
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) {
      dialog.close();
    }
  });
}
