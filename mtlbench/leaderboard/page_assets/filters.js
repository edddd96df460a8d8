// What is shown: a suite, a method, rows whose names hold a text, controls or not.

const filter = { suite: "", method: "", text: "", controls: true };

/** Whether a row passes the filter. */
function passes(board, row) {
  if (filter.suite && board.suite !== filter.suite) return false;
  if (filter.method && row.method !== filter.method) return false;
  if (!filter.controls && row.control) return false;
  const text = filter.text.toLowerCase();
  return !text || row.name.toLowerCase().includes(text) || board.label.toLowerCase().includes(text);
}

/** Whether one of these texts holds what was typed, and no suite or method was chosen: they are of neither. */
function textPasses(texts) {
  const text = filter.text.toLowerCase();
  return !filter.suite && !filter.method && (!text || texts.some((cell) => cell.toLowerCase().includes(text)));
}

/** The fields of the filter; `changed` is called after each change. Returns what tells how much is shown. */
function startFilters(boards, changed) {
  const all = (names, what) => [["", `all ${what}`], ...[...new Set(names)].sort().map((name) => [name, name])];
  const status = element("p", { role: "status", class: "notes" });
  const set = (name) => (value) => { filter[name] = value; changed(); };
  const search = element("input", { type: "search", autocomplete: "off", on: { input: () => set("text")(search.value) } });
  document.getElementById("filters").append(
    element(
      "div",
      { class: "fields" },
      select("Suite", all(boards.map((board) => board.suite), "suites"), "", set("suite")),
      select("Method", all(boards.flatMap((board) => board.rows.map((row) => row.method)), "methods"), "", set("method")),
      element("label", { class: "field" }, element("span", {}, "Row or board holds"), search),
      boards.some((board) => board.rows.some((row) => row.control)) && checkbox("controls", true, set("controls")),
    ),
    status,
  );
  return status;
}
