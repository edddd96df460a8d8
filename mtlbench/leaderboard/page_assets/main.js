// The page: boards, each filled when it is opened, then claims, alarms, and what was left out.

const OPEN_TABLES = new Set(["scores", "comparison"]);

/** A part of a board that is made when it is first opened. */
function lazyPart(title, open, make) {
  const inside = element("div");
  let made = null;
  const fill = () => {
    if (!details.open || made) return;
    made = make();
    inside.append(made.node);
  };
  const details = element("details", { class: "part", on: { toggle: fill } }, element("summary", {}, element("h3", {}, title[0].toUpperCase() + title.slice(1))), inside);
  details.open = open;
  return { node: details, fill, refresh: () => made?.refresh() };
}

/** One board as a section that opens and closes. */
function boardSection(board, open) {
  const inside = element("div");
  let parts = null;
  const details = element(
    "details",
    { class: "board", id: `section-${board.place}`, on: { toggle: () => { if (details.open) fill(); } } },
    element("summary", {}, element("h2", {}, named(board.label)), " ", element("span", { class: "notes" }, `${board.rows.length} rows, ${board.budget} gradients, ${board.metric}`)),
    inside,
  );

  function fill() {
    if (parts) return;
    parts = [
      ...board.tables.map((told) => lazyPart(told.name, OPEN_TABLES.has(told.name), () => boardTable(board, told, passes))),
      board.rows.some((row) => row.curve) && lazyPart("curves", true, () => boardCurves(board, passes) ?? nothing()),
      embedded(`paths-${board.place}`).length > 0 && lazyPart("paths in the plane", true, () => boardPlane(board, passes)),
    ].filter(Boolean);
    inside.append(...parts.map((part) => part.node));
    for (const part of parts) part.fill();
  }

  function refresh() {
    const rows = board.rows.filter((row) => passes(board, row)).length;
    details.hidden = rows === 0;
    for (const part of parts ?? []) part.refresh();
    return rows;
  }

  details.open = open;
  if (open) fill();
  return { board, node: details, refresh, open: () => { details.open = true; fill(); } };
}

function nothing() {
  return { node: element("p", {}, "No run has a curve."), refresh: () => {} };
}

/** A table of all boards. Its numbers and verdicts open their runs; a cell of several numbers has a button for each. */
function overallTable(told) {
  const cell = (row, column) => {
    const head = told.columns[column];
    const { opens, parts } = told.behind[told.rows.indexOf(row)];
    const source = row[told.columns.indexOf("Source")] ?? DASH;
    const button = (text, behind, inTabOrder) => {
      const shown = verdictText(head, text);
      if (!behind) return shown;
      const open = () => openRecords(boardAt(behind.board), behind.row, behind.of, behind.to, [
        element("h2", { id: "record-title", tabindex: "-1" }, named(head), ": ", named(text)),
        element("p", { class: "notes" }, named(row[1]), ", on ", named(row[0])),
        source !== DASH && element("p", { class: "notes" }, "Source: ", named(source)),
      ]);
      const label = `${text}, ${head} of ${row[1]} on ${row[0]}: the runs behind it`;
      return element("button", { type: "button", class: "cell", "aria-label": label, tabindex: inTabOrder ? null : "-1", on: { click: open } }, shown);
    };
    if (head === told.parts) return parts.length > 0 ? parts.map(([text, behind]) => element("div", {}, button(text, behind, true))) : named(row[column]);
    return told.opens.includes(head) ? button(row[column], opens, head === told.opens[1]) : named(row[column]);
  };
  const chosen = () => told.rows.filter((row) => rowPasses(told, row));
  const table = sortableTable(told, chosen(), (row, column) => row[column], cell);
  return { node: table.node, refresh: () => table.show(chosen()) };
}

/** Whether the filter lets a row of a table of all boards through: by the run behind it, else by the texts of its cells. */
function rowPasses(told, row) {
  const { opens } = told.behind[told.rows.indexOf(row)];
  if (!opens) return textPasses(row);
  const board = boardAt(opens.board);
  return passes(board, board.rows[opens.row]);
}

function verdictText(head, text) {
  if (head !== "Verdict") return named(text);
  const shade = text.startsWith("holds,") ? "partly" : text;
  return element("span", { class: ["holds", "fails", "partly"].includes(shade) ? `verdict ${shade}` : null }, named(text));
}

function listSection(title, lines) {
  return lines.length > 0 && [element("h2", {}, title), element("ul", {}, lines.map((line) => element("li", {}, named(line))))];
}

function start() {
  const boards = Array.from({ length: front.boards }, (_, place) => boardAt(place));
  nameStrokes(boards.flatMap((board) => board.rows.map((row) => row.name)));
  startTheme();
  const content = document.getElementById("content");
  const sections = boards.map((board, place) => boardSection(board, false));
  content.append(...sections.map((section) => section.node));
  if (boards.length === 0) content.append(element("p", {}, "There are no records yet."));
  const refresh = () => {
    const rows = sections.map((section) => section.refresh());
    for (const table of overall) table.refresh();
    const shown = rows.filter((count) => count > 0);
    status.textContent = `${rows.reduce((sum, count) => sum + count, 0)} rows on ${shown.length} of ${boards.length} boards`;
    if (shown.length === 1) sections[rows.findIndex((count) => count > 0)].open();
  };
  const overall = front.overall.map(overallTable);
  const status = startFilters(boards, refresh);
  document.getElementById("boards").append(element("ul", {}, sections.map((section) =>
    element("li", {}, element("a", { href: `#${section.node.id}`, on: { click: section.open } }, named(section.board.label))))));
  sections[0]?.open();
  refresh();
  const rest = document.getElementById("rest");
  front.overall.forEach((told, place) => rest.append(element("h2", { id: told.name }, told.title), overall[place].node));
  rest.append(...[...(listSection("Alarms", front.alarms) || []), ...(listSection("Records that are not shown", front.problems) || [])]);
  const { library } = front;
  document.getElementById("about").append(
    element("p", { class: "notes" }, "Written by mtlbench leaderboard from the records in results/ and from what stands beside them. Scores are as the records have them; other values have six digits, those of curves and paths five. "
      + `Plots: ${library.package} ${library.version} (${library.licence}), in this file.`),
    ...(front.cut.length > 0 ? [element("p", { class: "notes" }, "Left out, to keep this file small:"), element("ul", { class: "notes" }, front.cut.map((line) => element("li", {}, line)))] : []),
  );
}

start();
