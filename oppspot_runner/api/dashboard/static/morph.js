// Turns one element into another by changing only what differs, so that what people opened, chose,
// marked or hold in focus stays. Children with an id are known by it, others by their order.
const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE && node.id) || null;

export function morph(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
  } else if (!old.isEqualNode(fresh)) {
    takeAttributes(old, fresh);
    takeChildren(old, fresh);
  }
}

function takeAttributes(old, fresh) {
  // Whether it is open is up to who looks at it.
  const kept = (name) => name === "open" && old.nodeName === "DETAILS";
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !kept(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !kept(name)) old.setAttribute(name, value);
  }
}

function takeChildren(old, fresh) {
  const known = new Map([...old.children].filter(keyOf).map((child) => [child.id, child]));
  const nameless = [...old.childNodes].filter((child) => !keyOf(child));
  const matchOf = (wanted) => {
    if (keyOf(wanted)) return known.get(wanted.id);
    const place = nameless.findIndex((child) => child.nodeName === wanted.nodeName);
    return place < 0 ? undefined : nameless.splice(place, 1)[0];
  };
  const children = [...fresh.childNodes].map((wanted) => {
    const match = matchOf(wanted);
    if (match?.nodeName === wanted.nodeName) {
      morph(match, wanted);
      return match;
    }
    if (keyOf(wanted)) wanted.classList.add("new");
    return wanted;
  });
  const staying = new Set(children);
  for (const child of [...old.childNodes]) if (!staying.has(child)) child.remove();
  let next = old.firstChild;
  for (const child of children) {
    if (child === next) next = next.nextSibling;
    else old.insertBefore(child, next);
  }
}
