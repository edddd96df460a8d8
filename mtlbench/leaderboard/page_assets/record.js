// From a number to the records behind it.

/** Opens the records behind one cell of one table. */
function showRecords(board, told, row, column, text) {
  const place = row[0];
  const { of, to, together } = told.behind[column];
  const head = column === 0 ? null : told.columns[column];
  // A table of further metrics has the metric in its second column.
  const quantity = of.startsWith("extra") && !together ? `${of}:${row[1]}` : of;
  openRecords(board, place, quantity, to, [
    element("h2", { id: "record-title", tabindex: "-1" }, head ? [named(head), ": ", named(text)] : named(text)),
    element("p", { class: "notes" }, named(told.title), ", row ", named(board.rows[place].name)),
    together && element("p", { class: "notes" }, "This is no mean of the numbers below: it is made of the runs in another way, as the notes of its table say."),
  ]);
}

function openRecords(board, place, of, to, heading) {
  const row = board.rows[place];
  const runs = runsOf(board, place);
  const dialog = document.getElementById("record");
  const close = element("button", { type: "button", class: "close", on: { click: () => dialog.close() } }, "Close");
  filled(
    dialog,
    element("div", { class: "dialog-head" }, element("div", {}, heading), close),
    runs.length > 0 ? valuesTable(board, place, runs, of, to) : element("p", {}, missingText(row)),
    row.failed > 0 && element("p", {}, `${row.failed} more failed and have no record.`),
    runs.length > 0 && scoresTable(board, runs),
    askedFacts(board, row),
    element("h3", {}, "Records"),
    runs.map((run) => recordDetails(board, row, run)),
  );
  dialog.showModal();
  dialog.scrollTop = 0;
  dialog.querySelector("h2").focus();
}

function missingText(row) {
  return row.done + row.diverged > 0 ? "The details of these runs were left out of this page." : "No run of this row has a record.";
}

/** The column's quantity by seed; where it is held against another row, that row's value and the difference. */
function valuesTable(board, place, runs, of, to) {
  const paired = to !== undefined && to !== place;
  const others = new Map(paired ? runsOf(board, to).filter((run) => run.status === "done").map((run) => [run.seed, run]) : []);
  const name = quantityName(board, of);
  const columns = ["Seed", "Status", name];
  if (paired) columns.push(`${board.rows[to].name}, same seed`, "Difference");
  columns.push("Record");
  const rows = runs.map((run) => {
    const own = run.status === "done" ? quantity(run, of) : undefined;
    const cells = [String(run.seed), run.status, raw(own)];
    if (paired) {
      const theirs = others.has(run.seed) ? quantity(others.get(run.seed), of) : undefined;
      cells.push(raw(theirs), typeof own !== "number" || typeof theirs !== "number" ? DASH : brief(own - theirs));
    }
    return [...cells, run.key.slice(0, 12)];
  });
  const notes = [];
  if (isMeasured(of) && runs.some((run) => !isAtHome(board, run))) notes.push("The table counts runs on one machine alone; runs on others stand here too.");
  if (paired) notes.push("Difference: as the numbers stand, before the sign is turned where lower is better.");
  const told = { title: "By seed", columns, align: `rl${"r".repeat(columns.length - 3)}l`, notes };
  return sortableTable(told, rows, (row, column) => row[column], (row, column) => named(row[column])).node;
}

/** Test and dev score of every task by seed, as the records have them. */
function scoresTable(board, runs) {
  const columns = ["Seed", "Split", "Average", ...board.tasks.map((task) => task.label)];
  const rows = [];
  for (const run of runs) {
    if (run.status !== "done") continue;
    rows.push([String(run.seed), "test", raw(run.ends.average), ...board.tasks.map((_, task) => raw(run.run.test?.[task]))]);
    rows.push([String(run.seed), "dev", DASH, ...board.tasks.map((_, task) => raw(run.run.dev?.[task]))]);
  }
  const notes = [`${board.metric}; ${board.direction}.`];
  const told = { title: "Scores at the end", columns, align: `rl${"r".repeat(columns.length - 2)}`, notes };
  return rows.length > 0 && sortableTable(told, rows, (row, column) => row[column], (row, column) => named(row[column])).node;
}

