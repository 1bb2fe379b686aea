// The plane: the points, and the boundary while it trains.
import { useEffect, useRef, useState } from "preact/hooks";
import { number } from "../shared/format.js";
import { html } from "../shared/html.js";
import { outputs } from "./live.js";

/** @typedef {import("./live.js").Live} Live
 *  @typedef {{x: number, y: number}} Place
 *  @typedef {{low: number[], high: number[]}} Box
 *  @typedef {{part: "train" | "validation", index: number}} Picked */

const GRID = 128;
const WORK = 6e6; // multiplications for one picture of the boundary
const SHOWN = 6000; // points; more are thinned out

/**
 * @param {{live: Live | null, box: Box | null, mode: string, picked: Picked | null,
 *   onPick: (picked: Picked) => void, onPlace: (at: Place, label: number) => void,
 *   onRemove: (at: Place) => void, undo: () => void}} properties
 */
export function Plane({ live, box, mode, picked, onPick, onPlace, onRemove, undo }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const [cross, setCross] = useState(/** @type {Place | null} */ (null));
  const shown = useRef(/** @type {any} */ ({}));
  shown.current = { live, box: box ?? (live && boxOf(live)), picked, cross };

  useEffect(() => {
    const draw = () => {
      shown.current.box ??= live && boxOf(live); // the points may have come since it was rendered
      if (canvas.current) paint(canvas.current, shown.current);
    };
    const later = () => requestAnimationFrame(draw);
    draw();
    live?.addEventListener("weights", draw);
    live?.addEventListener("points", draw);
    const sized = new ResizeObserver(draw);
    if (canvas.current) sized.observe(canvas.current);
    const media = ["(prefers-color-scheme: dark)", "(forced-colors: active)"].map((q) => matchMedia(q));
    media.forEach((query) => query.addEventListener("change", later));
    return () => {
      live?.removeEventListener("weights", draw);
      live?.removeEventListener("points", draw);
      sized.disconnect();
      media.forEach((query) => query.removeEventListener("change", later));
    };
  }, [live]);
  useEffect(() => {
    if (canvas.current) paint(canvas.current, shown.current);
  }, [live, box, picked, cross]);

  /** @param {Place} at @param {string} what */
  const act = (at, what) => {
    if (what === "look") {
      const found = live && nearest(live, shown.current.box, at);
      if (found) onPick(found);
    } else if (what === "remove") onRemove(at);
    else onPlace({ x: rounded(at.x), y: rounded(at.y) }, what === "plus" ? 1 : -1);
  };
  /** @param {MouseEvent} event */
  const click = (event) => {
    const area = /** @type {HTMLCanvasElement} */ (event.target).getBoundingClientRect();
    const { low, high } = shown.current.box ?? { low: [-6, -6], high: [6, 6] };
    act(
      {
        x: low[0] + ((event.clientX - area.left) / area.width) * (high[0] - low[0]),
        y: high[1] - ((event.clientY - area.top) / area.height) * (high[1] - low[1]),
      },
      mode,
    );
  };
  /** @param {KeyboardEvent} event */
  const key = (event) => {
    const { low, high } = shown.current.box ?? { low: [-6, -6], high: [6, 6] };
    const at = cross ?? { x: (low[0] + high[0]) / 2, y: (low[1] + high[1]) / 2 };
    const step = (high[0] - low[0]) / (event.shiftKey ? 200 : 40);
    /** @type {Record<string, [number, number]>} */
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (moves[event.key]) {
      const [dx, dy] = moves[event.key];
      setCross({ x: rounded(at.x + dx * step), y: rounded(at.y + dy * step) });
    } else if (event.key === "Enter") act(at, mode);
    else if (event.key === "1") act(at, "minus");
    else if (event.key === "2") act(at, "plus");
    else if (event.key === "Backspace" || event.key === "Delete") act(at, "remove");
    else if (event.key === "z" && (event.ctrlKey || event.metaKey)) undo();
    else return;
    event.preventDefault();
  };
  const where = cross ? `Crosshair at ${number(cross.x)}, ${number(cross.y)}` : "";
  return html`<div class="plane">
    <canvas ref=${canvas} tabindex="0" role="application" aria-label="The points and the boundary"
      aria-describedby="plane-keys" data-mode=${mode} onClick=${click} onKeyDown=${key}></canvas>
    <p class="hidden" role="status">${where}</p>
  </div>`;
}

