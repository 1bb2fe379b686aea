// What is taken away: the reader, the lines with their texts, and the commands that do the same.
import { html } from "../shared/html.js";

/** @param {{sheet: import("./room.js").Sheet}} properties */
export function Take({ sheet }) {
  const files = [
    ["read.json", "what was read"],
    ["lines.zip", "lines with their texts"],
    ...(sheet.has_model ? [["model.safetensors", "your reader"], ["trained.json", "its figures"], ["train.sh", "command line"]] : []),
  ];
  const { read, train } = sheet.commands;
  return html`<section class="take" aria-labelledby="take-title">
    <h2 id="take-title">Take it away</h2>
    <ul class="row">${files.map(([name, what]) => html`<li><a class="button" href=${`/api/lines/sheets/${sheet.id}/take/${name}`} download=${name}>${what} <span class="quiet">${name}</span></a></li>`)}</ul>
    ${train && html`<p>The same reader comes from the lines in <code>lines.zip</code>, or from your fonts in a folder of that name:</p>
      <pre class="scroll" tabindex="0" aria-label="Command to train"><code data-command="train">${train}</code></pre>`}
    <p>New pictures are read as here by:</p>
    <pre class="scroll" tabindex="0" aria-label="Command to read"><code data-command="read">${read} new/*.png --json</code></pre>
  </section>`;
}
