// The map of trainability: what each size and rate makes of these points. A cell opens its run.
import { useEffect, useState } from "preact/hooks";
import { get, post } from "../shared/api.js";
import { number, whole } from "../shared/format.js";
import { html } from "../shared/html.js";

/** @typedef {{cell: string, trial: number, train_error: number, state: string, converged_at: number | null}} Trial
 *  @typedef {{id: string, settings: any, state: string, said: string, done: number, trials: Trial[], revision: number}} Found */

const HIDDEN = "1, 2, 3, 5, 7, 10, 20, 50";
const RATES = "0.002, 0.01, 0.05, 0.2, 0.5, 1, 2, 5";

/** @param {{settings: any, first: string | null, open: (settings: object) => void}} properties */
export function MapOf({ settings, first, open }) {
  const [id, setId] = useState(first);
  const [found, setFound] = useState(/** @type {Found | null} */ (null));
  const [said, setSaid] = useState("");
  const [hidden, setHidden] = useState(HIDDEN);
  const [rates, setRates] = useState(RATES);
  const [trials, setTrials] = useState(1);
  useEffect(() => {
    if (!id) return;
    let busy = false;
    let again = false;
    let stopped = false;
    const load = async () => {
      if (busy) return void (again = true);
      busy = true;
      await get(`/api/points/maps/${id}`).then((map) => stopped || setFound(map), (e) => stopped || setSaid(e.message));
      busy = false;
      if (again && !stopped) setTimeout(load, 100);
      again = false;
    };
    /** @param {Event} event */
    const hear = (event) => void (/** @type {CustomEvent} */ (event).detail.run === id && load());
    addEventListener("signal", hear);
    load();
    return () => {
      stopped = true;
      removeEventListener("signal", hear);
    };
  }, [id]);
  const make = () => {
    setSaid("");
    const lists = { hidden: hidden.split(",").map(Number), rates: rates.split(",").map(Number) };
    if ([...lists.hidden, ...lists.rates].some(Number.isNaN)) return setSaid("Expected numbers, separated by commas.");
    return post("/api/points/maps", { settings: { ...settings, trial: null }, ...lists, trials }).then(
      (made) => (setFound(null), setId(made.id)),
      (e) => setSaid(e.message),
    );
  };
  /** @param {string} what */
  const tell = (what) => post(`/api/points/maps/${id}/do`, { do: what }).catch((e) => setSaid(e.message));
  return html`<section class="map" aria-labelledby="map-title" data-map=${found?.id} data-map-state=${found?.state} data-map-done=${found?.trials.length}>
    <h2 id="map-title">Which sizes and rates learn these points?</h2>
    <p>Each cell is a whole training on the present points, seed and iterations. Open one to see how it came about.</p>
    <div class="row">
      <label>Hidden units <input value=${hidden} onInput=${(/** @type {any} */ e) => setHidden(e.target.value)} /></label>
      <label>Learning rates <input value=${rates} onInput=${(/** @type {any} */ e) => setRates(e.target.value)} /></label>
      <label>Trials a cell <select value=${trials} onChange=${(/** @type {any} */ e) => setTrials(Number(e.target.value))}>
        ${[1, 3, 5].map((n) => html`<option>${n}</option>`)}</select></label>
      ${found?.state === "running"
        ? html`<button onClick=${() => tell("cancel")}>Cancel</button>`
        : html`<button onClick=${make}>Make the map</button>`}
      ${["cancelled", "interrupted", "failed"].includes(found?.state ?? "") && html`<button onClick=${() => tell("go on")}>Go on</button>`}
    </div>
    ${said && html`<p role="alert" class="wrong">${said}</p>`}
    ${found?.said && html`<p class="wrong">${found.said}</p>`}
    ${found && html`<${Cells} found=${found} open=${open} />`}
  </section>`;
}

/** @param {{found: Found, open: (settings: object) => void}} properties */
function Cells({ found, open }) {
  const { grid, ...settings } = found.settings;
  const total = grid.hidden.length * grid.rates.length * grid.trials;
  /** @type {Map<string, Trial[]>} */
  const cells = new Map();
  for (const trial of found.trials) {
    const [hidden, rate] = trial.cell.split("/");
    const name = `${hidden}/${Number(rate)}`;
    cells.set(name, [...(cells.get(name) ?? []), trial]);
  }
  return html`<progress max=${total} value=${found.trials.length} aria-label="Trials of the map"></progress>
    <p class="quiet" role="status">${whole(found.trials.length)} of ${whole(total)} trials${found.state === "running" ? "" : `, ${found.state}`}.
      A cell has the training error (the median of its trials), dead or diverged.</p>
    <div class="scroll" tabindex="0" role="group" aria-label="The map"><table class="cells">
      <caption class="hidden">Training error by hidden units and learning rate</caption>
      <thead><tr><th scope="col">hidden \\ rate</th>${grid.rates.map((/** @type {number} */ rate) => html`<th scope="col">${rate}</th>`)}</tr></thead>
      <tbody>${grid.hidden.map((/** @type {number} */ hidden) => html`<tr><th scope="row">${hidden}</th>
        ${grid.rates.map((/** @type {number} */ rate) => html`<td><${Cell} hidden=${hidden} rate=${rate}
          trials=${cells.get(`${hidden}/${rate}`) ?? []} open=${() => open({ ...settings, hidden, learning_rate: rate, trial: 0 })} /></td>`)}</tr>`)}
      </tbody></table></div>`;
}

/** @param {{hidden: number, rate: number, trials: Trial[], open: () => void}} properties */
function Cell({ hidden, rate, trials, open }) {
  if (!trials.length) return html`<span class="quiet">·</span>`;
  const errors = trials.map((trial) => trial.train_error).sort((a, b) => a - b);
  const states = new Set(trials.map((trial) => trial.state));
  const error = errors[Math.floor(errors.length / 2)];
  const only = states.size === 1 ? [...states][0] : "";
  const text = only === "diverged" || only === "dead" ? only : `${number(100 * error, 3)} %`;
  const shade = only === "diverged" || only === "dead" ? "bad" : `shade${Math.min(4, Math.ceil(error * 16))}`;
  return html`<button class=${`cell ${shade}`} onClick=${open} data-cell=${`${hidden}/${rate}`} data-error=${error}
    aria-label=${`${hidden} hidden units, rate ${rate}: ${text}; open this run`}>${text}</button>`;
}