function askedFacts(board, row) {
  const block = (title, values) => [
    element("h4", {}, title),
    Object.keys(values).length > 0 ? facts(Object.entries(values)) : element("p", {}, "none"),
  ];
  return element(
    "details",
    { open: true },
    element("summary", {}, "What was asked"),
    element(
      "div",
      { class: "asked" },
      element("div", {}, block(`Settings of ${row.method}, version ${row.version}`, row.settings)),
      element("div", {}, block(`Options of ${board.suite}, version ${board.version}`, board.options)),
      element("div", {}, block("Protocol", row.protocol)),
    ),
  );
}

function recordDetails(board, row, run) {
  const inside = element("div");
  const details = element(
    "details",
    {
      class: "run",
      on: { toggle: () => { if (details.open && !inside.hasChildNodes()) inside.append(...recordParts(board, row, run)); } },
    },
    element("summary", {}, `Seed ${run.seed}, ${run.status}, `, element("code", {}, run.key.slice(0, 12))),
    inside,
  );
  return details;
}

function recordParts(board, row, run) {
  const { about } = run;
  const { counts, seconds, audit, extra, divergence, probes, summary, unseen, extras, dev, test, ...others } = run.run;
  const further = Object.entries(extra ?? {}).flatMap(([metric, values]) => values.map((value, place) => [`${metric}, ${board.tasks[place].label}`, value]));
  const parts = [
    facts([
      ["key", element("code", {}, run.key)],
      ["file", element("code", {}, `${board.suite}/${row.method}/${run.key}.json`)],
      ["seed", run.seed],
      ["status", run.status],
      ["why it diverged", divergence],
      ["data fingerprint", element("code", {}, about.fingerprint)],
    ]),
    commandBox(row, run),
    element("h4", {}, "Plugins"),
    element("div", { class: "asked" }, ["method", "suite"].map((kind) => {
      const from = about.provenance?.[kind] ?? {};
      return element("div", {}, element("h5", {}, kind), facts([["distribution", from.distribution], ["version", from.version], ["source", from.source && element("code", {}, from.source)]]));
    })),
    element("h4", {}, "Counts, audit, seconds"),
    facts([...Object.entries(counts ?? {}), ["audit agrees", audit?.agrees], ...Object.entries(seconds ?? {}).map(([name, value]) => [`seconds: ${name}`, value])]),
    element("h4", {}, "Also measured"),
    facts([...Object.entries(others), ...further, ...Object.entries({ probes, summary, "zero-shot": unseen, "from plugins": extras }).flatMap(flattened)]),
    element("h4", {}, "Machine and versions"),
    facts([...Object.entries(about.machine ?? {}), ...Object.entries(about.versions ?? {}), ["scale", about.scale], ["models", about.models], ...Object.entries(about.parameters ?? {}).map(([name, value]) => [`parameters, ${name}`, value])]),
  ];
  return parts;
}

/** Nested values as `outer, inner` pairs, one level deep. */
function flattened([name, value]) {
  if (value === null || value === undefined || typeof value !== "object") return [[name, value]];
  return Object.entries(value).map(([inner, found]) => [`${name}, ${inner}`, found]);
}

function commandBox(row, run) {
  if (!row.command) return element("p", {}, "Its command is too long to print, or holds characters that do not show.");
  const command = `${row.command} --seeds ${run.seed},`;
  const code = element("code", { tabindex: "0" }, command);
  const copy = element("button", { type: "button", on: { click: () => copyText(command, code, copy) } }, "Copy");
  return element("div", { class: "command" }, element("h4", {}, "To train it again"), element("pre", {}, code), copy);
}

/** Copies a text; where the browser does not let a page do that, selects it for the reader to copy. */
async function copyText(text, node, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(node);
    button.textContent = "Selected";
  }
}
