// The runs that are kept: to look at again, to go on with, to remove.
import { useEffect, useState } from "preact/hooks";
import { get, remove } from "./api.js";
import { percent, whole } from "./format.js";
import { html } from "./html.js";
import { Newest } from "./newest.js";

/** @typedef {{id: string, room: string, kind: string, settings: any, state: string, said: string,
 *   done: number, result: any, changed: number}} Kept */

const WORDS = {
  open: "open",
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
  const [newest] = useState(() => new Newest());
  const load = () => {
    const isNew = newest.ask();
    return get("/api/runs").then((found) => isNew() && setRuns(found.runs), (e) => setSaid(e.message));
  };
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

/** @param {Kept} run */
function training({ settings, done }) {
  const what = `${points(settings)}, ${settings.hidden} hidden, rate ${settings.learning_rate}, seed ${settings.seed}`;
  return { name: "", key: "run", what, done: `${whole(done)} of ${whole(settings.iterations)}` };
}

/** @param {Kept} run */
function map({ settings, done }) {
  const { hidden, rates } = settings.grid;
  const what = `${points(settings)}, ${hidden.length} sizes, ${rates.length} rates, seed ${settings.seed}`;
  return { name: "map", key: "map", what, done: `${whole(done)} trials` };
}

/** @param {Kept} run */
function album({ result, done }) {
  const what = "error" in result ? `${whole(result.classes)} classes, ${percent(result.error, 1)} wrong` : "photographs";
  return { name: "album", key: "album", what, done: done ? `${whole(done)} pictures` : "" };
}

/** Of a room whose runs say themselves what they are. @param {Kept} run */
function told({ kind, result }) {
  return { name: kind, key: kind, what: result.what ?? "", done: result.done ?? "" };
}

/** @param {Kept} run */
function shown(run) {
  if (run.room === "points") return run.kind === "map" ? map(run) : training(run);
  return run.room === "photographs" ? album(run) : told(run);
}

/** @param {any} settings */
const points = ({ data }) => (data.startsWith("own-") ? "own points" : data);

/** @param {{run: Kept, forget: (id: string) => void}} properties */
function Row({ run, forget }) {
  const { name, key, what, done } = shown(run);
  return html`<tr>
    <td><a href=${`#${run.room}?${key}=${run.id}`}>${name} ${run.id.slice(0, 6)}</a></td>
    <td>${what}</td>
    <td class="figure">${done}</td>
    <td>${WORDS[/** @type {keyof typeof WORDS} */ (run.state)] ?? run.state}</td>
    <td>${new Date(1000 * run.changed).toLocaleString()}</td>
    <td><button class="plain" onClick=${() => forget(run.id)} aria-label=${`Remove run ${run.id.slice(0, 6)}`}>Remove</button></td>
  </tr>`;
}
