// A reader of one's own: trained on corrected lines or in one's fonts, with live curves.
import { useState } from "preact/hooks";
import { post } from "../shared/api.js";
import { number, percent, whole } from "../shared/format.js";
import { useGoing } from "../shared/going.js";
import { html } from "../shared/html.js";

/** @typedef {import("./room.js").Sheet} Sheet
 *  @typedef {{epoch: number, seconds: number, energy_train: number, energy_validation: number, character_errors_train: number, character_errors_validation: number}} Epoch
 *  @typedef {{phase: string, done: number, of: number, history: Epoch[]}} Going */

/** @param {{sheet: Sheet, changed: () => void}} properties */
export function Train({ sheet, changed }) {
  const last = sheet.settings.training;
  const [on, setOn] = useState(last?.on ?? (sheet.fonts.length && sheet.labelled < 2 ? "fonts" : "lines"));
  const [epochs, setEpochs] = useState(last?.epochs ?? 10);
  const [start, setStart] = useState(last?.start ?? "fast");
  const [alphabet, setAlphabet] = useState(last?.alphabet ?? "");
  const going = useGoing(sheet, changed);
  const [said, setSaid] = useState("");
  /** @param {object} values */
  const tell = (values) => {
    setSaid("");
    return post(`/api/lines/sheets/${sheet.id}/do`, values).then(() => changed(), (e) => setSaid(e.message));
  };
  /** @param {Event} event */
  const begin = (event) => {
    event.preventDefault();
    tell({ do: "train", on, start, epochs, alphabet });
  };
  const stopped = { interrupted: "The training was interrupted.", cancelled: "The training was cancelled." }[sheet.state];
  const history = going?.history ?? (stopped && sheet.result.stopped) ?? sheet.result.history ?? [];
  return html`<section class="train" aria-labelledby="train-title" data-training=${going ? "running" : sheet.state} data-epochs=${history.length} data-after=${going ? undefined : sheet.result.after}>
    <h2 id="train-title">A reader of your own</h2>
    <p class="quiet">It goes on from a reader of the package: on the lines whose text you gave, a quarter of which it is judged on and does not learn; or on lines that are drawn in your fonts.</p>
    <form class="row" onSubmit=${begin}>
      <label>Learn <select value=${on} onChange=${(/** @type {any} */ e) => setOn(e.target.value)} disabled=${going !== null}>
        <option value="lines">${whole(sheet.labelled)} ${sheet.labelled === 1 ? "line" : "lines"} with a text</option>
        <option value="fonts">${whole(sheet.fonts.length)} ${sheet.fonts.length === 1 ? "font" : "fonts"}</option></select></label>
      <label>going on from <select value=${start} onChange=${(/** @type {any} */ e) => setStart(e.target.value)} disabled=${going !== null}>
        <option value="fast">the fast reader</option><option value="large">the large reader</option></select></label>
      <label>Characters <input list="alphabets" value=${alphabet} placeholder=${on === "lines" ? "those of the texts" : "lowercase"} onInput=${(/** @type {any} */ e) => setAlphabet(e.target.value)} disabled=${going !== null} /></label>
      <datalist id="alphabets">${["lowercase", "letters", "digits", "alphanumeric", "ascii", "european"].map((name) => html`<option value=${name} />`)}</datalist>
      <label>Epochs <input type="number" min="1" max=${sheet.quotas.epochs} value=${epochs} onInput=${(/** @type {any} */ e) => setEpochs(Number(e.target.value))} disabled=${going !== null} /></label>
      ${going ? html`<button type="button" class="main" onClick=${() => tell({ do: "cancel" })}>Cancel</button>` : html`<button class="main">Train</button>`}
      ${!going && stopped && sheet.can_go_on && html`<button type="button" onClick=${() => tell({ do: "go on" })}>Go on</button>`}
    </form>
    ${said && html`<p role="alert" class="wrong">${said}</p>`}
    ${!going && sheet.said && html`<p role="alert" class="wrong">${sheet.said}</p>`}
    ${!going && stopped && html`<p role="status">${stopped}${sheet.can_go_on ? " Its last whole epoch is kept." : ""}</p>`}
    ${going && html`<div><p role="status">${going.phase[0].toUpperCase() + going.phase.slice(1)}${going.of ? `: ${percent(going.done, going.of)} of the lines` : ""}.</p>
      ${going.of ? html`<progress max=${going.of} value=${going.done} aria-label="Lines learned"></progress>` : html`<progress aria-label="Getting ready"></progress>`}</div>`}
    ${history.length > 0 && html`<${Curves} history=${history} of=${going ? epochs : history.length} />`}
    ${!going && sheet.result.on && html`<${Outcome} result=${sheet.result} />`}
  </section>`;
}

