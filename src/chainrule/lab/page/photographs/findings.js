// What is wrong with the pictures themselves: labels, copies, files that were left out.
import { whole } from "../shared/format.js";
import { html } from "../shared/html.js";
import { Small } from "./gallery.js";

const MOST = 200; // entries of a list that are shown

/**
 * @param {{album: string, verdict: import("./classifier.js").Verdict, picked: number | null, pick: (number: number) => void}} properties
 */
export function Findings({ album, verdict, picked, pick }) {
  const { suspects, together, skipped, names } = verdict;
  /** @param {number} number @param {string} [note] */
  const small = (number, note) => html`<${Small} album=${album} picture=${{ number, name: names[number] }} isPicked=${number === picked} pick=${pick} note=${note ?? names[number]} />`;
  return html`<div class="findings" data-suspects=${suspects.length} data-together=${together.length} data-skipped=${skipped.length}>
    <details open=${suspects.length > 0}><summary>${whole(suspects.length)} ${suspects.length === 1 ? "label" : "labels"} to look at again</summary>
      <p class="quiet">A classifier that had not seen them takes them for another class; the surest first.</p>
      <ul class="small">${suspects.slice(0, MOST).map(([number, label, answer]) => html`<li key=${number}>${small(number, `${label}; rather ${answer}?`)}</li>`)}</ul></details>
    <details open=${together.length > 0}><summary>${whole(together.length)} ${together.length === 1 ? "photograph that is" : "photographs that are"} there more than once</summary>
      <p class="quiet">In another size, quality or cut. No split parts them, so that the error stays honest.</p>
      <ul class="plain groups">${together.slice(0, MOST).map((group) => html`<li><ul class="small">${group.map((number) => html`<li key=${number}>${small(number)}</li>`)}</ul></li>`)}</ul></details>
    <details open=${skipped.length > 0}><summary>${whole(skipped.length)} left out</summary>
      <ul class="plain">${skipped.slice(0, MOST).map(({ file, reason }) => html`<li>${reason.startsWith(file) ? "" : html`<b>${file}</b>: `}${reason}</li>`)}</ul></details>
  </div>`;
}
