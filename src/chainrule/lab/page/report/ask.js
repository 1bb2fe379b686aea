// What is asked for: a quick report or a whole one, of which parts, from which seed.
import { useState } from "preact/hooks";
import { html } from "../shared/html.js";

/** @param {{listed: import("./room.js").Listed, isBusy: boolean, begin: (settings: import("./room.js").Settings) => void}} properties */
export function Ask({ listed, isBusy, begin }) {
  const [quick, setQuick] = useState(true);
  const [parts, setParts] = useState(listed.parts.map(({ number }) => number));
  const [seed, setSeed] = useState(0);
  const [trials, setTrials] = useState(100);
  /** @param {number} number @param {boolean} isIn */
  const choose = (number, isIn) => setParts((now) => (isIn ? [...now, number] : now.filter((one) => one !== number)));
  /** @param {Event} event */
  const go = (event) => {
    event.preventDefault();
    begin({ quick, parts, seed, trials });
  };
  return html`<section class="ask" aria-labelledby="ask-title">
    <h2 id="ask-title">Make a report</h2>
    <form class="fields" onSubmit=${go}>
      <fieldset><legend>How much</legend>
        <label><input type="radio" name="quick" checked=${quick} onChange=${() => setQuick(true)} /> quick: few trials, short trainings</label>
        <label><input type="radio" name="quick" checked=${!quick} disabled=${!listed.whole_reports} onChange=${() => setQuick(false)} /> whole: some minutes of all cores</label>
        ${!listed.whole_reports && html`<p class="quiet">In a lab for a class a report is a quick one.</p>`}
      </fieldset>
      <fieldset><legend>Parts</legend>
        ${listed.parts.map(({ number, title }) => html`<label key=${number}><input type="checkbox" checked=${parts.includes(number)}
          onChange=${(/** @type {any} */ e) => choose(number, e.target.checked)} /> <span>${number}. ${title}</span></label>`)}
      </fieldset>
      <label>Seed <input type="number" min="0" max="4294967295" step="1" value=${seed} onInput=${(/** @type {any} */ e) => setSeed(Number(e.target.value))} /></label>
      <label>Runs of each setting <input type="number" min="1" max="1000" step="1" value=${trials} onInput=${(/** @type {any} */ e) => setTrials(Number(e.target.value))} /></label>
      ${quick && html`<p class="quiet">A quick report makes ten of them at most.</p>`}
      <div><button class="main" disabled=${isBusy || !parts.length}>Make the report</button></div>
      ${!parts.length && html`<p class="quiet">Choose a part, or more.</p>`}
    </form>
  </section>`;
}
