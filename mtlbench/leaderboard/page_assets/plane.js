// Paths through the plane, played on the surface of the losses.

const PLAY_SECONDS = 8;
const STEPS = 400;
const LEVELS = 9;

/** The paths of a board, or null where it has none. */
function boardPlane(board, passes) {
  const paths = embedded(`paths-${board.place}`).map(([row, seed, model, numbers]) => ({ row, seed, model, numbers }));
  if (paths.length === 0) return null;
  const places = [...new Set(paths.map((path) => path.row))];
  const seeds = [...new Set(paths.map((path) => path.seed))];
  const state = { rows: new Set(places), seed: String(seeds[0]), task: "sum", step: STEPS, playing: null };
  const canvas = element("canvas", { class: "plane", role: "img" });
  const slider = element("input", { type: "range", min: "0", max: String(STEPS), step: "1", value: String(STEPS), "aria-label": "Gradients spent" });
  const told = element("output", {});
  const button = element("button", { type: "button" }, "Play");
  const keys = element("div");
  const table = element("details", {}, element("summary", {}, "Where they are"), element("div"));
  const bounds = planeBounds(board, paths);
  let backdrop = null;
  canvas.style.aspectRatio = String(Math.min(2, Math.max(0.8, (bounds.x[1] - bounds.x[0]) / (bounds.y[1] - bounds.y[0]))));

  const spent = () => (state.step / STEPS) * board.budget;
  const visible = () => paths.filter((path) =>
    state.rows.has(path.row) && passes(board, board.rows[path.row]) && (state.seed === "all" || String(path.seed) === state.seed));

  function draw() {
    if (canvas.clientWidth === 0) return; // not on the page, or in a part that is closed
    const context = sizedContext(canvas);
    const map = mapping(canvas, bounds);
    backdrop ??= drawnSurface(board, canvas, state.task, bounds);
    context.drawImage(backdrop, 0, 0);
    for (const path of visible()) drawPath(context, map, board.rows[path.row], path, spent());
    told.textContent = `${Math.round(spent())} of ${board.budget} gradients`;
    slider.value = String(state.step);
    slider.setAttribute("aria-valuetext", told.textContent);
    canvas.setAttribute("aria-label", `Paths of ${visible().length} models in the plane after ${told.textContent}; the table below holds their positions`);
    if (table.open && state.playing === null) tabulate();
  }

  function redraw() {
    backdrop = null;
    draw();
  }

  function refresh() {
    keys.replaceChildren(legend(board, places.filter((place) => passes(board, board.rows[place])), state, draw));
    redraw();
  }

  function tabulate() {
    const rows = visible().map((path) => {
      const [x, y] = positionAt(path.numbers, spent());
      return [board.rows[path.row].name, path.model, String(path.seed), brief(x), brief(y)];
    });
    const head = { title: `Positions after ${told.textContent}`, columns: ["Row", "Model", "Seed", "x", "y"], align: "llrrr", notes: [] };
    table.lastChild.replaceChildren(sortableTable(head, rows, (row, column) => row[column], (row, column) => named(row[column])).node);
  }

  function pause() {
    if (state.playing !== null) state.playing();
    state.playing = null;
    button.textContent = "Play";
    if (table.open) tabulate();
  }

  function play() {
    if (state.step >= STEPS) state.step = 0;
    button.textContent = "Pause";
    state.playing = ticking((share) => {
      state.step = Math.min(STEPS, state.step + share * STEPS);
      if (state.step >= STEPS) pause();
      draw();
    });
  }

  button.addEventListener("click", () => (state.playing === null ? play() : pause()));
  slider.addEventListener("input", () => { pause(); state.step = Number(slider.value); draw(); });
  table.addEventListener("toggle", () => { if (table.open) tabulate(); });
  new ResizeObserver(redraw).observe(canvas);
  onTheme(refresh);
  refresh();
  const surfaces = board.surface ? [["sum", "sum of the losses"], ...Object.keys(board.surface.tasks).map((task) => [task, `loss of ${task}`])] : [];
  const node = element(
    "div",
    { class: "curves" },
    element(
      "div",
      { class: "fields" },
      surfaces.length > 0 && select("Surface", surfaces, state.task, (task) => { state.task = task; redraw(); }),
      select("Seed", [...seeds.map((seed) => [String(seed), String(seed)]), ["all", "all"]], state.seed, (seed) => { state.seed = seed; draw(); }),
    ),
    canvas,
    element("div", { class: "player" }, button, slider, told),
    keys,
    element("p", { class: "notes" }, `Every method starts at the ring. Paths are thinned. ${board.surface ? "The more colour, the lower the loss; thin lines join points of equal loss." : "The suite's plugin, which tells the surface, was not there when this page was written."}`),
    table,
  );
  return { node, refresh };
}

