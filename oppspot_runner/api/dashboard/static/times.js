// Times as people chose to read them: ago, local or UTC.
const page = document.documentElement;
// Clocks of browsers are wrong more often than those of servers.
let ahead = Date.parse(page.dataset.now) - Date.now();

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const ago = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "narrow" });
const two = (number) => String(number).padStart(2, "0");

function relative(moment) {
  const seconds = (moment - Date.now() - ahead) / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS.at(-1);
  return ago.format(Math.trunc(seconds / size), unit);
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
