// The runs that are kept: to look at again, to go on with, to remove.
import { useEffect, useState } from "preact/hooks";
import { get, remove } from "./api.js";
import { whole } from "./format.js";
import { html } from "./html.js";

/** @typedef {{id: string, room: string, kind: string, settings: any, state: string, said: string,
 *   done: number, result: any, changed: number}} Kept */

const WORDS = {
  running: "running",
  paused: "paused",
  interrupted: "interrupted: the lab was ended while it ran",
  converged: "no training error",
  plateau: "stuck on a plateau",
  oscillating: "ended with errors",
  dead: "dead: no hidden unit is active",
  diverged: "diverged",
  failed: "failed",
  cancelled: "cancelled",
  finished: "finished",
};

export function Runs() {
  const [runs, setRuns] = useState(/** @type {Kept[] | null} */ (null));
  const [said, setSaid] = useState("");
  const load = () => get("/api/runs").then((found) => setRuns(found.runs), (e) => setSaid(e.message));
  useEffect(() => void load(), []);
  /** @param {string} id */
  const forget = (id) => remove(`/api/runs/${id}`).then(load, (e) => setSaid(e.message));
  return html`<section aria-labelledby="runs-title">
    <h2 id="runs-title">Runs</h2>
    <p>What ran in this lab is kept. Open a run, and it is where it was, to the last bit.</p>
    ${said && html`<p role="alert" class="wrong">${said}</p>`}
    ${runs === null && !said && html`<p>Reading the runs.</p>`}
    ${runs?.length === 0 && html`<p>There are none yet. <a href="#points">Go to Points</a>, where one begins by itself.</p>`}
    ${!!runs?.length && html`<div class="scroll" tabindex="0" role="group" aria-label="Table of runs"><table>
      <thead><tr><th>Run</th><th>Settings</th><th>Done</th><th>State</th><th>Changed</th><th>Remove</th></tr></thead>
      <tbody>${runs.map((run) => html`<${Row} key=${run.id} run=${run} forget=${forget} />`)}</tbody>
    </table></div>`}
  </section>`;
}

/** @param {{run: Kept, forget: (id: string) => void}} properties */
function Row({ run, forget }) {
  const { data, hidden, learning_rate: rate, iterations, seed, grid } = run.settings;
  const points = data.startsWith("own-") ? "own points" : data;
  return html`<tr>
    <td><a href=${`#${run.room}?${run.kind === "map" ? "map" : "run"}=${run.id}`}>${run.kind === "map" ? "map " : ""}${run.id.slice(0, 6)}</a></td>
    <td>${points}, ${grid ? `${grid.hidden.length} sizes, ${grid.rates.length} rates` : `${hidden} hidden, rate ${rate}`}, seed ${seed}</td>
    <td class="figure">${grid ? `${whole(run.done)} trials` : `${whole(run.done)} of ${whole(iterations)}`}</td>
    <td>${WORDS[/** @type {keyof typeof WORDS} */ (run.state)] ?? run.state}</td>
    <td>${new Date(1000 * run.changed).toLocaleString()}</td>
    <td><button class="plain" onClick=${() => forget(run.id)} aria-label=${`Remove run ${run.id.slice(0, 6)}`}>Remove</button></td>
  </tr>`;
}
