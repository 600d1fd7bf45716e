// Keys: `/` finds, `g t` goes to tasks, `j` and `k` walk rows, `?` lists them all.
const list = document.getElementById("keys");
let going = false;

const typing = (element) => element.closest("input:not([type=checkbox]), textarea, select, dialog[open]");
const rows = () => [...document.querySelectorAll("tr[data-row]")];

function walk(step) {
  const all = rows();
  const now = all.indexOf(document.activeElement.closest("tr[data-row]"));
  const row = all[Math.min(Math.max(now + step, 0), all.length - 1)];
  (row?.querySelector("a") ?? row)?.focus();
}

const ACTIONS = {
  "/": () => {
    const menu = document.getElementById("menu");
    const field = document.querySelector("[data-search]");
    if (field && !field.checkVisibility()) menu.showPopover();
    field?.focus();
    field?.select();
  },
  "?": () => list.showModal(),
  g: () => {
    going = true;
    setTimeout(() => (going = false), 1500);
  },
  j: () => walk(1),
  k: () => walk(-1),
  x: () => document.activeElement.closest("tr[data-row]")?.querySelector("[data-choose]")?.click(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (going) {
    going = false;
    const place = [...document.querySelectorAll("nav a[data-key]")].find((link) => link.dataset.key === event.key);
    if (place) {
      event.preventDefault();
      location.assign(place.href);
    }
    return;
  }
  if (!Object.hasOwn(ACTIONS, event.key)) return;
  event.preventDefault();
  ACTIONS[event.key]();
});
