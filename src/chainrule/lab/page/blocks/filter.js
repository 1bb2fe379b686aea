// The parameters of one output channel, to be changed, with the chosen output's derivative by each.
import { useEffect, useState } from "preact/hooks";
import { get } from "../shared/api.js";
import { number } from "../shared/format.js";
import { html } from "../shared/html.js";
import { Typed } from "../shared/typed.js";

/** @typedef {{name: string, row: number, shape: number[], values: number[], slopes: number[] | null}} Parameter
 *  @typedef {import("./room.js").Chosen} Chosen */

/** @param {{base: string, revision: number, layer: number, name: string, channel: number, chosen: Chosen | null,
 *   change: (values: object) => void}} properties */
export function Filter({ base, revision, layer, name, channel, chosen, change }) {
  const [answer, setAnswer] = useState({ of: "", asked: "", parameters: /** @type {Parameter[]} */ ([]) });
  const [difference, setDifference] = useState({ of: "", said: "" });
  const of = `${base} ${layer} ${channel}`;
  const place = chosen ? `layer=${chosen.layer}&place=${chosen.place}` : `layer=${layer}`;
  const address = `${base}/filters?${place}&at=${layer}&channel=${channel}`;
  const asked = `${address} ${revision}`;
  useEffect(() => {
    let stopped = false;
    get(address).then(({ parameters }) => stopped || setAnswer({ of, asked, parameters }), () => stopped || setAnswer({ of, asked, parameters: [] }));
    return () => void (stopped = true);
  }, [asked]);
  const found = answer.of === of ? answer.parameters : [];
  const isNew = answer.asked === asked; // what is shown meanwhile is from before a change
  const numeric = difference.of === asked ? difference.said : "";
  /** @param {string} parameter @param {number[]} entry */
  const byDifferences = (parameter, entry) =>
    chosen && get(`${base}/weight?layer=${chosen.layer}&place=${chosen.place}&name=${parameter}&entry=${entry}`).then(
      ({ total, numeric: other, kink }) => setDifference({ of: asked, said: `By ${parameter}[${entry.map((e) => e + 1)}]: ${number(total, 10)} by hand, ${number(other, 10)} by differences${kink ? ", at a kink, where the slopes to either side differ" : ""}.` }),
      (e) => setDifference({ of: asked, said: e.message }),
    );
  return html`<section class="filter" aria-labelledby="filter-title" data-filter=${isNew ? channel : undefined} data-revision=${isNew ? revision : undefined}>
    <h2 id="filter-title">Its numbers: channel ${channel + 1} of ${name}</h2>
    <p class="quiet">Change one, and everything is computed anew.${found.some((p) => p.slopes) ? " Under it stands the derivative of the chosen output by it." : ""}</p>
    ${found.map((parameter) => html`<div key=${parameter.name}>${grids(parameter).map(({ title, rows }) => html`<div class="scroll" tabindex="0" role="group" aria-label=${title}><table class="window">
      <caption>${title}</caption><tbody>${rows.map((row, i) => html`<tr key=${i}>${row.map(({ value, slope, entry }) => html`<td key=${entry.join()}>
        <${Weight} value=${value} label=${`${parameter.name} ${entry.map((e) => e + 1).join(", ")}`} set=${(/** @type {number} */ to) => change({ do: "weight", name: parameter.name, entry, value: to })} />
        ${slope !== null && html`<button class="plain slope" onClick=${() => byDifferences(parameter.name, entry)} title="by differences">${number(slope, 3)}</button>`}</td>`)}</tr>`)}</tbody>
      </table></div>`)}</div>`)}
    <p role="status" data-numeric=${numeric}>${numeric}</p>
  </section>`;
}

/** @param {{value: number, label: string, set: (value: number) => void}} properties */
function Weight({ value, label, set }) {
  /** @param {string} text */
  const take = (text) => {
    const to = Number(text);
    if (text.trim() && Number.isFinite(to) && to !== value) set(to);
  };
  return html`<${Typed} class="weight" type="text" inputmode="decimal" aria-label=${label} value=${Number(value.toPrecision(6))} data-value=${value} take=${take} />`;
}

/** A parameter's row as tables: one for each channel that goes in.
 *  @param {Parameter} parameter */
function grids({ name, row, shape, values, slopes }) {
  const [channels, height, width] = shape.length === 3 ? shape : [1, 1, shape[0] ?? 1];
  const cell = (/** @type {number} */ c, /** @type {number} */ i, /** @type {number} */ j) => {
    const k = (c * height + i) * width + j;
    const inner = shape.length === 3 ? [c, i, j] : shape.length === 1 ? [j] : [];
    return { value: values[k], slope: slopes ? slopes[k] : null, entry: [row, ...inner] };
  };
  const range = (/** @type {number} */ n) => Array.from({ length: n }, (_, k) => k);
  return range(channels).map((c) => ({
    title: shape.length === 3 ? `${name}, channel ${c + 1} of what goes in` : name,
    rows: range(height).map((i) => range(Math.min(width, 64)).map((j) => cell(c, i, j))),
  }));
}
