// The graph of a run that is on: each event changes the agent that it is about at once, and the
// rest of the page takes what is new soon after. Whoever was cut off resumes where he was.
import { refresh } from "./live.js";

const SIGNS = {
  running: "processing", queued: "pending", ready: "pending", waiting: "waiting", awaiting_approval: "asked",
  completed: "completed", failed: "failed", skipped: "skipped", cancelled: "cancelled",
};
const WORDS = { awaiting_approval: "wants approval" };
const LAST = new Set(["completed", "error", "cancelled"]);
const REST_MS = 1000;

const run = document.querySelector("[data-run]");
let due = null;

// Not for each event: a run may tell hundreds a second.
function refreshSoon() {
  due ??= setTimeout(() => {
    due = null;
    if (!document.hidden) refresh();
  }, REST_MS);
}

function show(agent, status) {
  const sign = SIGNS[status];
  if (!sign) return;
  for (const part of run.querySelectorAll(`[data-of="${CSS.escape(agent)}"]`)) {
    const kind = part.matches(".badge") ? "badge" : "node";
    part.setAttribute("class", `${kind} s-${sign}`);
    part.querySelector("use").setAttribute("href", `#s-${sign}`);
    part.querySelector("[data-word]").textContent = WORDS[status] ?? status;
    part.querySelector("[data-said]")?.remove();
  }
  const kind = status === "completed" ? "done" : ["failed", "skipped", "cancelled"].includes(status) ? "failed" : "open";
  for (const edge of run.querySelectorAll(`.edge[data-source="${CSS.escape(agent)}"]`)) {
    edge.classList.remove("e-open", "e-done", "e-failed");
    edge.classList.add(`e-${kind}`);
    edge.setAttribute("marker-end", `url(#graph-${kind})`);
  }
}

function take(event) {
  if (event.type === "status" && event.agent_id) show(event.agent_id, event.status);
  refreshSoon();
  return LAST.has(event.type);
}

function follow() {
  const { run: id, after } = run.dataset;
  const root = document.documentElement.dataset.root;
  const source = new EventSource(`${root}api/v1/runs/${id}/events?after=${after}`);
  source.onmessage = ({ data }) => take(JSON.parse(data)) && source.close();
}

if (run && !("ended" in run.dataset)) follow();
