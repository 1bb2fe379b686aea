// The error curves, exact to the single iteration: each column of the picture is the least and the
// most of the iterations that it stands for.
import uPlot from "uplot";
import { useEffect, useRef, useState } from "preact/hooks";
import { get, getBytes } from "../shared/api.js";
import { percent, whole } from "../shared/format.js";
import { html } from "../shared/html.js";
import { coloursOf } from "./plane.js";

/** @typedef {import("./live.js").Live} Live
 *  @typedef {{first: number, last: number}} Range */

const EVERY = 200; // milliseconds between two looks while it trains

/** @param {{live: Live}} properties */
export function Curves({ live }) {
  const holder = useRef(/** @type {HTMLDivElement | null} */ (null));
  const plot = useRef(/** @type {uPlot | null} */ (null));
  const rows = useRef(new Int32Array());
  const total = live.settings?.iterations ?? 1;
  const [range, setRange] = useState(/** @type {Range | null} */ (null)); // null: all
  const shown = range ?? { first: 1, last: total };
  const [at, setAt] = useState(/** @type {number | null} */ (null));
  const [found, setFound] = useState(/** @type {any} */ (null));
  const state = useRef(/** @type {any} */ ({}));
  state.current = { shown, at, live, total };

  useEffect(() => setRange(null), [live]);
  useEffect(() => {
    let timer = 0;
    let asked = 0;
    let stopped = false;
    const load = async () => {
      timer = 0;
      const mine = ++asked;
      const asking = state.current.shown;
      const { first, last } = asking;
      const width = Math.max(100, holder.current?.clientWidth ?? 600);
      const bytes = await getBytes(
        `/api/points/runs/${live.id}/curves?from=${first}&to=${last}&pieces=${width}`,
      ).catch(() => null);
      if (!bytes || stopped || mine !== asked) return;
      rows.current = new Int32Array(bytes);
      show(asking);
    };
    const show = (/** @type {Range} */ range) => {
      if (!holder.current || !live.shape) return;
      plot.current ??= make(holder.current, state, rows, setAt, setRange);
      draw(plot.current, rows.current, range, live);
      const { first, last } = range;
      holder.current.dataset.shown = `${first}-${last}`;
      holder.current.dataset.rows = String(rows.current.length / 6);
    };
    const soon = () => {
      timer ||= window.setTimeout(load, live.news.is_playing ? EVERY : 30);
    };
    load();
    live.addEventListener("changed", soon);
    live.addEventListener("points", soon);
    const sized = new ResizeObserver(() => {
      const width = holder.current?.clientWidth;
      if (plot.current && width) plot.current.setSize({ width, height: 240 });
      soon();
    });
    if (holder.current) sized.observe(holder.current);
    return () => {
      stopped = true;
      clearTimeout(timer);
      live.removeEventListener("changed", soon);
      live.removeEventListener("points", soon);
      sized.disconnect();
    };
  }, [live, shown.first, shown.last]);
  useEffect(() => {
    const again = () => {
      plot.current?.destroy();
      plot.current = null;
      live.tell("changed");
    };
    const media = ["(prefers-color-scheme: dark)", "(forced-colors: active)"].map((q) => matchMedia(q));
    media.forEach((query) => query.addEventListener("change", again));
    return () => {
      media.forEach((query) => query.removeEventListener("change", again));
      plot.current?.destroy();
      plot.current = null;
    };
  }, [live]);
  useEffect(() => {
    if (at === null || at < 1) return;
    let stopped = false;
    get(`/api/points/runs/${live.id}/counts?at=${at}`).then(
      (counts) => stopped || setFound({ run: live.id, at, ...counts }),
      () => stopped || setFound(null),
    );
    return () => void (stopped = true);
  }, [at, live]);

  /** @param {number} factor @param {number} [shift] */
  const move = (factor, shift = 0) => {
    const middle = at && at >= shown.first && at <= shown.last ? at : (shown.first + shown.last) / 2;
    const span = Math.max(Math.round((shown.last - shown.first + 1) * factor), 5);
    if (span >= total) return setRange(null);
    let first = Math.round(middle - (middle - shown.first) * factor + shift * span);
    first = Math.max(1, Math.min(first, total - span + 1));
    setRange({ first, last: first + span - 1 });
  };
  /** @param {KeyboardEvent} event */
  const key = (event) => {
    const step = Math.max(1, Math.round((shown.last - shown.first) / (event.shiftKey ? 20 : 200)));
    const known = live.news.known ?? 0;
    const now = at ?? shown.first;
    /** @type {Record<string, () => void>} */
    const moves = {
      ArrowLeft: () => setAt(Math.max(1, now - step)),
      ArrowRight: () => setAt(Math.min(known, now + step)),
      Home: () => setAt(1),
      End: () => setAt(known),
      "+": () => move(0.5),
      "-": () => move(2),
      0: () => setRange(null),
      Enter: () => at && live.do({ do: "seek", to: at }),
    };
    if (!moves[event.key]) return;
    moves[event.key]();
    event.preventDefault();
  };
  const [n = 0, m = 0] = live.shape?.sizes ?? [];
  const counts = found && found.run === live.id && found.at === at ? found : null;
  const readout = counts
    ? `After iteration ${whole(counts.at)}: ${whole(counts.train_wrong)} of ${whole(n)} training points wrong (${percent(counts.train_wrong, n)}), ${whole(counts.validation_wrong)} of ${whole(m)} validation points (${percent(counts.validation_wrong, m)}).`
    : "Point at the curves for the exact counts; drag to zoom; click to take the network there.";
  return html`<section class="curves" aria-labelledby="curves-title">
    <h2 id="curves-title">Wrong points after every iteration</h2>
    <p class="key"><span class="swatch"></span> training <span class="swatch validation"></span> validation</p>
    <div ref=${holder} class="plot" tabindex="0" role="slider" aria-label="Iteration on the error curves"
      aria-valuemin="1" aria-valuemax=${total} aria-valuenow=${at ?? 1} aria-valuetext=${readout}
      onKeyDown=${key}></div>
    <p class="readout" data-at=${counts?.at} data-train=${counts?.train_wrong} data-validation=${counts?.validation_wrong}>${readout}</p>
    <div class="row" role="group" aria-label="Zoom of the curves">
      <button onClick=${() => move(0.25)}>Zoom in</button>
      <button onClick=${() => move(4)}>Zoom out</button>
      <button onClick=${() => move(1, -0.5)} aria-label="Earlier iterations">◀</button>
      <button onClick=${() => move(1, 0.5)} aria-label="Later iterations">▶</button>
      <button onClick=${() => setRange(null)}>All</button>
      <span class="quiet">${whole(shown.first)} to ${whole(shown.last)}</span>
    </div>
  </section>`;
}

