// Sortable tables. Every number of a board's tables opens the records behind it.

const PAGE_ROWS = 200;

/**
 * A table with a caption, sortable heads and notes.
 * told: {title, columns, align, notes}; rows: list of rows; textOf(row, column); cell(row, column) gives a cell's node.
 * Returns the node and `show(rows)`, which puts other rows there and keeps the order that was chosen.
 */
function sortableTable(told, rows, textOf, cell) {
  let shown = rows;
  let order = { column: -1, sign: 1 };
  let limit = PAGE_ROWS;
  const body = element("tbody");
  const heads = told.columns.map((name, column) => {
    const button = element("button", { type: "button", class: "sort", on: { click: () => sortBy(column) } }, named(name));
    return element("th", { scope: "col", class: told.align[column] === "r" ? "number" : null, "aria-sort": "none" }, button);
  });
  const more = element("button", { type: "button", class: "more", hidden: true, on: { click: () => { limit = Infinity; fill(); } } });
  const table = element(
    "table",
    {},
    element("caption", {}, named(told.title)),
    element("thead", {}, element("tr", {}, heads)),
    body,
  );

  function sortBy(column) {
    const rising = told.align[column] !== "r";
    const first = rising ? 1 : -1;
    if (order.column !== column) order = { column, sign: first };
    else if (order.sign === first) order = { column, sign: -first };
    else order = { column: -1, sign: 1 };
    heads.forEach((head, place) => {
      const state = place !== order.column ? "none" : order.sign > 0 ? "ascending" : "descending";
      head.setAttribute("aria-sort", state);
    });
    fill();
  }

  function fill() {
    const ordered = order.column < 0 ? shown : sorted(shown, (row) => textOf(row, order.column), order.sign);
    body.replaceChildren(
      ...ordered.slice(0, limit).map((row) =>
        element("tr", {}, told.columns.map((_, column) => {
          const tag = column === 0 ? "th" : "td";
          const attributes = column === 0 ? { scope: "row" } : { class: told.align[column] === "r" ? "number" : null };
          return element(tag, attributes, cell(row, column));
        })),
      ),
    );
    more.hidden = ordered.length <= limit;
    more.textContent = `Show all ${ordered.length} rows`;
  }

  body.addEventListener("keydown", moveFocus);
  fill();
  const node = element(
    "div",
    { class: "table" },
    element("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": told.title }, table),
    more,
    told.notes.length > 0 && element("p", { class: "notes" }, named(told.notes.join(" "))),
  );
  return { node, show: (others) => { shown = others; fill(); } };
}

/** Arrow keys go from one number to the next; Tab goes from row to row. */
function moveFocus(event) {
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const step = steps[event.key];
  const cell = event.target.closest("th, td");
  if (!step || !cell) return;
  const row = cell.parentElement;
  const rows = [...row.parentElement.children];
  const target = rows[rows.indexOf(row) + step[0]]?.children[[...row.children].indexOf(cell) + step[1]];
  const button = target?.querySelector("button");
  if (button) {
    event.preventDefault();
    button.focus();
  }
}

/** One of a board's tables, with the rows that the filter lets through. */
function boardTable(board, told, passes) {
  const rowOf = (row) => board.rows[row[0]];
  const textOf = (row, column) => (column === 0 ? rowOf(row).name : row[column]);
  const cell = (row, column) => {
    const text = textOf(row, column);
    const label = column === 0 ? `${text}: its runs` : `${text}, ${told.columns[column]} of ${rowOf(row).name}: the runs behind it`;
    const open = () => showRecords(board, told, row, column, text);
    const attributes = { type: "button", class: "cell", "aria-label": label, tabindex: column === 0 ? null : "-1", on: { click: open } };
    const button = element("button", attributes, named(text));
    return column === 0 && rowOf(row).control ? [button, " ", element("span", { class: "tag" }, "control")] : button;
  };
  const chosen = () => told.rows.filter((row) => passes(board, rowOf(row)));
  const table = sortableTable(told, chosen(), textOf, cell);
  return { node: table.node, refresh: () => table.show(chosen()) };
}