/** @param {{result: any}} properties */
function Outcome({ result }) {
  const { on, after, before, held_out: held, pictures, fonts, skipped, seconds } = result;
  return html`<p class="outcome">${on === "lines"
      ? html`Learned from ${whole(pictures)} lines. On the ${whole(held)} that were held out <b>${percent(before, 1)}</b> of the characters were wrong before, and <b>${percent(after, 1)}</b> are now`
      : html`Learned in ${whole(fonts)} ${fonts === 1 ? "font" : "fonts"}. On lines of words that it did not learn <b>${percent(after, 1)}</b> of the characters are wrong`}, after ${number(seconds, 3)} seconds.</p>
    ${skipped.length > 0 && html`<details open><summary>${whole(skipped.length)} left out</summary><ul class="plain">${skipped.map((/** @type {[string, string]} */ [name, why]) => html`<li><b>${name}</b>: ${why}</li>`)}</ul></details>`}`;
}

/** @param {{history: Epoch[], of: number}} properties */
function Curves({ history, of }) {
  return html`<div class="pair"><${Chart} title="Characters wrong, in %" history=${history} of=${of} factor=${100} train="character_errors_train" validation="character_errors_validation" />
      <${Chart} title="CTC loss of a line" history=${history} of=${of} factor=${1} train="energy_train" validation="energy_validation" /></div>
    <details><summary>Every epoch's numbers</summary><div class="scroll" tabindex="0" role="group" aria-label="Table of epochs"><table>
      <thead><tr><th scope="col">Epoch</th><th scope="col">loss, learned</th><th scope="col">loss, held out</th><th scope="col">wrong, learned</th><th scope="col">wrong, held out</th></tr></thead>
      <tbody>${history.map((one) => html`<tr><td>${one.epoch}</td><td class="figure">${number(one.energy_train)}</td><td class="figure">${number(one.energy_validation)}</td>
        <td class="figure">${percent(one.character_errors_train, 1)}</td><td class="figure">${percent(one.character_errors_validation, 1)}</td></tr>`)}</tbody></table></div></details>`;
}

/** @param {{title: string, history: Epoch[], of: number, factor: number, train: keyof Epoch, validation: keyof Epoch}} properties */
function Chart({ title, history, of, factor, train, validation }) {
  // half of the chart at least is filled; it grows by doubling, up to all epochs
  const end = Math.max(history.length, Math.min(of, Math.max(8, 2 ** Math.ceil(Math.log2(history.length + 1)))));
  const most = Math.max(...history.flatMap((one) => [one[train], one[validation]]).map((value) => factor * value), 1e-9);
  /** @param {keyof Epoch} name */
  const points = (name) => history.map((one, k) => [50 + (340 * (k + 0.5)) / end, 10 + 130 * (1 - (factor * one[name]) / most)]);
  /** @param {keyof Epoch} name @param {string} kind */
  const curve = (name, kind) => html`<polyline class=${kind} points=${points(name).join(" ")} />${history.length <= 64 && points(name).map(([x, y]) => html`<circle class=${kind} cx=${x} cy=${y} r="3" />`)}`;
  const [now] = history.slice(-1);
  const words = `${title}: after epoch ${now.epoch} ${number(factor * now[train], 3)} on what is learned, ${number(factor * now[validation], 3)} on what is held out`;
  return html`<figure class="chart"><figcaption>${title}</figcaption>
    <svg viewBox="0 0 400 170" role="img" aria-label=${words}><path class="axis" d="M50 10V140H390" /><text x="44" y="14" text-anchor="end">${number(most, 3)}</text><text x="44" y="144" text-anchor="end">0</text>
      <text x="220" y="162" text-anchor="middle">epoch 1 to ${end}</text>${curve(train, "learned")}${curve(validation, "validation")}</svg>
    <p class="key"><span class="swatch"></span> learned <span class="swatch validation"></span> held out</p></figure>`;
}
