// One point taken apart: the network drawn with its live numbers, and the chain rule step by step.
import { useEffect, useState } from "preact/hooks";
import { get } from "../shared/api.js";
import { number, whole } from "../shared/format.js";
import { html } from "../shared/html.js";
import { Formula } from "../shared/math.js";
import { Newest } from "../shared/newest.js";

/** @typedef {import("./live.js").Live} Live
 *  @typedef {import("./plane.js").Picked} Picked
 *  @typedef {{name: string, formula: string, local: string | null, value: any, lines: string[]}} Step
 *  @typedef {{iteration: number, point: number, digits: number, x: number[], y: number, parameters: any,
 *    forward: Step[], backward: Step[]}} Derived */

const EVERY = 150; // milliseconds between two sets of numbers while it trains
const DRAWN = 16; // hidden units; more are not drawn

/** @param {{live: Live, picked: Picked | null}} properties */
export function ChainRule({ live, picked }) {
  const [{ found, of }, setDerived] = useState(/** @type {{found: Derived | null, of: string}} */ ({ found: null, of: "" }));
  const [digits, setDigits] = useState(6);
  const [said, setSaid] = useState("");
  const asked = picked ? `/api/points/runs/${live.id}/derivation?part=${picked.part}&point=${picked.index}&digits=${digits}` : "";
  const derived = of === asked ? found : null; // the numbers of another point, or run, are none of this one's
  useEffect(() => {
    if (!asked) return;
    let timer = 0;
    let stopped = false;
    const newest = new Newest();
    const load = async () => {
      timer = 0;
      const isNew = newest.ask();
      try {
        const answer = await get(asked);
        if (stopped || !isNew()) return;
        setDerived({ found: answer, of: asked });
        setSaid("");
      } catch (error) {
        if (!stopped) setSaid(/** @type {Error} */ (error).message);
      }
    };
    const soon = () => void (timer ||= window.setTimeout(load, EVERY));
    load();
    live.addEventListener("weights", soon);
    return () => {
      stopped = true;
      clearTimeout(timer);
      live.removeEventListener("weights", soon);
    };
  }, [live, asked]);

  const sizes = live.shape?.sizes ?? [0, 0];
  return html`<section class="chain" aria-labelledby="chain-title">
    <h2 id="chain-title">The chain rule at one point</h2>
    ${!picked && html`<p>Click a point in the plane, and every number of its step stands here, live.</p>`}
    ${said && html`<p role="alert" class="wrong">${said}</p>`}
    ${picked && derived && html`<div data-derived=${derived.iteration} data-digits=${derived.digits}>
      <p>${picked.part === "train" ? "Training" : "Validation"} point ${whole(picked.index + 1)} of
        ${" "}${whole(sizes[picked.part === "train" ? 0 : 1])}, of class
        ${" "}${derived.y > 0 ? "+1" : "−1"}, with the weights after iteration ${whole(derived.iteration)}.
        ${" "}<label>Digits <select value=${digits} onChange=${(/** @type {any} */ e) => setDigits(Number(e.target.value))}>
          <option value="4">4</option><option value="6">6</option><option value="17">all</option>
        </select></label></p>
      <${Network} derived=${derived} names=${live.shape?.names ?? []} />
      <div class="steps">
        <${Steps} title="Forward" steps=${derived.forward} />
        <${Steps} title="Back, factor by factor" steps=${derived.backward} />
      </div>
    </div>`}
  </section>`;
}

/** @param {{title: string, steps: Step[]}} properties */
function Steps({ title, steps }) {
  return html`<div>
    <h3>${title}</h3>
    <ol>${steps.map((step) => html`<li key=${step.name} data-step=${step.name}>
      <p class="formula"><${Formula} block text=${`${step.name} = ${step.formula}`} />
        ${step.local && html`<span class="quiet">where <${Formula} block text=${step.local} /></span>`}</p>
      ${step.lines.length ? html`<ul class="lines">${step.lines.map((line, k) => html`<li key=${k}>${line}</li>`)}</ul>`
        : html`<p class="quiet">Too many entries to write out; the weights file has them all.</p>`}
    </li>`)}</ol>
  </div>`;
}

