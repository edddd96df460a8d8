// Curves of a board's rows: any quantity that was followed, against gradients or seconds.

const ROWS_AT_FIRST = 12;
const SERIES_NAMES = {
  average: "Dev average",
  loss: "Training loss",
  cosine: "Cosine of task gradients",
  l2: "L2 from the start",
  seen: "Masked-LM loss, seen languages",
  unseen: "Masked-LM loss, unseen languages",
};

/** A button for each row that shows or hides it; `state.rows` holds the places of those that are shown. */
function legend(board, places, state, changed) {
  const list = element("div", { class: "legend", role: "group", "aria-label": "Rows" });
  for (const place of places) {
    const { colour: stroke, dash } = strokeOf(board.rows[place]);
    const swatch = element("span", { class: "swatch" });
    swatch.style.borderTopColor = stroke;
    swatch.style.borderTopStyle = dash.length === 0 ? "solid" : dash[0] > 2 ? "dashed" : "dotted";
    const button = element("button", { type: "button", "aria-pressed": String(state.rows.has(place)) }, swatch, named(board.rows[place].name));
    button.addEventListener("click", () => {
      if (!state.rows.delete(place)) state.rows.add(place);
      button.setAttribute("aria-pressed", String(state.rows.has(place)));
      changed();
    });
    list.append(button);
  }
  return list;
}

/** The curves of a board, or null where no row has any. */
function boardCurves(board, passes) {
  const places = board.rows.map((_, place) => place).filter((place) => board.rows[place].curve);
  if (places.length === 0) return null;
  const offered = offeredSeries(board, places);
  if (offered.length === 0) return null;
  const state = { y: offered[0][0], x: "gradients", single: false, rows: new Set(places.slice(0, ROWS_AT_FIRST)) };
  const chart = element("div", { class: "chart" });
  const readout = element("p", { class: "readout" }, "Point at a line to read it.");
  const table = element("details", {}, element("summary", {}, "The same as a table"), element("div"));
  const keys = element("div");
  const notes = element("p", { class: "notes" });
  let plot = null;

  const visible = () => places.filter((place) => state.rows.has(place) && passes(board, board.rows[place]));

  function draw() {
    plot?.destroy();
    const lines = visible().flatMap((place) => linesOf(board, place, state));
    chart.replaceChildren();
    readout.textContent = lines.length > 0 ? "Point at a line to read it." : "No row that is shown has this.";
    plot = lines.length > 0 ? plotted(board, chart, readout, lines, state) : null;
    notes.replaceChildren(named(curveNotes(board, state)));
    if (table.open) tabulate();
  }

  function refresh() {
    keys.replaceChildren(legend(board, places.filter((place) => passes(board, board.rows[place])), state, draw));
    draw();
  }

  function tabulate() {
    const rows = visible().flatMap((place) => pointRows(board, place, state));
    const told = { title: SERIES_NAMES[state.y] ?? quantityName(board, state.y), columns: ["Row", state.x, "Mean", "Lowest", "Highest"], align: "lrrrr", notes: [] };
    table.lastChild.replaceChildren(sortableTable(told, rows, (row, column) => row[column], (row, column) => named(row[column])).node);
  }

  table.addEventListener("toggle", () => { if (table.open) tabulate(); });
  new ResizeObserver(() => plot?.setSize(sizeOf(chart))).observe(chart);
  onTheme(refresh);
  refresh();
  const hasSeconds = places.some((place) => board.rows[place].curve.seconds);
  const hasRuns = places.some((place) => runsOf(board, place).some((run) => run.curve));
  const node = element(
    "div",
    { class: "curves" },
    element(
      "div",
      { class: "fields" },
      select("Show", offered, state.y, (value) => { state.y = value; draw(); }),
      select("Against", [["gradients", "gradients"], ...(hasSeconds ? [["seconds", "seconds"]] : [])], state.x, (value) => { state.x = value; draw(); }),
      hasRuns && checkbox("single runs", false, (on) => { state.single = on; draw(); }),
    ),
    chart,
    readout,
    keys,
    notes,
    table,
  );
  return { node, refresh };
}

/** [name, label] of every series that some row has. */
function offeredSeries(board, places) {
  const present = new Set(places.flatMap((place) => Object.keys(board.rows[place].curve.series)));
  const tasks = board.tasks.map((task, place) => [`task:${place}`, `Dev, ${task.label}`]);
  return [...Object.entries(SERIES_NAMES), ...tasks].filter(([name]) => present.has(name));
}

