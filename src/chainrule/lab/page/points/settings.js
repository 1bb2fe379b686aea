// The settings of a run: a change begins a new run from the same seed.
import { html } from "../shared/html.js";

const RATES = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2];

/** @param {{settings: any, change: (values: object) => void, fresh: () => void}} properties */
export function Settings({ settings, change, fresh }) {
  /** @param {string} name @param {(text: string) => any} [read] */
  const field = (name, read = Number) => ({
    value: settings[name] ?? "",
    onChange: (/** @type {any} */ event) => change({ [name]: read(event.target.value) }),
  });
  return html`<section class="settings" aria-labelledby="settings-title">
    <h2 id="settings-title">Settings</h2>
    <div class="fields">
      <label>Hidden units <input type="number" min="1" step="1" ...${field("hidden")} /></label>
      <label>Learning rate <input type="number" min="0" step="any" list="rates" ...${field("learning_rate")} /></label>
      <datalist id="rates">${RATES.map((rate) => html`<option value=${rate} />`)}</datalist>
      <label>Iterations <input type="number" min="1" step="1" ...${field("iterations")} /></label>
      <label>Seed <input type="number" min="0" step="1" ...${field("seed")} /></label>
      <label>Initial weights <select ...${field("initialization", String)}>
        <option value="uniform">in [0, 1)</option><option value="he">He's</option><option value="normal">normal</option>
      </select></label>
      ${settings.trial !== null && html`<label>Trial of the map <input type="number" min="0" step="1" ...${field("trial")} /></label>`}
    </div>
    <button onClick=${fresh}>Other initial weights</button>
  </section>`;
}
