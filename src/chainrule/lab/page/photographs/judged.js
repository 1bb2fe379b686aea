// How often the classifier is wrong, and which pictures: the matrix whose cells open them.
import { useState } from "preact/hooks";
import { percent, whole } from "../shared/format.js";
import { html } from "../shared/html.js";
import { Small } from "./gallery.js";

/** @typedef {import("./classifier.js").Verdict} Verdict
 *  @typedef {import("./classifier.js").Part} Part */

const SEVERAL = 24; // pictures of a cell that are shown at first
const UNSURE = -1; // the column of those under the margin

/** What a picture was taken for. @param {number[]} row @param {number} margin */
const answer = ([, , found, first, second], margin) => (first - second < margin ? UNSURE : found);

/**
 * @param {{album: string, verdict: Verdict, margin: number, setMargin: (margin: number) => void, picked: number | null,
 *   pick: (number: number) => void}} properties
 */
export function Judged({ album, verdict, margin, setMargin, picked, pick }) {
  const [number, setNumber] = useState(0);
  const [cell, setCell] = useState(/** @type {[number, number] | null} */ (null));
  const part = verdict.parts[number] ?? verdict.parts[0];
  const total = part.rows.length;
  const wrong = part.rows.filter(([, truth, found]) => truth !== found).length;
  const unsure = part.rows.filter((row) => answer(row, margin) === UNSURE).length;
  const left = part.rows.filter((row) => ![UNSURE, row[1]].includes(answer(row, margin))).length;
  const how = part.part === "cross-validation" ? `${verdict.folds}-fold cross-validation: each picture was judged by a classifier that had not seen it` : "the test part, which trained nothing";
  return html`<div class="judged" data-part=${part.part} data-unsure=${unsure} data-left=${left}>
    ${verdict.parts.length > 1 && html`<label>Judged on <select value=${number} onChange=${(/** @type {any} */ e) => (setNumber(Number(e.target.value)), setCell(null))}>
      ${verdict.parts.map(({ part: name }, k) => html`<option value=${k}>${name}</option>`)}</select></label>`}
    <p><b class="error" data-wrong=${wrong}>${whole(wrong)} of ${whole(total)} pictures ${wrong === 1 ? "is" : "are"} wrong: ${percent(wrong, total)}</b>, by ${how}.</p>
    ${verdict.notes.map((note) => html`<p class="wrong">${note}</p>`)}
    <div class="row"><label>Unsure under a margin of <input type="range" min="0" max="1" step="0.01" value=${margin}
        onInput=${(/** @type {any} */ e) => setMargin(Number(e.target.value))} aria-describedby="margin-help" /> <output>${margin.toFixed(2)}</output></label></div>
    <p id="margin-help" class="quiet">The margin is the best class's probability less the second's. Under it
      ${" "}${whole(unsure)} of ${whole(total)} pictures ${unsure === 1 ? "is" : "are"} unsure; of the other ${whole(total - unsure)}, ${whole(left)} ${left === 1 ? "is" : "are"} wrong${total > unsure ? ` (${percent(left, total - unsure)})` : ""}.</p>
    <${Matrix} verdict=${verdict} part=${part} margin=${margin} cell=${cell} open=${setCell} />
    ${cell && html`<${Opened} key=${String(cell)} album=${album} verdict=${verdict} part=${part} margin=${margin} cell=${cell} picked=${picked} pick=${pick} />`}
  </div>`;
}

/** @param {{verdict: Verdict, part: Part, margin: number, cell: number[] | null, open: (cell: [number, number]) => void}} properties */
function Matrix({ verdict: { classes }, part, margin, cell, open }) {
  const columns = margin > 0 ? [...classes.keys(), UNSURE] : [...classes.keys()];
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const row of part.rows) {
    const name = `${row[1]} ${answer(row, margin)}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Confusion matrix"><table class="cells">
    <caption>Each row is a class, each column what it was taken for. Open a number to see its pictures.</caption>
    <thead><tr><th scope="col">class</th>${columns.map((a) => html`<th scope="col">${a === UNSURE ? "unsure" : classes[a]}</th>`)}<th scope="col">right (recall)</th></tr></thead>
    <tbody>${classes.map((name, t) => {
      const size = part.rows.filter((row) => row[1] === t).length;
      const right = counts.get(`${t} ${t}`) ?? 0;
      return html`<tr><th scope="row">${name}</th>${columns.map((a) => {
        const count = counts.get(`${t} ${a}`) ?? 0;
        const kind = a === t ? "right-cell" : count ? `shade${Math.max(0, 4 - Math.ceil((count / size) * 8))}` : "";
        return html`<td>${count
          ? html`<button class=${`cell ${kind}`} aria-pressed=${cell !== null && cell[0] === t && cell[1] === a} data-cell=${`${t} ${a}`} data-count=${count} onClick=${() => open([t, a])}
              aria-label=${`${count} of ${name} ${a === UNSURE ? "unsure" : a === t ? "right" : `taken for ${classes[a]}`}: open them`}>${whole(count)}</button>`
          : html`<span class="quiet">0</span>`}</td>`;
      })}<td class="figure" data-recall=${t}>${size ? percent(right, size) : "–"} <span class="quiet">of ${whole(size)}</span></td></tr>`;
    })}</tbody></table></div>`;
}

/**
 * @param {{album: string, verdict: Verdict, part: Part, margin: number, cell: [number, number], picked: number | null,
 *   pick: (number: number) => void}} properties
 */
function Opened({ album, verdict, part, margin, cell: [t, a], picked, pick }) {
  const [count, setCount] = useState(SEVERAL);
  const { classes, names } = verdict;
  const rows = part.rows.filter((row) => row[1] === t && answer(row, margin) === a).sort((x, y) => y[3] - y[4] - (x[3] - x[4]));
  const title = a === UNSURE ? `${classes[t]}, unsure` : a === t ? `${classes[t]}, right` : `${classes[t]}, taken for ${classes[a]}`;
  return html`<div class="opened" data-opened=${`${t} ${a}`}><h3>${title}: ${whole(rows.length)}</h3>
    <p class="quiet">The surest first; the number is the probability of the answer.</p>
    <ul class="small">${rows.slice(0, count).map(([number, , , first]) => html`<li key=${number}>
      <${Small} album=${album} picture=${{ number, name: names[number] }} isPicked=${number === picked} pick=${pick} note=${first.toFixed(2)} /></li>`)}</ul>
    ${rows.length > count && html`<button onClick=${() => setCount(count + SEVERAL)}>More of ${whole(rows.length)}</button>`}</div>`;
}