function curveNotes(board, state) {
  const parts = [state.single ? "One line a run." : "Lines: means over seeds. Bands: from the lowest to the highest seed."];
  if (state.x === "seconds") parts.push("Seconds along a curve are in proportion to gradients, from the runs on the machine that the cost table names.");
  if (state.y === "average" || state.y.startsWith("task:")) parts.push(`On the dev split; ${board.direction}.`);
  if (board.rows.some((row) => row.curve?.odd)) parts.push("Runs with another number of evaluation points than most of their row are left out of the means.");
  return parts.join(" ");
}

/** What to draw of a row: its mean with a band, or each of its runs. */
function linesOf(board, place, state) {
  const { curve, name } = board.rows[place];
  if (state.single) {
    return runsOf(board, place).filter((run) => run.curve && run.status === "done").flatMap((run) => {
      const y = runSeries(run, state.y);
      const x = state.x === "gradients" ? run.curve.gradients : runSeconds(board, run);
      return y && x ? [{ place, name: `${name}, seed ${run.seed}`, x, mean: y }] : [];
    });
  }
  const x = curve[state.x];
  const found = curve.series[state.y];
  return x && found ? [{ place, name, x, mean: found[0], low: found[1], high: found[2] }] : [];
}

function runSeries(run, name) {
  if (name.startsWith("task:")) return run.curve.dev[Number(name.slice(5))];
  if (name !== "average") return run.curve[name];
  const tasks = run.curve.dev;
  return tasks[0].map((_, point) => {
    const values = tasks.map((task) => task[point]);
    return values.includes(null) ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
  });
}

function runSeconds(board, run) {
  const [seconds, spent] = [run.run.seconds?.train, run.run.counts?.gradients];
  if (seconds === undefined || !spent || !isAtHome(board, run)) return null;
  return run.curve.gradients.map((gradients) => (seconds * gradients) / spent);
}

function pointRows(board, place, state) {
  return linesOf(board, place, state).flatMap((line) =>
    line.x.map((x, point) => [line.name, brief(x), brief(line.mean[point]), brief(line.low?.[point]), brief(line.high?.[point])]),
  );
}

function sizeOf(chart) {
  const width = Math.max(260, chart.clientWidth);
  return { width, height: Math.round(Math.min(420, Math.max(240, width * 0.5))) };
}

/** A plot of lines that may have points at different places; the nearest line is told in `readout`. */
function plotted(board, chart, readout, lines, state) {
  const tables = lines.map((line) => [line.x, line.mean, ...(line.low ? [line.low, line.high] : [])]);
  const series = [{}];
  const bands = [];
  const lineAt = new Map();
  const opacity = lines.length > 4 ? 0.07 : 0.16;
  for (const line of lines) {
    const { colour: stroke, dash } = strokeOf(board.rows[line.place]);
    lineAt.set(series.length, line);
    series.push({ stroke, dash, width: state.single ? 1 : 2, points: { show: false } });
    if (line.low) {
      series.push({ stroke: "transparent", width: 0, points: { show: false } }, { stroke: "transparent", width: 0, points: { show: false } });
      bands.push({ series: [series.length - 1, series.length - 2], fill: stroke.replace("rgb(", "rgba(").replace(")", `, ${opacity})`) });
    }
  }
  const data = uPlot.join(tables);
  const ink = colour("muted");
  const axis = { stroke: ink, grid: { stroke: colour("grid"), width: 1 }, ticks: { stroke: colour("grid"), width: 1 } };
  const options = {
    ...sizeOf(chart),
    scales: { x: { time: false } },
    legend: { show: false },
    cursor: { focus: { prox: 24 }, points: { show: false }, y: false, drag: { x: true, y: false } },
    focus: { alpha: 0.35 },
    axes: [{ ...axis, label: state.x, labelSize: 20 }, { ...axis, size: 64 }],
    series,
    bands,
    hooks: {
      setSeries: [(plot, place) => tell(plot, place)],
      setCursor: [(plot) => tell(plot, plot.series.findIndex((one, place) => place > 0 && one._focus && lineAt.has(place)))],
    },
  };

  function tell(plot, place) {
    const line = lineAt.get(place);
    const x = plot.cursor.idx === null || plot.cursor.idx === undefined ? undefined : plot.data[0][plot.cursor.idx];
    const point = line && x !== undefined ? line.x.indexOf(x) : -1;
    if (point < 0) return;
    const range = line.low ? ` (${brief(line.low[point])} to ${brief(line.high[point])})` : "";
    readout.replaceChildren(named(line.name), `: ${brief(line.mean[point])}${range} at ${brief(x)} ${state.x}`);
  }

  const plot = new uPlot(options, data, chart);
  plot.root.setAttribute("role", "img");
  plot.root.setAttribute("aria-label", `${SERIES_NAMES[state.y] ?? quantityName(board, state.y)} against ${state.x}, ${lines.length} lines; the table below holds the numbers`);
  return plot;
}
