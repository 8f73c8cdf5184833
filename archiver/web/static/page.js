// What pages gain from scripts. Listeners stand on the document: htmx brings parts in.

const all = (selector, root = document) => root.querySelectorAll(selector);

// On narrow screens the navigation is closed.
const nav = document.querySelector("[data-nav]");
if (nav) {
  const narrow = matchMedia("(max-width: 60rem)");
  const fit = () => { nav.open = !narrow.matches; };
  fit();
  narrow.addEventListener("change", fit);
  nav.dataset.ready = "";
}

// Copying.
async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    say("Copied");
    button.dataset.done = "";
    setTimeout(() => delete button.dataset.done, 2000);
  } catch {
    say("Not copied: the browser does not allow it here");
  }
}

// One polite voice.
const voice = document.createElement("p");
voice.className = "vh";
voice.setAttribute("role", "status");
(document.querySelector("main") ?? document.body).append(voice);
function say(text) {
  voice.textContent = text;
}

// Selecting rows: how many, all of the page, a range with Shift.
let last = null;
function count(table) {
  const boxes = [...all("tbody .pick input", table)];
  const chosen = boxes.filter((box) => box.checked).length;
  const head = table.querySelector("[data-select-all]");
  if (head) {
    head.checked = chosen > 0 && chosen === boxes.length;
    head.indeterminate = chosen > 0 && chosen < boxes.length;
  }
  const place = (table.closest("form") ?? document).querySelector("[data-selected-count]");
  if (place) {
    place.textContent = chosen ? `${chosen} of ${boxes.length} on this page selected` : "Select rows to act on them.";
  }
}
function select(box, ranged) {
  const table = box.closest("table");
  const boxes = [...all("tbody .pick input", table)];
  if (ranged && last && boxes.includes(last)) {
    const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
    for (const each of boxes.slice(from, to + 1)) each.checked = box.checked;
  }
  last = box;
  count(table);
}

// How long ago, beside the exact moment.
const units = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
function ago(time) {
  const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
  const [unit, length] = units.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return words.format(Math.trunc(seconds / length), unit);
}
function prepare(root) {
  for (const time of all("time.moment:not([data-told])", root)) {
    time.dataset.told = "";
    if (!Number.isNaN(Date.parse(time.dateTime))) time.title += ` (${ago(time)})`;
  }
  for (const table of all("table[data-rows]:has(.pick)", root)) count(table);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
  const bar = event.target.closest("rect[data-href]");
  if (bar) location.assign(bar.dataset.href);
  const box = event.target.closest("tbody .pick input");
  if (box) select(box, event.shiftKey);
  for (const menu of all("[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-select-all]")) return;
  const table = event.target.closest("table");
  for (const box of all("tbody .pick input", table)) box.checked = event.target.checked;
  count(table);
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("[data-menu][open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// htmx: the old rows stay and are marked busy; the status line says what came; focus moves only
// where the swap was a way to another view.
document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => ctx.target?.setAttribute?.("aria-busy", "true"));
document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => ctx.target?.removeAttribute?.("aria-busy"));
document.addEventListener("htmx:error", () => say("The page could not be reached. Try again."));
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  const told = document.querySelector("[data-status]");
  const status = document.getElementById("status");
  if (told && status) {
    status.replaceChildren(...told.childNodes);
    told.remove();
  }
  prepare(document);
  if (ctx?.target?.id === "main") document.getElementById("title")?.focus();
});

// A form that came back with errors: the summary first.
document.getElementById("errors")?.focus();
prepare(document);

// WCAG 2.2.1
const stay = document.querySelector("[data-stay]");
if (stay) setTimeout(() => { stay.hidden = false; }, stay.dataset.stay * 1000);