/** To the hundredth: few digits, so that a link can hold many points. @param {number} value */
const rounded = (value) => Math.round(100 * value) / 100;

/** What is shown of a run's points, in their own units. @param {Live} live @returns {Box | null} */
export function boxOf(live) {
  const { shape, parts } = live;
  if (!shape || shape.features < 2) return null;
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  for (const { X } of parts)
    for (let i = 0; i < X.length; i += shape.features)
      for (let k = 0; k < 2; k++) {
        const value = shape.mean[k] + shape.scale[k] * X[i + k];
        if (value < low[k]) low[k] = value;
        if (value > high[k]) high[k] = value;
      }
  const spans = high.map((h, k) => h - low[k] || 1);
  const alike = Math.max(...spans) / Math.min(...spans) < 4; // then one unit is as long both ways
  for (let k = 0; k < 2; k++) {
    const span = 1.12 * (alike ? Math.max(...spans) : spans[k]);
    const middle = (low[k] + high[k]) / 2;
    [low[k], high[k]] = [middle - span / 2, middle + span / 2];
  }
  return { low, high };
}

/** @param {Live} live @param {Box} box @param {Place} at @returns {Picked | null} */
function nearest(live, box, at) {
  if (!live.shape || !box) return null;
  const { features: d, mean, scale } = live.shape;
  let best = Infinity;
  /** @type {Picked | null} */
  let found = null;
  live.parts.forEach(({ X }, k) => {
    for (let i = 0; i < X.length / d; i++) {
      const dx = (mean[0] + scale[0] * X[i * d] - at.x) / (box.high[0] - box.low[0]);
      const dy = (mean[1] + scale[1] * X[i * d + 1] - at.y) / (box.high[1] - box.low[1]);
      if (dx * dx + dy * dy < best) {
        best = dx * dx + dy * dy;
        found = { part: k === 0 ? "train" : "validation", index: i };
      }
    }
  });
  return found;
}

/** @param {HTMLCanvasElement} canvas @param {any} shown */
function paint(canvas, { live, box, picked, cross }) {
  const size = canvas.clientWidth;
  if (!size) return;
  const ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(size * ratio)) canvas.width = canvas.height = Math.round(size * ratio);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const colours = coloursOf(canvas);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = colours.surface;
  context.fillRect(0, 0, size, size);
  const frame = box ?? { low: [-6, -6], high: [6, 6] };
  const to = (/** @type {number} */ x, /** @type {number} */ y) => [
    ((x - frame.low[0]) / (frame.high[0] - frame.low[0])) * size,
    ((frame.high[1] - y) / (frame.high[1] - frame.low[1])) * size,
  ];
  if (live?.weights && live.shape?.features === 2) paintBoundary(context, live, frame, size, colours);
  paintAxes(context, frame, size, colours, to);
  if (live?.shape) paintPoints(context, live, picked, colours, to);
  if (cross) {
    const [x, y] = to(cross.x, cross.y);
    context.strokeStyle = colours.text;
    context.lineWidth = 1;
    context.strokeRect(x - 6, y - 6, 12, 12);
    line(context, x - 14, y, x + 14, y);
    line(context, x, y - 14, x, y + 14);
  }
  if (live) {
    canvas.dataset.iteration = String(live.iteration);
    canvas.dataset.drawn = String(1 + Number(canvas.dataset.drawn ?? 0));
  }
}

/** @param {Element} element */
export function coloursOf(element) {
  const style = getComputedStyle(element);
  const value = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return {
    surface: value("--surface"),
    text: value("--text"),
    quiet: value("--quiet"),
    rule: value("--rule"),
    minus: value("--minus"),
    plus: value("--plus"),
    minusRGB: value("--minus-rgb").split(" ").map(Number),
    plusRGB: value("--plus-rgb").split(" ").map(Number),
    forced: matchMedia("(forced-colors: active)").matches,
  };
}

const sheet = document.createElement("canvas");

/** @param {CanvasRenderingContext2D} context @param {Live} live @param {Box} frame
 *  @param {number} size @param {ReturnType<typeof coloursOf>} colours */
