// The lines of a sheet, each with what is read in it; one is chosen to be taken apart.
import { whole } from "../shared/format.js";
import { html } from "../shared/html.js";

/** @typedef {import("./room.js").Row} Row */

/**
 * @param {{sheet: string, rows: Row[], broken: Row[], fonts: Row[], of: number, picked: number | null, pick: (number: number) => void,
 *   more: () => void, remove: (number: number) => void}} properties
 */
export function List({ sheet, rows, broken, fonts, of, picked, pick, more, remove }) {
  return html`<section class="lines-list" aria-labelledby="list-title" data-shown=${rows.length}>
    <h2 id="list-title">Lines</h2>
    <ul class="plain">${rows.map((row) => html`<li key=${row.number}><button class="line" aria-pressed=${row.number === picked} onClick=${() => pick(row.number)} data-number=${row.number}>
      <img src=${`/api/lines/sheets/${sheet}/lines/${row.number}/small`} alt="" loading="lazy" decoding="async" />
      <span class="read">${row.read?.text || html`<em>${row.read?.reason ?? "not read yet"}</em>`}</span>
      <span class="mark-text">${mark(row)}</span></button></li>`)}</ul>
    ${rows.length < of && html`<button onClick=${more}>More of ${whole(of)}</button>`}
    ${fonts.length > 0 && html`<h3>Your fonts</h3><ul class="plain fonts">${fonts.map(({ number, name }) => html`<li key=${number}>${name} <button onClick=${() => remove(number)} aria-label=${`Remove ${name}`}>Remove</button></li>`)}</ul>`}
    ${broken.length > 0 && html`<h3>Not pictures</h3><ul class="plain broken">${broken.map(({ number, name, reason }) => html`<li key=${number}>
      <span>${reason?.startsWith(name) ? "" : html`<b>${name}</b>: `}${reason}</span> <button onClick=${() => remove(number)} aria-label=${`Remove ${name}`}>Remove</button></li>`)}</ul>`}
  </section>`;
}

/** @param {Row} row */
function mark({ truth, read }) {
  if (truth === undefined) return html`<span class="quiet">${(read?.confidence ?? 0).toFixed(2)}</span>`;
  return truth === read?.text ? html`<span class="right">right</span>` : html`<span class="wrong">wrong</span>`;
}