/** @param {HTMLElement} holder @param {any} state @param {{current: Int32Array}} rows
 *  @param {(at: number | null) => void} setAt @param {(range: Range | null) => void} setRange */
function make(holder, state, rows, setAt, setRange) {
  const colours = coloursOf(holder);
  const line = { width: 1, points: { show: false } };
  const axis = { stroke: colours.text, grid: { stroke: colours.rule, width: 1 }, ticks: { stroke: colours.rule } };
  /** @type {uPlot.Options} */
  const options = {
    width: holder.clientWidth,
    height: 240,
    legend: { show: false },
    cursor: { drag: { x: true, y: false, setScale: false }, bind: { dblclick: () => () => (setRange(null), null) } },
    scales: { x: { time: false }, y: { range: (_, __, most) => [0, Math.max(most ?? 0, 1) * 1.05] } },
    axes: [
      { ...axis, values: (_, values) => values.map((v) => (Number.isInteger(v) ? whole(v) : "")), space: 90 },
      { ...axis, values: (_, values) => values.map((v) => `${v} %`), size: 60 },
    ],
    series: [
      {},
      { ...line, stroke: colours.minus },
      { ...line, stroke: colours.minus },
      { ...line, stroke: colours.plus, dash: [6, 3] },
      { ...line, stroke: colours.plus, dash: [6, 3] },
    ],
    bands: [
      { series: [2, 1], fill: `rgb(${colours.minusRGB.join(" ")} / 0.25)` },
      { series: [4, 3], fill: `rgb(${colours.plusRGB.join(" ")} / 0.25)` },
    ],
    hooks: {
      setCursor: [(u) => {
        const k = u.cursor.idx;
        if (k === null || k === undefined || (u.cursor.left ?? -1) < 0) return;
        const place = Math.round(u.posToVal(u.cursor.left ?? 0, "x"));
        const row = rows.current.subarray(6 * k, 6 * k + 6);
        if (row.length) setAt(Math.max(row[0], Math.min(row[1], place)));
      }],
      setSelect: [(u) => {
        if (u.select.width < 8) return;
        const first = Math.max(1, Math.floor(u.posToVal(u.select.left, "x")));
        const last = Math.min(state.current.total, Math.ceil(u.posToVal(u.select.left + u.select.width, "x")));
        if (last - first >= 2) setRange({ first, last });
        u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      }],
      ready: [(u) => {
        let down = 0;
        u.over.addEventListener("mousedown", (event) => void (down = event.clientX));
        u.over.addEventListener("click", (event) => {
          const { at, live } = state.current;
          if (Math.abs(event.clientX - down) < 4 && at) live.do({ do: "seek", to: at });
        });
      }],
      draw: [(u) => {
        const now = state.current.live.iteration;
        const { first, last } = state.current.shown;
        if (now < first || now > last) return;
        const x = u.valToPos(now, "x", true);
        u.ctx.strokeStyle = colours.text;
        u.ctx.lineWidth = 1;
        u.ctx.beginPath();
        u.ctx.moveTo(x, u.bbox.top);
        u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
        u.ctx.stroke();
      }],
    },
  };
  return new uPlot(options, [[1], [null], [null], [null], [null]], holder);
}

/** @param {uPlot} plot @param {Int32Array} rows @param {Range} shown @param {Live} live */
function draw(plot, rows, shown, live) {
  const [n, m] = /** @type {import("./live.js").Shape} */ (live.shape).sizes;
  const count = rows.length / 6;
  const columns = Array.from({ length: 5 }, () => new Array(count));
  for (let i = 0; i < count; i++) {
    columns[0][i] = (rows[6 * i] + rows[6 * i + 1]) / 2;
    columns[1][i] = (100 * rows[6 * i + 2]) / n;
    columns[2][i] = (100 * rows[6 * i + 3]) / n;
    columns[3][i] = (100 * rows[6 * i + 4]) / m;
    columns[4][i] = (100 * rows[6 * i + 5]) / m;
  }
  plot.setData(/** @type {any} */ (columns), false);
  plot.batch(() => {
    plot.setScale("y", { min: 0, max: Math.max(0, ...columns[2], ...columns[4]) });
    plot.setScale("x", { min: shown.first, max: Math.max(shown.last, shown.first + 1) });
  });
}