/** Calls `tick` with the share of the whole way to go on: smoothly, or in a few jumps where motion is unwelcome. */
function ticking(tick) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
    const timer = setInterval(() => tick(0.1), 800);
    return () => clearInterval(timer);
  }
  let last = null;
  let frame = requestAnimationFrame(function step(now) {
    frame = requestAnimationFrame(step);
    tick(last === null ? 0 : Math.min(0.1, (now - last) / 1000 / PLAY_SECONDS));
    last = now;
  });
  return () => cancelAnimationFrame(frame);
}

function planeBounds(board, paths) {
  if (board.surface) return { x: board.surface.x, y: board.surface.y };
  const span = (axis) => {
    const values = paths.flatMap((path) => path.numbers.filter((_, place) => place % 3 === axis));
    const [low, high] = values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
    const margin = 0.08 * (high - low) || 1;
    return [low - margin, high + margin];
  };
  return { x: span(1), y: span(2) };
}

/** Sizes a canvas for its place and the screen's pixels. */
function sizedContext(canvas) {
  const scale = devicePixelRatio || 1;
  const [width, height] = [Math.round(canvas.clientWidth * scale), Math.round(canvas.clientHeight * scale)];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  return canvas.getContext("2d");
}

/** From the plane to a canvas' pixels, with the same scale on both axes. */
function mapping(canvas, bounds) {
  const [wide, high] = [bounds.x[1] - bounds.x[0], bounds.y[1] - bounds.y[0]];
  const scale = Math.min(canvas.width / wide, canvas.height / high);
  const [left, bottom] = [(canvas.width - scale * wide) / 2, (canvas.height + scale * high) / 2];
  return { scale, left, bottom, at: (x, y) => [left + (x - bounds.x[0]) * scale, bottom - (y - bounds.y[0]) * scale] };
}

function positionAt(numbers, gradients) {
  let place = 0;
  while (place + 3 < numbers.length && numbers[place + 3] <= gradients) place += 3;
  const [start, x, y] = numbers.slice(place, place + 3);
  if (place + 3 >= numbers.length || gradients <= start) return [x, y, place];
  const [end, nextX, nextY] = numbers.slice(place + 3, place + 6);
  const share = (gradients - start) / (end - start);
  return [x + share * (nextX - x), y + share * (nextY - y), place];
}

function drawPath(context, map, row, path, gradients) {
  const { colour: stroke, dash } = strokeOf(row);
  const pixels = devicePixelRatio || 1;
  const [x, y, place] = positionAt(path.numbers, gradients);
  context.strokeStyle = stroke;
  context.fillStyle = stroke;
  context.lineWidth = 2 * pixels;
  context.lineJoin = "round";
  context.setLineDash(dash.map((length) => length * pixels));
  context.beginPath();
  context.moveTo(...map.at(path.numbers[1], path.numbers[2]));
  for (let next = 3; next <= place; next += 3) context.lineTo(...map.at(path.numbers[next + 1], path.numbers[next + 2]));
  context.lineTo(...map.at(x, y));
  context.stroke();
  context.setLineDash([]);
  context.beginPath();
  context.arc(...map.at(x, y), 4.5 * pixels, 0, 2 * Math.PI);
  context.fill();
  context.strokeStyle = colour("ink");
  context.lineWidth = pixels;
  context.stroke();
  context.beginPath();
  context.arc(...map.at(path.numbers[1], path.numbers[2]), 7 * pixels, 0, 2 * Math.PI);
  context.stroke();
}

