// Pages are whole without scripts; these make them live, and quicker to use.
import "./forms.js";
import "./keys.js";
import "./live.js";
import { showTimes } from "./times.js";
import "./switches.js";

showTimes(document);
