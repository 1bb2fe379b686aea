// A finished report, section by section: the answer, what the original states beside what was found, and doors.
import { useEffect, useState } from "preact/hooks";
import { get } from "../shared/api.js";
import { html } from "../shared/html.js";
import { Take } from "./take.js";
import { Verdict, Verdicts } from "./verdicts.js";

/** @typedef {{id: string, what: string, original: string, here: string, verdict: string, why: string}} Fact
 *  @typedef {{number: string, anchor: string, title: string, answer: string, verdicts: import("./room.js").Verdicts, facts: Fact[],
 *    doors: {said: string, to: string}[], instead?: string | null}} Section
 *  @typedef {{command: string, quick: boolean, verdicts: import("./room.js").Verdicts, parts: {number: number, title: string, sections: Section[]}[]}} Found */

/** @param {{id: string}} properties */
export function Sections({ id }) {
  const [found, setFound] = useState(/** @type {Found | null} */ (null));
  const [said, setSaid] = useState("");
  const base = `/api/report/reports/${id}`;
  useEffect(() => {
    let stopped = false;
    get(`${base}/sections`).then((answer) => stopped || setFound(answer), (e) => stopped || setSaid(e.message));
    return () => void (stopped = true);
  }, [base]);
  if (!found) return said ? html`<p role="alert" class="wrong">${said}</p>` : html`<p class="loading" role="status">The sections are on their way.</p>`;
  return html`<section class="found" aria-labelledby="found-title" data-sections=${found.parts.flatMap(({ sections }) => sections).length}>
    <h2 id="found-title">What was found</h2>
    <p><${Verdicts} counts=${found.verdicts} /></p>
    <p><a class="button" href=${`${base}/page`} target="_blank" rel="noopener">Read the whole page</a> <span class="quiet">with its pictures, tables and derivations, in a tab of its own</span></p>
    ${found.parts.map(({ number, title, sections }) => html`<section key=${number} aria-labelledby=${`part-${number}`}>
      <h3 id=${`part-${number}`} class="part">Part ${number}: ${title}</h3>
      ${sections.map((section) => html`<${One} key=${section.number} section=${section} page=${`${base}/page`} />`)}
    </section>`)}
    <${Take} base=${base} command=${found.command} />
  </section>`;
}

/** @param {{section: Section, page: string}} properties */
function One({ section: { number, anchor, title, answer, verdicts, facts, doors, instead }, page }) {
  return html`<article class="one" data-section=${number}>
    <h4>${number} ${title}</h4>
    <p>${raised(answer)}</p>
    <p><${Verdicts} counts=${verdicts} /></p>
    ${facts.length > 0 && html`<details><summary>The original beside what was found</summary>
      <div class="scroll" tabindex="0" role="group" aria-label=${`Figures and claims of ${number}`}><table>
        <thead><tr><th scope="col">What</th><th scope="col">Original</th><th scope="col">Here</th><th scope="col">Verdict</th></tr></thead>
        <tbody>${facts.map((fact) => html`<tr key=${fact.id} data-fact=${fact.id}><th scope="row">${fact.what}</th><td class="original" data-label="Original">${fact.original}</td><td class="here" data-label="Here">${fact.here}</td>
          <td><${Verdict} verdict=${fact.verdict} /> <span class="quiet">${fact.why}</span></td></tr>`)}</tbody></table></div></details>`}
    ${instead && html`<p class="quiet">No room of the lab trains this; this command does: <code class="instead">${instead}</code></p>`}
    <ul class="row doors">${doors.map(({ said, to }) => html`<li key=${to}><a class="button" href=${to}>${said}</a></li>`)}
      <li><a href=${`${page}#${anchor}`} target="_blank" rel="noopener">Read ${number}</a></li></ul>
  </article>`;
}

/** A power of ten as it is written. @param {string} text */
const raised = (text) => text.split(/\^\{([^}]*)\}/).map((part, k) => (k % 2 ? html`<sup>${part.replaceAll("-", "−")}</sup>` : part));