/** The network with a number at every edge and unit.
 *  @param {{derived: Derived, names: string[]}} properties */
function Network({ derived, names }) {
  const { parameters, forward, backward, x } = derived;
  const h = parameters.b_in.length;
  const d = x.length;
  if (h > DRAWN || d > 6)
    return html`<p class="quiet">The drawing is for up to ${DRAWN} hidden units and 6 features.</p>`;
  /** @param {Step[]} steps @param {string} name */
  const value = (steps, name) => steps.find((step) => step.name === name)?.value;
  const [z, H, y_hat, s] = ["z", "H", "y_hat", "s"].map((name) => value(forward, name));
  const [dH, dy] = ["ds/dH", "ds/dy_hat"].map((name) => value(backward, name));
  const height = Math.max(h, d) * 44 + 20;
  const units = spread(h, height);
  const inputs = spread(d, height);
  const middle = height / 2;
  const most = Math.max(...parameters.W_in.flat().map(Math.abs), ...parameters.w_out.map(Math.abs), 1e-9);
  /** @param {number} w */
  const stroke = (w) => 0.5 + (4 * Math.abs(w)) / most;
  /** @param {number} w */
  const sign = (w) => (w < 0 ? "edge minus" : "edge plus");
  const label = `Network: ${d} inputs, ${h} hidden units, of which ${H.filter((/** @type {number} */ v) => v > 0).length} are active, output ${number(y_hat)}, loss ${number(s)}`;
  return html`<div class="scroll" tabindex="0" role="group" aria-label="The network, drawn">
    <svg class="network" viewBox=${`0 0 760 ${height}`} role="img" aria-label=${label}>
      ${inputs.map((y, k) => units.map((u, j) => html`<line key=${`${k}-${j}`} class=${sign(parameters.W_in[j][k])}
        x1="90" y1=${y} x2="300" y2=${u} stroke-width=${stroke(parameters.W_in[j][k])}
        stroke-dasharray=${parameters.W_in[j][k] < 0 ? "5 3" : undefined} opacity=${z[j] > 0 ? 1 : 0.25} />`))}
      ${units.map((u, j) => html`<line key=${j} class=${sign(parameters.w_out[j])} x1="440" y1=${u} x2="560" y2=${middle}
        stroke-width=${stroke(parameters.w_out[j])} stroke-dasharray=${parameters.w_out[j] < 0 ? "5 3" : undefined}
        opacity=${z[j] > 0 ? 1 : 0.25} />`)}
      ${inputs.map((y, k) => html`<g key=${k}>
        <rect class="unit" x="4" y=${y - 16} width="90" height="32" rx="4" />
        <text x="49" y=${y - 3} text-anchor="middle">${names[k] ?? `x${k + 1}`}</text>
        <text x="49" y=${y + 11} text-anchor="middle">${number(x[k])}</text></g>`)}
      ${units.map((u, j) => html`<g key=${j} opacity=${z[j] > 0 ? 1 : 0.7}>
        <rect class=${`unit ${z[j] > 0 ? "active" : "idle"}`} x="300" y=${u - 18} width="140" height="36" rx="4" />
        <text x="370" y=${u - 4} text-anchor="middle">H = max(${number(z[j], 3)}, 0)</text>
        <text x="370" y=${u + 11} text-anchor="middle">ds/dH = ${number(dH[j], 3)}</text></g>`)}
      <rect class="unit active" x="560" y=${middle - 34} width="190" height="68" rx="4" />
      <text x="655" y=${middle - 16} text-anchor="middle">ŷ = ${number(y_hat)}</text>
      <text x="655" y=${middle + 3} text-anchor="middle">loss s = ${number(s)}</text>
      <text x="655" y=${middle + 22} text-anchor="middle">ds/dŷ = ${number(dy)}</text>
    </svg></div>
    <p class="quiet">Thick edges have large weights, dashed ones negative weights; units that are not active are pale.</p>`;
}

/** @param {number} count @param {number} height */
const spread = (count, height) => Array.from({ length: count }, (_, k) => ((k + 0.5) * height) / count);
