// Choices that this browser remembers: how times are written, and the colours.
import { showTimes, timesMode } from "./times.js";

const page = document.documentElement;
const CHOICES = {
  times: { now: timesMode, set: () => showTimes(document) },
  theme: { now: () => page.dataset.theme, set: (value) => (page.dataset.theme = value) },
};

for (const group of document.querySelectorAll("[data-switch]")) {
  const { now, set } = CHOICES[group.dataset.switch];
  const show = () => {
    for (const button of group.children) button.ariaPressed = String(button.value === now());
  };
  group.addEventListener("click", ({ target }) => {
    if (target.tagName !== "BUTTON") return;
    localStorage.setItem(`oppspot-${group.dataset.switch}`, target.value);
    set(target.value);
    show();
  });
  show();
}
document.querySelector("[data-switches]").hidden = false;
