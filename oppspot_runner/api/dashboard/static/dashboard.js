// Pages are whole without scripts; these make them live, and quicker to use.
import "./forms.js";
import "./keys.js";
import "./live.js";
import { showTimes } from "./times.js";
import "./switches.js";

showTimes(document);

// Who acts by keyboard goes on from what it said, not from the top of the page.
if (document.activeElement === document.body) document.querySelector("#flash[data-kind]")?.focus();