/** The surface of one task or of their sum, as a picture of the canvas' size: shades and lines of equal loss. */
function drawnSurface(board, canvas, task, bounds) {
  const picture = element("canvas", { width: String(canvas.width), height: String(canvas.height) });
  const context = picture.getContext("2d");
  context.fillStyle = colour("plane-high");
  context.fillRect(0, 0, picture.width, picture.height);
  const { surface } = board;
  if (!surface) return picture;
  const grids = task === "sum" ? Object.values(surface.tasks) : [surface.tasks[task]];
  const values = grids[0].map((_, place) => grids.reduce((sum, grid) => sum + grid[place], 0));
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const shades = values.map((value) => (value - low) / (high - low || 1));
  const map = mapping(canvas, bounds);
  shade(context, map, surface, shades, bounds);
  context.strokeStyle = colour("contour");
  context.lineWidth = devicePixelRatio || 1;
  const at = (column, row) => map.at(
    bounds.x[0] + (column / (surface.side - 1)) * (bounds.x[1] - bounds.x[0]),
    bounds.y[0] + (row / (surface.side - 1)) * (bounds.y[1] - bounds.y[0]),
  );
  context.beginPath();
  for (let level = 1; level < LEVELS; level += 1) contour(context, shades, surface.side, level / LEVELS, at);
  context.stroke();
  return picture;
}

/** Fills the square with shades from a picture of one pixel a grid point, which the browser makes smooth. */
function shade(context, map, surface, shades, bounds) {
  const { side } = surface;
  const [deep, flat] = ["plane-low", "plane-high"].map((name) => colour(name).match(/[\d.]+/g).slice(0, 3).map(Number));
  const small = element("canvas", { width: String(side), height: String(side) });
  const inner = small.getContext("2d");
  const image = inner.createImageData(side, side);
  shades.forEach((value, place) => {
    const [row, column] = [Math.floor(place / side), place % side];
    const pixel = ((side - 1 - row) * side + column) * 4;
    for (let part = 0; part < 3; part += 1) image.data[pixel + part] = deep[part] + value * (flat[part] - deep[part]);
    image.data[pixel + 3] = 255;
  });
  inner.putImageData(image, 0, 0);
  // A pixel is as wide as a step of the grid, and its middle is the grid's point.
  const [wide, high] = [(bounds.x[1] - bounds.x[0]) * map.scale, (bounds.y[1] - bounds.y[0]) * map.scale];
  const [stepX, stepY] = [wide / (side - 1), high / (side - 1)];
  context.save();
  context.beginPath();
  context.rect(map.left, map.bottom - high, wide, high);
  context.clip();
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(small, map.left - stepX / 2, map.bottom - high - stepY / 2, wide + stepX, high + stepY);
  context.restore();
}

/** The line at one level through a square grid, cell by cell (marching squares). */
function contour(context, values, side, level, at) {
  for (let row = 0; row + 1 < side; row += 1) {
    for (let column = 0; column + 1 < side; column += 1) {
      const corners = [[column, row], [column + 1, row], [column + 1, row + 1], [column, row + 1]];
      const crossings = [];
      corners.forEach((from, corner) => {
        const to = corners[(corner + 1) % 4];
        const [a, b] = [values[from[1] * side + from[0]], values[to[1] * side + to[0]]];
        if (a < level === b < level) return;
        const share = (level - a) / (b - a);
        crossings.push(at(from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])));
      });
      for (let pair = 0; pair + 1 < crossings.length; pair += 2) {
        context.moveTo(...crossings[pair]);
        context.lineTo(...crossings[pair + 1]);
      }
    }
  }
}
