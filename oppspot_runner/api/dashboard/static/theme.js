// Before anything is drawn: the colours that were chosen the last time.
document.documentElement.dataset.theme = localStorage.getItem("oppspot-theme") ?? "auto";
