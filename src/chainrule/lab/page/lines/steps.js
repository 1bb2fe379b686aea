// The score map under the line: what the network sees, the probability of each class at each step,
// the best path and the text, column above column.
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../shared/api.js";
import { number } from "../shared/format.js";
import { html } from "../shared/html.js";
import { bestAt, seenBy, sign } from "./trace.js";

/** @typedef {import("./trace.js").ReaderTrace} ReaderTrace
 *  @typedef {import("./trace.js").TracedLine} TracedLine
 *  @typedef {{text: string, seen: number, score: number}} Kept */

const ROW = 20; // pixels of a class's row
const MOST_ROWS = 40;
const FAINTEST = 0.05; // a class that is nowhere more probable has no row
const WIDTHS = [6, 10, 16]; // pixels of a step
const WIDEST = 16_000; // pixels of a canvas

/** The classes that are worth a row, in the order in which the line names them; the blank last.
 *  @param {ReaderTrace} reader @param {TracedLine} line */
export function rowsOf({ classes }, { p, frames }) {
  const found = classes
    .map((name, k) => ({ name, k, first: p.subarray(k * frames, (k + 1) * frames).findIndex((value) => value >= FAINTEST) }))
    .filter(({ k, first }) => k > 0 && first >= 0)
    .sort((one, other) => one.first - other.first);
  return [...found.slice(0, MOST_ROWS).map(({ k }) => k), 0];
}

/**
 * @param {{address: string, reader: ReaderTrace, number: number, line: TracedLine, at: number, picked: number | null,
 *   step: number, setStep: (step: number) => void}} properties
 */
export function Steps({ address, reader, number: place, line, at, picked, step, setStep }) {
  const [zoom, setZoom] = useState(1);
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const scroller = useRef(/** @type {HTMLDivElement | null} */ (null));
  const width = Math.max(1, Math.min(WIDTHS[zoom], Math.floor(WIDEST / line.frames)));
  const rows = rowsOf(reader, line);
  const high = 16 * width; // 32 rows of the crop, two of its columns a step
  const last = line.frames - 1;
  useEffect(() => {
    const paint = () => canvas.current && draw(canvas.current, { reader, line, rows, width, high, picked, step });
    paint();
    const media = ["(prefers-color-scheme: dark)", "(forced-colors: active)"].map((query) => matchMedia(query));
    media.forEach((query) => query.addEventListener("change", paint));
    return () => media.forEach((query) => query.removeEventListener("change", paint));
  }, [reader, line, width, picked, step]);
  useEffect(() => {
    const box = scroller.current;
    if (box) box.scrollLeft = Math.max(0, (step + 0.5) * width - box.clientWidth / 2);
  }, [line, picked, width]);
  /** @param {KeyboardEvent} event */
  const key = (event) => {
    const leap = event.shiftKey ? 10 : 1;
    /** @type {Record<string, number>} */
    const moves = { ArrowLeft: step - leap, ArrowRight: step + leap, Home: 0, End: last, PageUp: step - 10, PageDown: step + 10 };
    if (!(event.key in moves)) return;
    setStep(Math.max(0, Math.min(last, moves[event.key])));
    event.preventDefault();
  };
  const best = bestAt(reader, line, step);
  const said = `Step ${step + 1} of ${line.frames}: ${best.map(([name, p]) => `${sign(name)} ${p.toFixed(3)}`).join(", ")}`;
  return html`<div class="steps-map" data-frames=${line.frames} data-width=${width}>
    <div class="row"><span>Width of a step</span>${WIDTHS.map((_, k) => html`<button aria-pressed=${zoom === k} onClick=${() => setZoom(k)}>${["narrow", "middle", "wide"][k]}</button>`)}</div>
    <div class="map-with-labels">
      <div class="labels" aria-hidden="true"><span style=${{ height: `${high}px` }}>crop</span>
        ${rows.map((k) => html`<span>${sign(reader.classes[k])}</span>`)}<span>path</span><span>text</span></div>
      <div class="scroll" ref=${scroller} tabindex="0" role="slider" aria-label="Step of the network along the line" aria-valuemin="1" aria-valuemax=${line.frames}
        aria-valuenow=${step + 1} aria-valuetext=${said} onKeyDown=${key}>
        <canvas ref=${canvas} width=${width * line.frames} height=${high + ROW * (rows.length + 2)} aria-hidden="true"
          onClick=${(/** @type {MouseEvent} */ event) => setStep(Math.max(0, Math.min(last, Math.floor(event.offsetX / width))))}></canvas></div>
    </div>
    <p class="quiet">Above, the line as the network sees it, scaled to 32 rows; below, how probable each character is at each step, two columns of it wide. Point and click, or use the arrow keys.</p>
    <${Step} address=${`${address}/beam?reader=${place}&line=${at}&frame=${step}`} reader=${reader} line=${line} step=${step} best=${best} />
  </div>`;
}

