// The derivative of the chosen output, from the picture forward through the chain: each is a sum of
// products, by hand, beside the difference that says the same.
import { useEffect, useState } from "preact/hooks";
import { get } from "../shared/api.js";
import { number, whole } from "../shared/format.js";
import { html } from "../shared/html.js";
import { Formula } from "../shared/math.js";
import { short, where } from "./entry.js";

/** @typedef {import("./room.js").Chosen} Chosen
 *  @typedef {{at: number, entry: number[]}} Step
 *  @typedef {{of: string, revision: number, step: Step, apart: import("./entry.js").Apart}} Found */

/** @param {{base: string, revision: number, names: string[], chosen: Chosen | null, from: number[] | null}} properties */
export function Back({ base, revision, names, chosen, from }) {
  const [gone, setGone] = useState(/** @type {{from: string, steps: Step[]}} */ ({ from: "", steps: [] }));
  const [answer, setAnswer] = useState(/** @type {Found | null} */ (null));
  const [said, setSaid] = useState("");
  const start = from && chosen ? `${chosen.layer} ${chosen.place} ${from}` : "";
  const steps = gone.from === start ? gone.steps : from && chosen ? [{ at: 0, entry: from }] : [];
  /** @param {Step[]} to */
  const setSteps = (to) => setGone({ from: start, steps: to });
  const step = steps[steps.length - 1];
  const asked = step && chosen && step.at < chosen.layer
    ? `${base}/apart?layer=${chosen.layer}&place=${chosen.place}&at=${step.at}&entry=${step.entry}` : "";
  useEffect(() => {
    if (!asked) return;
    let stopped = false;
    get(asked).then(
      (apart) => stopped || (setAnswer({ of: asked, revision, step, apart }), setSaid("")),
      (e) => stopped || (setAnswer(null), setSaid(e.message)),
    );
    return () => void (stopped = true);
  }, [asked, revision]);
  const found = asked && answer?.of === asked ? answer : null;
  const isNew = found?.revision === revision; // what is shown meanwhile is from before a change
  const label = (/** @type {number} */ at) => (at === 0 ? "the picture" : names[at - 1]);
  return html`<section class="back" aria-labelledby="back-title" data-back=${found && isNew ? `${found.step.at}:${found.step.entry}` : ""}
      data-total=${isNew ? found?.apart.total : undefined} data-numeric=${isNew ? found?.apart.numeric : undefined}>
    <h2 id="back-title">Back, by hand</h2>
    ${!chosen && html`<p>Click a pixel of what comes out: its derivative by every pixel of the picture is taken, and each of them can be taken apart.</p>`}
    ${chosen && !from && html`<p>s is ${names[chosen.layer - 1]} at ${where(chosen.place)}. Click a pixel of the picture inside the white frame.</p>`}
    ${said && html`<p role="alert" class="wrong">${said}</p>`}
    ${chosen && steps.length > 0 && html`<p>s is ${names[chosen.layer - 1]} at ${where(chosen.place)}. From ${steps.map((each, k) => html`${k > 0 && " to "}
      <button class="plain" disabled=${k === steps.length - 1} onClick=${() => setSteps(steps.slice(0, k + 1))}>${label(each.at)}, ${where(each.entry)}</button>`)}</p>`}
    ${chosen && found && html`<${Sum} found=${found} next=${label(found.step.at + 1)} isLast=${found.step.at + 1 === chosen.layer}
      open=${(/** @type {number[]} */ entry) => setSteps([...steps, { at: found.step.at + 1, entry }])} />`}
  </section>`;
}

/** @param {string} above @param {string} below */
const fraction = (above, below) => html`<mfrac><mrow><mi mathvariant="normal">d</mi><mi>${above}</mi></mrow><mrow><mi mathvariant="normal">d</mi><mi>${below}</mi></mrow></mfrac>`;

/** @param {{found: {step: Step, apart: import("./entry.js").Apart}, next: string, isLast: boolean, open: (entry: number[]) => void}} properties */
function Sum({ found: { apart }, next, isLast, open }) {
  const [all, setAll] = useState(false);
  const order = apart.values.map((_, k) => k).sort((a, b) => Math.abs(apart.values[b] * apart.slopes[b]) - Math.abs(apart.values[a] * apart.slopes[a]));
  const most = Math.max(Math.abs(apart.total), Math.abs(apart.numeric ?? 0));
  const error = most ? Math.abs(apart.total - (apart.numeric ?? 0)) / most : 0;
  return html`<p class="formula"><math displaystyle="true"><mrow>${fraction("s", "x")}<mo>=</mo><munder><mo>∑</mo><mi>y</mi></munder>${fraction("y", "x")}${fraction("s", "y")}</mrow></math>
      <span class="quiet">over the outputs y of ${next} that look at x</span></p>
    ${apart.of === null && html`<p>There are too many products to write out.</p>`}
    ${apart.of === 0 && html`<p>No output of ${next} looks at it: the derivative is 0.</p>`}
    ${order.length > 0 && html`<div class="scroll" tabindex="0" role="group" aria-label="Products of the derivative"><table class="products">
      <thead><tr><th>y: channel, row, column</th><th><${Formula} text="ds/dy" /><span class="hidden">of s by y</span></th><th><${Formula} text="dy/dx" /><span class="hidden">of y by x</span></th><th>product</th>${!isLast && html`<th>further</th>`}</tr></thead>
      <tbody>${order.slice(0, all ? order.length : 10).map((k) => html`<tr key=${k} data-value=${apart.values[k]} data-slope=${apart.slopes[k]}>
        <td class="figure">${short(apart.places[k])}</td><td class="figure">${number(apart.values[k], 6)}</td><td class="figure">${number(apart.slopes[k], 6)}</td>
        <td class="figure">${number(apart.values[k] * apart.slopes[k], 6)}</td>
        ${!isLast && html`<td><button onClick=${() => open(apart.places[k])} aria-label=${`Take ${where(apart.places[k])} apart`}>apart</button></td>`}</tr>`)}</tbody></table></div>
      ${order.length > 10 && html`<button onClick=${() => setAll(!all)}>${all ? "Only the largest" : `All ${whole(order.length)}`}</button>`}`}
    <dl class="figures"><div><dt>the sum, by hand</dt><dd>${number(apart.total, 10)}</dd></div>
      <div><dt>by differences</dt><dd>${number(apart.numeric ?? NaN, 10)}</dd></div>
      <div><dt>relative error</dt><dd>${error.toExponential(1)}</dd></div></dl>
    ${apart.kink && html`<p>There is a kink here: the slopes to either side differ, and the difference is between them. By hand, one of them is taken, as the derivation says.</p>`}`;
}
