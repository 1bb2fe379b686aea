// The settings of a run: a change begins a new run from the same seed.
import { html } from "../shared/html.js";
import { Typed } from "../shared/typed.js";

const RATES = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2];

/** @param {{settings: any, change: (values: object) => void, fresh: () => void}} properties */
export function Settings({ settings, change, fresh }) {
  /** @param {string} name */
  const number = (name) => ({ type: "number", value: settings[name] ?? "", take: (/** @type {string} */ text) => change({ [name]: Number(text) }) });
  return html`<section class="settings" aria-labelledby="settings-title">
    <h2 id="settings-title">Settings</h2>
    <div class="fields">
      <label>Hidden units <${Typed} min="1" step="1" ...${number("hidden")} /></label>
      <label>Learning rate <${Typed} min="0" step="any" list="rates" ...${number("learning_rate")} /></label>
      <datalist id="rates">${RATES.map((rate) => html`<option value=${rate} />`)}</datalist>
      <label>Iterations <${Typed} min="1" step="1" ...${number("iterations")} /></label>
      <label>Seed <${Typed} min="0" step="1" ...${number("seed")} /></label>
      <label>Initial weights <select value=${settings.initialization} onChange=${(/** @type {any} */ e) => change({ initialization: e.target.value })}>
        <option value="uniform">in [0, 1)</option><option value="he">He's</option><option value="normal">normal</option>
      </select></label>
      ${settings.trial !== null && html`<label>Trial of the map <${Typed} min="0" step="1" ...${number("trial")} /></label>`}
    </div>
    <button onClick=${fresh}>Other initial weights</button>
  </section>`;
}
