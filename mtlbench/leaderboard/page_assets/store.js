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
    for (const run of embedded(`runs-${board.place}`).map(unpacked)) {
      if (!byRow.has(run.row)) byRow.set(run.row, []);
      byRow.get(run.row).push(run);
    }
    runsByRow.set(board.place, byRow);
  }
  return runsByRow.get(board.place).get(row) ?? [];
}

/** A run from its list; `curve` is absent where curves of single runs were left out. */
function unpacked([row, seed, key, status, average, zeroShot, cosine, about, shape, values, curve]) {
  const left = values.values();
  const run = shaped(embedded("shared")[shape], left);
  const { distance, mlm } = run.probes ?? {};
  const ends = { average, "zero-shot": zeroShot, cosine, l2: distance?.l2, "masked-seen": mlm?.seen, "masked-unseen": mlm?.unseen };
  return { row, seed, key, status, ends, about: embedded("shared")[about], run, curve };
}

/** A shape with the next value of `left` at each of its zeros. */
function shaped(shape, left) {
  if (Array.isArray(shape)) return shape.map((inner) => shaped(inner, left));
  if (typeof shape !== "object") return left.next().value;
  return Object.fromEntries(shape.names.map((name, place) => [name, shaped(shape.inner[place], left)]));
}

/** Whether a run was made on the machine whose times the tables show. */
function isAtHome(board, run) {
  return (run.about.machine?.fingerprint ?? "") === board.machine;
}

/** A run's value of a quantity such as `average`, `task:3`, `tasks:0,3` (their mean), `seconds:train`; null or undefined where there is none. */
function quantity(run, of) {
  if (of in run.ends) return run.ends[of];
  const [kind, rest] = kindAndRest(of);
  if (kind === "task") return run.run.test?.[Number(rest)];
  if (kind === "tasks") return meanOf(rest.split(",").map((task) => run.run.test?.[Number(task)]));
  if (kind === "extra") return extraOf(run, rest);
  if (kind === "extras") return meanOf((run.run.extra?.[rest] ?? []).filter((value) => typeof value === "number"));
  if (kind === "unseen") return run.run.unseen?.[rest];
  if (kind === "count") return run.run.counts?.[rest];
  if (kind === "seconds") return run.run.seconds?.[rest];
  return run.run[kind];
}

/** The further metric of `place:metric`. */
function extraOf(run, rest) {
  const [place, metric] = kindAndRest(rest);
  return run.run.extra?.[metric]?.[Number(place)];
}

/** What stands before and after a quantity's first colon; names of tasks may hold others. */
function kindAndRest(of) {
  const mark = of.indexOf(":");
  return mark < 0 ? [of, ""] : [of.slice(0, mark), of.slice(mark + 1)];
}

/** Null where one of the values is missing, or there is none. */
function meanOf(values) {
  if (values.length === 0 || !values.every((value) => typeof value === "number")) return null;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Whether a quantity is a time or a memory, which tables compare on one machine alone. */
function isMeasured(of) {
  return of.startsWith("seconds:") || of === "step_seconds" || of === "peak_bytes";
}

function quantityName(board, of) {
  const [kind, rest] = kindAndRest(of);
  if (kind === "task") return `${board.tasks[Number(rest)].label} (test)`;
  if (kind === "tasks") return `mean of ${rest.split(",").map((task) => board.tasks[Number(task)].label).join(", ")} (test)`;
  if (kind === "extra") {
    const [place, metric] = kindAndRest(rest);
    return `${metric}, ${board.tasks[Number(place)].label} (test)`;
  }
  if (kind === "extras") return `${rest}, mean over tasks (test)`;
  if (kind === "unseen") return `${rest} (test, never trained)`;
  if (kind === "count") return rest.replaceAll("_", " ");
  if (kind === "seconds") return rest === "train" ? "training seconds" : `${rest} seconds`;
  const names = { average: "average over tasks (test)", "zero-shot": "zero-shot average (test)", cosine: "cosine", l2: "L2 from the start" };
  return names[of] ?? of.replaceAll("_", " ").replaceAll("-", " ");
}
