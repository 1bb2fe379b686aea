// What is taken away: the classifier as a file, and the commands that do the same.
import { html } from "../shared/html.js";

/** @param {{album: import("./room.js").Album, margin: number}} properties */
export function Take({ album, margin }) {
  const unsure = margin > 0 ? ` --unsure ${margin.toFixed(2)}` : "";
  const files = [
    ["model.safetensors", "classifier", ""],
    ["answers.csv", "its answers for every picture", margin > 0 ? `?unsure=${margin}` : ""],
    ["pictures.csv", "list of pictures and classes", ""],
    ["judged.json", "all figures of this page", ""],
    ["train.sh", "command line", ""],
  ];
  return html`<section class="take" aria-labelledby="take-title">
    <h2 id="take-title">Take it away</h2>
    <ul class="row">${files.map(([name, what, part]) => html`<li><a class="button" href=${`/api/photographs/albums/${album.id}/take/${name}${part}`} download=${name}>${what} <span class="quiet">${name}</span></a></li>`)}</ul>
    <p>The same classifier comes from the folder that you dropped:</p>
    <pre class="scroll" tabindex="0" aria-label="Command to train"><code data-command="train">${album.commands.train}</code></pre>
    <p>And it answers as here, for new pictures:</p>
    <pre class="scroll" tabindex="0" aria-label="Command to predict"><code data-command="predict">${album.commands.predict} new/*.jpg --unknown${unsure}</code></pre>
  </section>`;
}
