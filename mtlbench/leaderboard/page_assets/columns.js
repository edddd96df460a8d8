// How cells compare: by the number that they begin with (what is below a number comes before it), else as text; dashes
// come last either way.

const DASH = "–";

function sortKey(text) {
  if (text === DASH || text === "") return null;
  const number = Number.parseFloat(text.replace(/^[<+]\s*/, ""));
  if (Number.isNaN(number)) return text.toLowerCase();
  return text.startsWith("<") ? number * (1 - 1e-9) : number;
}

/** Sorts places of rows by one column; `sign` is 1 for rising. Equal cells keep their order. */
function sorted(rows, textOf, sign) {
  const keyed = rows.map((row) => [row, sortKey(textOf(row))]);
  keyed.sort(([, a], [, b]) => {
    if (a === null || b === null) return (a === null) - (b === null);
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return sign * (a < b ? -1 : a > b ? 1 : 0);
  });
  return keyed.map(([row]) => row);
}
