// One output as a sum: what it sees, times what, and the bias.
import { useState } from "preact/hooks";
import { number, whole } from "../shared/format.js";
import { html } from "../shared/html.js";
import { Formula } from "../shared/math.js";

/** @typedef {{kernel: number[], stride: number[], padding: number[], dilation: number[]}} Window
 *  @typedef {{total: number, rest: number, of: number | null, left?: number, places: number[][], values: number[], slopes: number[],
 *    window: Window | null, field?: number[] | null, numeric?: number, kink?: boolean}} Apart
 *  @typedef {{base: string, revision: number, layer: number, place: number[], apart: Apart}} Entry */

const GRID = 7; // taps in a row that fit

/** @param {{entry: Entry | null, layer: import("./room.js").Layer, isPinned: boolean}} properties */
export function EntryOf({ entry, layer, isPinned }) {
  const [digits, setDigits] = useState(4);
  if (!entry) return html`<section class="entry" aria-labelledby="entry-title"><h2 id="entry-title">One output</h2>
    <p>Point at a pixel of what comes out, and its window, the products and their sum stand here.</p></section>`;
  const { apart, place } = entry;
  const products = apart.values.reduce((sum, value, k) => sum + value * apart.slopes[k], apart.left ?? 0);
  const linear = layer.kind === "Convolution" || layer.kind === "FullyConnected";
  const show = (/** @type {number} */ value) => number(value, digits);
  return html`<section class="entry" aria-labelledby="entry-title" data-entry=${place.join()} data-total=${apart.total} data-rest=${apart.rest} data-pinned=${isPinned}>
    <h2 id="entry-title">One output: ${layer.name} at ${where(place)}</h2>
    <p class="row"><label>Digits <select value=${digits} onChange=${(/** @type {any} */ e) => setDigits(Number(e.target.value))}>
      <option value="4">4</option><option value="6">6</option><option value="17">all</option></select></label></p>
    ${apart.window && Math.max(...apart.window.kernel) <= GRID
      ? html`<${Windows} apart=${apart} place=${place} show=${show} name=${linear ? "w" : "slope"} />`
      : html`<${Products} apart=${apart} show=${show} />`}
    <p class="formula"><${Formula} block text=${`y = ${show(products)} + ${show(apart.rest)} = ${show(apart.total)}`} />
      <span class="quiet">the sum of ${apart.of === null ? "all" : whole(apart.of)} products, and ${linear ? "the bias" : "what the line along the slopes lacks"}</span></p>
  </section>`;
}

/** The window on each channel, as it lies in the picture.
 *  @param {{apart: Apart, place: number[], show: (value: number) => string, name: string}} properties */
function Windows({ apart, place, show, name }) {
  const { kernel, stride, padding, dilation } = /** @type {Window} */ (apart.window);
  const channels = [...new Set(apart.places.map(([c]) => c))];
  const found = new Map(apart.places.map((at, k) => [at.join(), k]));
  const top = place[1] * stride[0] - padding[0];
  const left = place[2] * stride[1] - padding[2];
  return html`<div class="windows">${channels.map((c) => html`<div class="scroll" key=${c} tabindex="0" role="group" aria-label=${`Window on channel ${c + 1}`}><table class="window">
    <caption>channel ${c + 1} of what goes in: x · ${name}</caption>
    <tbody>${range(kernel[0]).map((k) => html`<tr key=${k}>${range(kernel[1]).map((m) => {
      const n = found.get([c, top + k * dilation[0], left + m * dilation[1]].join());
      return n === undefined
        ? html`<td key=${m} class="quiet">border</td>`
        : html`<td key=${m} data-value=${apart.values[n]} data-slope=${apart.slopes[n]}><span>${show(apart.values[n])}</span> · <span>${show(apart.slopes[n])}</span>
            <b>${show(apart.values[n] * apart.slopes[n])}</b></td>`;
    })}</tr>`)}</tbody></table></div>`)}</div>`;
}

/** @param {number} n */
const range = (n) => Array.from({ length: n }, (_, k) => k);

/** A list, where there is no small window.
 *  @param {{apart: Apart, show: (value: number) => string}} properties */
function Products({ apart, show }) {
  const [all, setAll] = useState(false);
  if (!apart.of) return html`<p>${apart.of === 0 ? "It sees nothing of what goes in." : "There are too many products to write out."}</p>`;
  const order = range(apart.values.length).sort((a, b) => Math.abs(apart.values[b] * apart.slopes[b]) - Math.abs(apart.values[a] * apart.slopes[a]));
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Products"><table class="products">
      <thead><tr><th>channel, row, column</th><th>x</th><th>slope</th><th>product</th></tr></thead>
      <tbody>${order.slice(0, all ? order.length : 12).map((k) => html`<tr key=${k} data-value=${apart.values[k]} data-slope=${apart.slopes[k]}>
        <td class="figure">${short(apart.places[k])}</td><td class="figure">${show(apart.values[k])}</td><td class="figure">${show(apart.slopes[k])}</td>
        <td class="figure">${show(apart.values[k] * apart.slopes[k])}</td></tr>`)}</tbody></table></div>
    ${order.length > 12 && html`<button onClick=${() => setAll(!all)}>${all ? "Only the largest" : `All ${order.length}`}</button>`}`;
}

/** A place in a table. @param {number[]} place */
export const short = (place) => place.map((n) => n + 1).join(", ");

/** A place in words, counted from 1. @param {number[]} place */
export const where = (place) =>
  place.length === 3 ? `channel ${place[0] + 1}, row ${place[1] + 1}, column ${place[2] + 1}` : `number ${place[0] + 1}`;
