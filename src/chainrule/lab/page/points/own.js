// The points: half-moons, a table, or the user's own, set by mouse or key; each change can be undone.
import { useRef, useState } from "preact/hooks";
import { whole } from "../shared/format.js";
import { html } from "../shared/html.js";
import { Typed } from "../shared/typed.js";

/** @typedef {{x: number, y: number, label: number}} Own */

/** @param {Own[]} points */
export const asTable = (points) => `x1,x2,label\n${points.map((p) => `${p.x},${p.y},${p.label}\n`).join("")}`;

/**
 * @param {{settings: any, own: Own[] | null, mode: string, shape: any, setMode: (mode: string) => void,
 *   useNamed: (name: string) => void, useText: (text: Blob | string) => void, draw: () => void,
 *   undo: () => void, clear: () => void, canUndo: boolean, change: (values: object) => void}} properties
 */
export function Data(properties) {
  const { settings, own, mode, shape, setMode, useNamed, useText, draw, undo, clear, canUndo, change } = properties;
  const [pasted, setPasted] = useState("");
  const file = useRef(/** @type {HTMLInputElement | null} */ (null));
  const isOwn = own !== null || settings.data.startsWith("own-");
  const source = own !== null ? "draw" : isOwn ? "file" : settings.data;
  /** @param {string} value */
  const choose = (value) => {
    if (value === "draw") draw();
    else if (value === "file") file.current?.click();
    else useNamed(value);
  };
  /** @param {DragEvent} event */
  const dropped = (event) => {
    event.preventDefault();
    const [first] = event.dataTransfer?.files ?? [];
    if (first) useText(first);
  };
  return html`<section class="data" aria-labelledby="data-title" onDragOver=${(/** @type {Event} */ e) => e.preventDefault()} onDrop=${dropped}>
    <h2 id="data-title">Points</h2>
    <div class="fields">
      <label>Source <select value=${source} onChange=${(/** @type {any} */ e) => choose(e.target.value)}>
        <option value="double-moon">half-moons</option>
        <option value="inferred-moons">half-moons, nearest to the report's</option>
        <option value="breast-cancer">breast cancer (30 features)</option>
        <option value="draw">own points, set by hand</option>
        ${source === "file" && html`<option value="file">own table</option>`}
      </select></label>
      <label>${isOwn ? "Seed of the split" : "Seed of the points"} <${Typed} type="number" min="0" step="1" value=${settings.data_seed}
        take=${(/** @type {string} */ text) => change({ data_seed: Number(text) })} /></label>
    </div>
    ${shape && html`<p class="quiet">${whole(shape.sizes[0])} training and ${whole(shape.sizes[1])} validation points,
      ${" "}${whole(shape.features)} ${shape.features === 1 ? "feature" : "features"}.
      ${shape.notes.map((/** @type {string} */ note) => ` ${note}.`)}</p>`}
    ${own !== null && html`<fieldset><legend>A click or Enter in the plane</legend>
      ${[["minus", "adds class −1 (key 1)"], ["plus", "adds class +1 (key 2)"], ["remove", "removes the nearest (Delete)"], ["look", "takes a point apart"]].map(
        ([value, text]) => html`<label><input type="radio" name="mode" value=${value} checked=${mode === value} onChange=${() => setMode(value)} /> ${text}</label>`,
      )}
      <div class="row"><button onClick=${undo} disabled=${!canUndo}>Undo</button>
      <button onClick=${clear} disabled=${!own.length}>Remove all</button></div>
      <p class="quiet" data-own=${own.length}>${whole(own.length)} points${own.length < 4 ? "; training needs two of each class at least" : ""}.</p>
    </fieldset>`}
    <details><summary>Own table: paste, open or drop it</summary>
      <p id="paste-help">A row a point: its features, then its class, one of two. Names in the first row are optional.</p>
      <textarea rows="5" aria-label="Table of points" aria-describedby="paste-help" placeholder="x1,x2,label"
        value=${pasted} onInput=${(/** @type {any} */ e) => setPasted(e.target.value)}></textarea>
      <div class="row"><button onClick=${() => useText(pasted)} disabled=${!pasted.trim()}>Use this table</button>
      <label class="button">Open a file<input ref=${file} class="hidden" type="file" accept=".csv,.tsv,.txt,text/*"
        onChange=${(/** @type {any} */ e) => e.target.files[0] && useText(e.target.files[0])} /></label></div>
    </details>
    <p id="plane-keys" class="quiet">In the plane: arrows move a crosshair, Enter acts, 1 and 2 add, Delete removes, Ctrl+Z undoes.</p>
  </section>`;
}