function paintBoundary(context, live, frame, size, colours) {
  const weights = /** @type {import("./live.js").Weights} */ (live.weights);
  const { mean, scale } = /** @type {import("./live.js").Shape} */ (live.shape);
  const n = Math.max(24, Math.min(GRID, Math.floor(Math.sqrt(WORK / (3 * weights.b_in.length)))));
  const X = new Float64Array(2 * n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      const x = frame.low[0] + ((j + 0.5) / n) * (frame.high[0] - frame.low[0]);
      const y = frame.high[1] - ((i + 0.5) / n) * (frame.high[1] - frame.low[1]);
      X[2 * (i * n + j)] = (x - mean[0]) / scale[0];
      X[2 * (i * n + j) + 1] = (y - mean[1]) / scale[1];
    }
  const y = outputs(weights, 2, X, new Float32Array(n * n));
  if (!colours.forced) {
    sheet.width = sheet.height = n;
    const brush = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"));
    const image = brush.createImageData(n, n);
    const { data } = image;
    for (let i = 0; i < n * n; i++) {
      const colour = y[i] > 0 ? colours.plusRGB : colours.minusRGB;
      data[4 * i] = colour[0];
      data[4 * i + 1] = colour[1];
      data[4 * i + 2] = colour[2];
      data[4 * i + 3] = 40 + 70 * Math.min(Math.abs(y[i]) / 4, 1);
    }
    brush.putImageData(image, 0, 0);
    context.drawImage(sheet, 0, 0, size, size);
  }
  context.strokeStyle = colours.text;
  context.lineWidth = 2;
  context.beginPath();
  contour(context, y, n, size / n);
  context.stroke();
}

/** Where y_hat is 0: in each square of the grid the segments between the crossed sides.
 *  @param {CanvasRenderingContext2D} context @param {Float32Array | Float64Array} y
 *  @param {number} n @param {number} cell */
function contour(context, y, n, cell) {
  for (let i = 0; i + 1 < n; i++)
    for (let j = 0; j + 1 < n; j++) {
      const k = i * n + j;
      const above = (y[k] > 0 ? 1 : 0) + (y[k + 1] > 0 ? 1 : 0) + (y[k + n] > 0 ? 1 : 0) + (y[k + n + 1] > 0 ? 1 : 0);
      if (above === 0 || above === 4) continue; // nearly all squares
      const corners = [y[k], y[k + 1], y[k + n + 1], y[k + n]];
      const places = [[j, i], [j + 1, i], [j + 1, i + 1], [j, i + 1]];
      const crossed = [];
      for (let k = 0; k < 4; k++) {
        const [a, b] = [corners[k], corners[(k + 1) % 4]];
        if (a > 0 === b > 0) continue;
        const t = a / (a - b);
        const [p, q] = [places[k], places[(k + 1) % 4]];
        crossed.push([(p[0] + t * (q[0] - p[0]) + 0.5) * cell, (p[1] + t * (q[1] - p[1]) + 0.5) * cell]);
      }
      for (let k = 0; k + 1 < crossed.length; k += 2) {
        context.moveTo(crossed[k][0], crossed[k][1]);
        context.lineTo(crossed[k + 1][0], crossed[k + 1][1]);
      }
    }
}

/** @param {CanvasRenderingContext2D} context @param {Box} frame @param {number} size
 *  @param {ReturnType<typeof coloursOf>} colours @param {(x: number, y: number) => number[]} to */
function paintAxes(context, frame, size, colours, to) {
  context.strokeStyle = colours.rule;
  context.fillStyle = colours.quiet;
  context.lineWidth = 1;
  context.font = "12px system-ui, sans-serif";
  for (let k = 0; k < 2; k++) {
    const span = frame.high[k] - frame.low[k];
    const step = [1, 2, 5, 10].map((s) => s * 10 ** Math.floor(Math.log10(span / 4))).find((s) => span / s < 7) ?? span;
    for (let v = Math.ceil(frame.low[k] / step) * step; v < frame.high[k]; v += step) {
      const [x, y] = k === 0 ? to(v, 0) : to(0, v);
      const label = number(Math.abs(v) < step / 1e6 ? 0 : v, 3);
      if (k === 0) {
        line(context, x, size - 4, x, size);
        if (x > 16 && x < size - 16) context.fillText(label, x - 6, size - 8);
      } else {
        line(context, 0, y, 4, y);
        if (y > 12 && y < size - 20) context.fillText(label, 8, y + 4);
      }
    }
  }
}

