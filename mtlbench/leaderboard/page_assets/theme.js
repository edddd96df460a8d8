// Light or dark: what the system asks for until the button says otherwise.

const themeListeners = [];

/** Calls `listener` whenever colours have changed. */
function onTheme(listener) {
  themeListeners.push(listener);
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function startTheme() {
  const button = document.getElementById("theme");
  const show = () => {
    button.setAttribute("aria-pressed", String(isDark()));
    for (const listener of themeListeners) listener();
  };
  const remembered = memory("theme");
  if (remembered === "dark" || remembered === "light") document.documentElement.dataset.theme = remembered;
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    memory("theme", document.documentElement.dataset.theme);
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  show();
}

/** What the browser remembers under a name, or remembers it; browsers may refuse that to a page from disk. */
function memory(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(`mtlbench-${name}`);
    localStorage.setItem(`mtlbench-${name}`, value);
  } catch {
    return null;
  }
  return value;
}

/** A colour of the style sheet as canvases take it. */
function colour(name) {
  const probe = element("span", { hidden: true });
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

const COLOURS = 10;

const strokes = new Map();

/** Gives each name its stroke: the same on every board. Plain MTL comes first. */
function nameStrokes(names) {
  const others = [...new Set(names)].filter((name) => name !== "mtl").sort();
  ["mtl", ...others].forEach((name, place) => strokes.set(name, place));
}

/** How a row is drawn wherever it is drawn: ten colours, then the same with dashes. */
function strokeOf(row) {
  const dashes = [[], [8, 4], [2, 3], [10, 3, 2, 3]];
  const place = strokes.get(row.name) ?? 0;
  return { colour: colour(`line-${place % COLOURS}`), dash: dashes[Math.floor(place / COLOURS) % dashes.length] };
}
