// Times as people chose to read them: ago, local or UTC.
const page = document.documentElement;
// Clocks of browsers are wrong more often than those of servers.
let ahead = Date.parse(page.dataset.now) - Date.now();

const UNITS = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];
const two = (number) => String(number).padStart(2, "0");

// From an hour on with its next unit: what comes in 1h 5m is not what comes in 1h 55m.
function span(seconds) {
  const place = UNITS.findIndex(([, size]) => seconds >= size || size === 1);
  const [unit, size] = UNITS[place];
  const [lesser, part] = size >= 3600 ? UNITS[place + 1] : [];
  const rest = part ? Math.trunc((seconds % size) / part) : 0;
  return `${Math.trunc(seconds / size)}${unit}${rest ? ` ${rest}${lesser}` : ""}`;
}

function relative(moment) {
  const seconds = (moment - Date.now() - ahead) / 1000;
  return seconds < 0 ? `${span(-seconds)} ago` : `in ${span(seconds)}`;
}

function local(moment) {
  const date = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
  return `${date} ${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}`;
}

const utc = (moment) => `${moment.toISOString().slice(0, 19).replace("T", " ")}Z`;
const WRITERS = { relative, local, utc };

export const timesMode = () => {
  const chosen = localStorage.getItem("oppspot-times");
  return chosen in WRITERS ? chosen : "relative";
};

export function showTimes(where) {
  const mode = timesMode();
  for (const time of where.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    const text = WRITERS[mode](moment);
    if (time.textContent !== text) time.textContent = text;
    time.title = mode === "utc" ? local(moment) : utc(moment);
  }
}

export function setClock(isoTime) {
  ahead = Date.parse(isoTime) - Date.now();
}

setInterval(() => document.hidden || showTimes(document), 5000);
