// The embedded data. Each block is parsed when it is first asked for, and once.

const parsed = new Map();

function embedded(name) {
  if (!parsed.has(name)) parsed.set(name, JSON.parse(document.getElementById(name).textContent));
  return parsed.get(name);
}

const front = embedded("front");

/** A board by its place; it knows the place itself. */
function boardAt(place) {
  const board = embedded(`board-${place}`);
  board.place = place;
  return board;
}

const runsByRow = new Map();

/** All runs of a row, by seed. */
function runsOf(board, row) {
  if (!runsByRow.has(board.place)) {
    const byRow = new Map();
    for (const run of embedded(`runs-${board.place}`)) {
      if (!byRow.has(run.row)) byRow.set(run.row, []);
      byRow.get(run.row).push(run);
    }
    runsByRow.set(board.place, byRow);
  }
  return runsByRow.get(board.place).get(row) ?? [];
}

const aboutTexts = new Map();

/** What a run shares with others: versions, machine, provenance. */
function aboutOf(run) {
  if (!aboutTexts.has(run.about)) aboutTexts.set(run.about, embedded("abouts")[run.about]);
  return aboutTexts.get(run.about) ?? {};
}

/** A run's value of a quantity such as `average`, `task:3`, `seconds:train`; undefined where there is none. */
function quantity(run, of) {
  if (of in run.values) return run.values[of];
  const mark = of.indexOf(":");
  const [kind, rest] = mark < 0 ? [of, ""] : [of.slice(0, mark), of.slice(mark + 1)];
  if (kind === "task") return run.run.test?.[Number(rest)] ?? undefined;
  if (kind === "unseen") return run.run.unseen?.[rest] ?? undefined;
  if (kind === "count") return run.run.counts?.[rest];
  if (kind === "seconds") return run.run.seconds?.[rest];
  return run.run[kind];
}

/** Whether a quantity is a time or a memory, which tables compare on one machine alone. */
function isMeasured(of) {
  return of.startsWith("seconds:") || of === "step_seconds" || of === "peak_bytes";
}

function quantityName(board, of) {
  const [kind, rest] = of.split(":");
  if (kind === "task") return `${board.tasks[Number(rest)].label} (test)`;
  if (kind === "unseen") return `${rest} (test, never trained)`;
  if (kind === "count") return rest.replaceAll("_", " ");
  if (kind === "seconds") return rest === "train" ? "training seconds" : `${rest} seconds`;
  const names = { average: "average over tasks (test)", "zero-shot": "zero-shot average (test)", cosine: "cosine", l2: "L2 from the start" };
  return names[of] ?? of.replaceAll("_", " ").replaceAll("-", " ");
}
