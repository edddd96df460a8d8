// Elements and texts. What a record says only ever becomes a text node: no markup is made of it.

/** An element with attributes, listeners (`on`) and children, which are nodes, texts or nothing. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    } else if (value === true) {
      made.setAttribute(name, "");
    } else if (value !== false && value !== null && value !== undefined) {
      made.setAttribute(name, value);
    }
  }
  return filled(made, ...children);
}

/** `node` with these children and no others. */
function filled(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Text of unknown direction, kept from turning its surroundings around. */
function named(text) {
  return element("bdi", {}, text);
}

/** A number as the record has it, or a dash. */
function raw(value) {
  return value === null || value === undefined ? "–" : String(value);
}

/** JSON as `key = value` text. */
function valueText(value) {
  if (value === null) return "none";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** A list of names and values; null values are left out. */
function facts(pairs) {
  const list = element("dl", { class: "facts" });
  for (const [name, value] of pairs) {
    if (value === null || value === undefined || value === "") continue;
    list.append(element("dt", {}, named(name)), element("dd", {}, value instanceof Node ? value : named(valueText(value))));
  }
  return list;
}

function select(label, options, chosen, change) {
  const box = element(
    "select",
    { on: { change: () => change(box.value) } },
    options.map(([value, text]) => element("option", { value, selected: value === chosen }, text)),
  );
  return element("label", { class: "field" }, element("span", {}, label), box);
}

function checkbox(label, checked, change) {
  const box = element("input", { type: "checkbox", checked, on: { change: () => change(box.checked) } });
  return element("label", { class: "check" }, box, " ", label);
}

/** A number that is read at a glance: four significant digits. */
function brief(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  return String(Number(value.toPrecision(4)));
}