/** @param {CanvasRenderingContext2D} context @param {Live} live @param {Picked | null} picked
 *  @param {ReturnType<typeof coloursOf>} colours @param {(x: number, y: number) => number[]} to */
function paintPoints(context, live, picked, colours, to) {
  const { features: d, mean, scale } = /** @type {import("./live.js").Shape} */ (live.shape);
  if (d < 2) return;
  const total = live.parts.reduce((sum, part) => sum + part.y.length, 0);
  const each = Math.max(1, Math.ceil(total / SHOWN));
  const r = total > 400 ? 2.6 : total > 100 ? 4 : 5;
  const stamps = stampsOf(r, context.getTransform().a, colours);
  live.parts.forEach(({ X, y }, k) => {
    const guesses = live.weights ? outputs(live.weights, d, X, new Float64Array(y.length)) : null;
    for (let i = 0; i < y.length; i += each) {
      const [px, py] = to(mean[0] + scale[0] * X[i * d], mean[1] + scale[1] * X[i * d + 1]);
      const isWrong = guesses !== null && guesses[i] > 0 !== y[i] > 0;
      const isPicked = picked?.index === i && (picked.part === "train") === (k === 0);
      if (!isPicked) {
        const { picture, half } = stamps[(y[i] > 0 ? 4 : 0) + (k === 1 ? 2 : 0) + (isWrong ? 1 : 0)];
        context.drawImage(picture, px - half, py - half, 2 * half, 2 * half);
      } else {
        mark(context, px, py, 2 * r + 2, y[i], k === 1, isWrong, colours);
        context.strokeStyle = colours.text;
        context.lineWidth = 2.5;
        context.strokeRect(px - 3 * r - 2, py - 3 * r - 2, 6 * r + 4, 6 * r + 4);
      }
    }
  });
}

/** @type {{key: string, stamps: {picture: HTMLCanvasElement, half: number}[]}} */
let made = { key: "", stamps: [] };

/** Each kind of mark drawn once: a thousand copies of a picture cost a tenth of a thousand paths.
 *  @param {number} r @param {number} ratio @param {ReturnType<typeof coloursOf>} colours */
function stampsOf(r, ratio, colours) {
  const key = [r, ratio, colours.surface, colours.text, colours.minus, colours.plus].join();
  if (made.key === key) return made.stamps;
  const half = Math.ceil(1.3 * r + 2);
  const stamps = [0, 1, 2, 3, 4, 5, 6, 7].map((kind) => {
    const picture = document.createElement("canvas");
    picture.width = picture.height = Math.ceil(2 * half * ratio);
    const context = /** @type {CanvasRenderingContext2D} */ (picture.getContext("2d"));
    context.setTransform(picture.width / (2 * half), 0, 0, picture.width / (2 * half), 0, 0);
    mark(context, half, half, r, kind & 4 ? 1 : -1, (kind & 2) !== 0, (kind & 1) !== 0, colours);
    return { picture, half };
  });
  made = { key, stamps };
  return stamps;
}

/** A circle for the class -1, a diamond for +1; hollow for validation; strongly edged where wrong.
 *  @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} r
 *  @param {number} label @param {boolean} hollow @param {boolean} wrong
 *  @param {ReturnType<typeof coloursOf>} colours */
function mark(context, x, y, r, label, hollow, wrong, colours) {
  const colour = label > 0 ? colours.plus : colours.minus;
  context.beginPath();
  if (label > 0) {
    const s = 1.3 * r;
    context.moveTo(x, y - s);
    context.lineTo(x + s, y);
    context.lineTo(x, y + s);
    context.lineTo(x - s, y);
    context.closePath();
  } else context.arc(x, y, r, 0, 2 * Math.PI);
  context.fillStyle = hollow ? colours.surface : colour;
  context.fill();
  context.strokeStyle = wrong ? colours.text : colour;
  context.lineWidth = wrong ? 2 : 1;
  context.stroke();
}

/** @param {CanvasRenderingContext2D} context @param {number} a @param {number} b
 *  @param {number} c @param {number} d */
function line(context, a, b, c, d) {
  context.beginPath();
  context.moveTo(a, b);
  context.lineTo(c, d);
  context.stroke();
}
