// Parts of a page with `data-live="tasks runs"` and an id follow what happens: when a change of one
// of these kinds is told, the page is asked for again, and these parts take what is new in it.
import { morph } from "./morph.js";
import { setClock, showTimes } from "./times.js";

const AGAIN_MS = 5000;
const page = document.documentElement;
const sign = document.getElementById("live");
const stale = document.getElementById("stale");
const parts = () => [...document.querySelectorAll("[data-live][id]")];
const kindsOf = (part) => part.dataset.live.split(" ");

let source = null;
let told = ""; // the id of the last message, to come back with
let warning = null; // what is about to say that the page may be old
let looking = false;
let wanted = false;

function say(state, text) {
  sign.dataset.state = state;
  sign.firstElementChild.textContent = text;
  if (state !== "off") {
    clearTimeout(warning);
    warning = null;
    stale.hidden = true;
  } else if (told) warning ??= setTimeout(() => (stale.hidden = false), AGAIN_MS);
}

// Looks what is new; while it looks, it notes that it has to look once more.
export async function refresh() {
  if (looking) return void (wanted = true);
  looking = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html", "oppspot-live": "1" } });
    if (answer.redirected && answer.url.includes("/login")) return void location.assign(answer.url);
    if (answer.status === 404) return leave();
    if (answer.ok) take(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    say("off", "no connection");
  } finally {
    looking = false;
  }
  if (wanted) {
    wanted = false;
    await refresh();
  }
}

// What the page is about was deleted: who reads it may read on.
function leave() {
  stop();
  say("off", "no longer there");
  stale.textContent = "This is no longer there: you see how it was at last.";
  stale.hidden = false;
}

function take(fresh) {
  setClock(fresh.documentElement.dataset.now);
  showTimes(fresh);
  for (const part of parts()) {
    const now = fresh.getElementById(part.id);
    if (now) morph(part, now);
  }
  document.dispatchEvent(new CustomEvent("oppspot:refreshed"));
}

function follow() {
  source = new EventSource(`${page.dataset.root}api/v1/changes${told ? `?since=${told}` : ""}`);
  // The first message comes at once, if the server sees how things stand.
  source.addEventListener("changes", ({ data, lastEventId }) => {
    say("on", "live");
    const changed = new Set(JSON.parse(data).changed);
    // Before the first message something may have happened since the page was made.
    const concerned = !told || parts().some((part) => kindsOf(part).some((kind) => changed.has(kind)));
    told = lastEventId;
    if (concerned) refresh();
  });
  source.onerror = () => {
    say("off", "no connection");
    // A browser comes back by itself after a cut, but not after an answer that is an error; where
    // a token ended, the page leads to a new one.
    if (source?.readyState !== EventSource.CLOSED) return;
    setTimeout(() => source && start(), AGAIN_MS);
    refresh();
  };
}

function start() {
  stop();
  follow();
}

function stop() {
  source?.close();
  source = null;
}

if (sign && parts().length) {
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return start();
    stop();
    say("paused", "paused");
  });
  if (!document.hidden) start();
} else if (sign) {
  sign.hidden = true;
}
