// Forms: actions ask first, filters are sent when they are changed, rows are chosen, texts copied.
const dialog = document.getElementById("ask");
const question = document.getElementById("ask-text");
const scope = document.getElementById("ask-scope");

document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  if (submitter?.name !== "ask") return;
  event.preventDefault();
  const asked = asAsked(form, submitter);
  question.textContent = submitter.value;
  scope.textContent = submitter.matches("[data-needs-choice]") ? form.querySelector("[data-chosen]").textContent : "";
  dialog.querySelector("[value=yes]").className = submitter.classList.contains("danger") ? "danger" : "strong";
  dialog.returnValue = "no";
  dialog.onclose = () => {
    if (dialog.returnValue !== "yes") return submitter.focus();
    document.body.append(asked);
    asked.submit();
  };
  dialog.showModal();
});

// A copy, because what happens meanwhile changes the form: Cancel of a task that ended is its Retry.
function asAsked(form, submitter) {
  const action = submitter.hasAttribute("formaction") ? submitter.formAction : form.action;
  const copy = Object.assign(document.createElement("form"), { method: "post", action, hidden: true });
  for (const [name, value] of [...new FormData(form, submitter), ["sure", "yes"]]) {
    copy.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  return copy;
}

// Back by the browser's button: forms ask again.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

// Who walks through a choice by keys has not chosen yet: Filter sends it.
let isByKeys = false;
document.addEventListener("keydown", () => (isByKeys = true), true);
document.addEventListener("pointerdown", () => (isByKeys = false), true);

document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-submits]") && !isByKeys) target.form.requestSubmit();
  if (target.matches("[data-choose-all]")) {
    for (const box of boxesOf(target.form)) box.checked = target.checked;
  }
  if (target.matches("[data-choose], [data-choose-all], [data-all]")) count(target.form);
});

const boxesOf = (form) => [...form.elements].filter((field) => field.matches("[data-choose]"));

// What may be done with chosen rows is offered when some are.
function count(form) {
  const boxes = boxesOf(form);
  const chosen = boxes.filter((box) => box.checked).length;
  const [page, all] = ["[data-choose-all]", "[data-all]"].map((kind) => form.querySelector(kind));
  if (page) {
    page.checked = chosen > 0 && chosen === boxes.length;
    page.indeterminate = chosen > 0 && !page.checked;
  }
  const words = all?.checked ? "all that match, at most 1,000 at once" : chosen ? `${chosen} chosen` : "none chosen";
  for (const place of form.querySelectorAll("[data-chosen]")) place.textContent = words;
  for (const button of form.querySelectorAll("[data-needs-choice]")) button.disabled = !chosen && !all?.checked;
}

function countAll() {
  for (const form of document.querySelectorAll("form[data-chooses]")) count(form);
}

// Filters that say nothing stay out of the address.
document.addEventListener("formdata", ({ target, formData }) => {
  if (target.method !== "get") return;
  for (const [name, value] of [...formData]) if (value === "") formData.delete(name);
});

document.addEventListener("click", async ({ target }) => {
  const button = target.closest?.("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.previousElementSibling.textContent);
  button.dataset.done = "";
  setTimeout(() => delete button.dataset.done, 1500);
});

function offer() {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
  countAll();
}

document.addEventListener("oppspot:refreshed", offer);
offer();