/** @param {{address: string, reader: ReaderTrace, line: TracedLine, step: number, best: [string, number][]}} properties */
function Step({ address, reader, line, step, best }) {
  const [found, setFound] = useState({ address: "", kept: /** @type {Kept[]} */ ([]) });
  useEffect(() => {
    let stopped = false;
    const timer = setTimeout(() => get(address).then(({ kept }) => stopped || setFound({ address, kept }), () => {}), 60);
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [address]);
  const [from, to] = seenBy(reader.field, line.width, step);
  const kept = found.address === address ? found.kept : null;
  const so = line.path.slice(0, step + 1).filter((name, k) => name !== "" && name !== line.path[k - 1]).join("");
  return html`<div class="step" data-step=${step} data-kept=${kept?.length}>
    <h3>Step ${step + 1} of ${line.frames}</h3>
    <p>It sees the columns ${from + 1} to ${to} of ${line.width}. The best path so far: <code data-path=${so}>${so || "nothing"}</code>: steps alike are one character, and a blank parts two of the same.</p>
    <div class="pair"><${Bars} best=${best} caption="The five most probable here" />
      <div><p class="caption">What the search keeps after it</p>
        ${kept ? html`<ol class="beam">${kept.map(({ text, seen, score }) => html`<li data-text=${text} data-score=${score} data-seen=${seen}><code>${text || "nothing"}</code>${" "}
          <span class="quiet">log P ${number(seen, 4)}${score !== seen ? `, with the dictionary ${number(score, 4)}` : ""}</span></li>`)}</ol>` : html`<p class="quiet">It is searched.</p>`}</div></div>
  </div>`;
}

/** @param {{best: [string, number][], caption: string}} properties */
export function Bars({ best, caption }) {
  return html`<div><p class="caption">${caption}</p><ol class="best bars">${best.map(([name, p]) => html`<li data-class=${name} data-p=${p}>
    <b>${sign(name)}</b><span class="share">${p.toFixed(4)}</span><progress max="1" value=${p} aria-hidden="true"></progress></li>`)}</ol></div>`;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {{reader: ReaderTrace, line: TracedLine, rows: number[], width: number, high: number, picked: number | null, step: number}} what
 */
function draw(canvas, { reader, line, rows, width, high, picked, step }) {
  const context = canvas.getContext("2d");
  if (!context) return;
  const style = getComputedStyle(canvas);
  /** @param {string} name */
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const total = canvas.width;
  context.fillStyle = colour("surface");
  context.fillRect(0, 0, total, canvas.height);
  context.fillStyle = colour("text");
  const [from, to] = seenBy(reader.field, line.width, step);
  for (let x = 0; x < line.width; x++)
    for (let y = 0; y < 32; y++) {
      const ink = line.ink[y * line.width + x] / 255;
      if (ink < 0.02) continue;
      context.globalAlpha = x >= from && x < to ? ink : 0.35 * ink;
      context.fillRect((x * width) / 2, (y * width) / 2, width / 2 + 0.5, width / 2 + 0.5);
    }
  context.fillStyle = colour("minus");
  rows.forEach((k, row) => {
    for (let t = 0; t < line.frames; t++) {
      const p = line.p[k * line.frames + t];
      if (p < 0.01) continue;
      context.globalAlpha = p;
      context.fillRect(t * width, high + ROW * row + 1, width, ROW - 2);
    }
  });
  context.globalAlpha = 1;
  context.strokeStyle = colour("rule");
  for (let row = 0; row <= rows.length + 2; row++) rule(context, 0, high + ROW * row - 0.5, total, high + ROW * row - 0.5);
  context.fillStyle = colour("text");
  context.font = "14px ui-monospace, monospace";
  context.textAlign = "center";
  context.textBaseline = "middle";
  const path = high + ROW * rows.length;
  line.path.forEach((name, t) => context.fillText(name === "" ? "·" : sign(name), (t + 0.5) * width, path + ROW / 2));
  line.characters.forEach(({ character, frames: [first, last] }, place) => {
    context.strokeStyle = place === picked ? colour("plus") : colour("quiet");
    context.lineWidth = place === picked ? 3 : 1;
    context.strokeRect(first * width + 1, path + ROW + 2, (last - first) * width - 2, ROW - 4);
    if (place === picked) context.strokeRect(first * width, 1.5, (last - first) * width, path - 3);
    context.fillText(sign(character), ((first + last) / 2) * width, path + 1.5 * ROW);
  });
  context.lineWidth = 2;
  context.strokeStyle = colour("plus");
  context.setLineDash([4, 3]);
  context.strokeRect(step * width + 1, high + 1, Math.max(width - 2, 1), path + 2 * ROW - high - 2);
  context.setLineDash([]);
  canvas.dataset.drawn = `${line.text} ${step} ${width} ${picked}`;
}

/** @param {CanvasRenderingContext2D} context @param {number[]} ends */
function rule(context, ...[x1, y1, x2, y2]) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}
