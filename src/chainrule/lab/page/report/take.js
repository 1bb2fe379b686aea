// What is taken away: the page, what it found as numbers, and the command that makes both again.
import { html } from "../shared/html.js";

const FILES = [
  ["index.html", "the page"],
  ["results.json", "what was found"],
  ["report.sh", "command line"],
];

/** @param {{base: string, command: string}} properties */
export function Take({ base, command }) {
  return html`<section class="take" aria-labelledby="take-title">
    <h3 id="take-title">Take it away</h3>
    <ul class="row">${FILES.map(([name, what]) => html`<li key=${name}><a class="button" href=${`${base}/take/${name}`} download=${name}>${what} <span class="quiet">${name}</span></a></li>`)}</ul>
    <p>The page needs no network. The same seed on the same machine gives the same findings:</p>
    <pre class="scroll" tabindex="0" aria-label="Command"><code data-command>${command}</code></pre>
  </section>`;
}
