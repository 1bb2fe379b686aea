// The check of the derivative: of the chain as it is, and of a layer that one writes, rightly or not.
import { useEffect, useState } from "preact/hooks";
import { get, post } from "../shared/api.js";
import { number, whole } from "../shared/format.js";
import { html } from "../shared/html.js";

/** @typedef {{verdict: string, rows: {name: string, shape: number[], error: number | null, tested: boolean}[], mistakes: string[],
 *   moved: number, every?: boolean, part?: number[], numbers?: number}} Checked */

const QUIET = 400; // milliseconds without a change until it is checked again

/** @param {{base: string, revision: number, layer: number, name: string}} properties */
export function Check({ base, revision, layer, name }) {
  const [found, setFound] = useState(/** @type {{key: string, checked: Checked} | null} */ (null));
  const [refused, setRefused] = useState({ key: "", said: "" });
  const key = `${layer}:${revision}`;
  const said = refused.key === key ? refused.said : "";
  useEffect(() => {
    let stopped = false;
    const timer = setTimeout(() => {
      get(`${base}/check?layer=${layer}`).then(
        (checked) => stopped || setFound({ key, checked }),
        (e) => stopped || (setFound(null), setRefused({ key, said: e.message })),
      );
    }, QUIET);
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [base, key]);
  const isNew = found?.key === key;
  return html`<section class="check" aria-labelledby="check-title" data-checked=${isNew ? key : ""} data-verdict=${isNew ? found.checked.verdict : ""}>
    <h2 id="check-title">Is the derivative right?</h2>
    <p>The chain up to ${name}, on the middle of the picture, against differences; again after every change.</p>
    ${said ? html`<p role="alert" class="wrong">${said}</p>` : html`<p role="status">${isNew ? "" : "Checking."}</p>`}
    ${found && html`<${Verdict} checked=${found.checked} />
      <p class="quiet">${found.checked.every ? `Each of ${whole(found.checked.numbers ?? 0)} numbers by itself` : `${whole(found.checked.numbers ?? 0)} numbers along one random direction`},
        on ${found.checked.part?.slice(1).reverse().join(" × ")} pixels${found.checked.moved ? `; ${whole(found.checked.moved)} were moved away from kinks` : ""}.</p>`}
  </section>`;
}

/** @param {{checked: Checked}} properties */
function Verdict({ checked }) {
  return html`<p class=${checked.verdict === "right" ? "right" : checked.verdict === "wrong" ? "wrong" : ""}>${VERDICTS[checked.verdict] ?? checked.verdict}</p>
    ${checked.mistakes.length > 0 && html`<ul class="plain mistakes">${checked.mistakes.map((mistake, k) => html`<li key=${k}>${mistake}</li>`)}</ul>`}
    ${checked.rows.length > 0 && html`<div class="scroll" tabindex="0" role="group" aria-label="Arrays"><table><thead><tr><th>by</th><th>shape</th><th>worst relative error</th></tr></thead>
      <tbody>${checked.rows.map((row) => html`<tr key=${row.name}><td>${row.name}</td><td>${row.shape.join(" × ")}</td>
        <td class="figure">${row.tested ? (row.error === null ? "no number" : row.error.toExponential(1)) : "0 everywhere: not tested"}</td></tr>`)}</tbody></table></div>`}`;
}

/** @type {Record<string, string>} */
const VERDICTS = { right: "It is right.", wrong: "It is wrong.", "not tested": "Nothing wrong was found, and not all of it could be tested here." };

/** @type {Record<string, {y: string, dx: string, dw: string, db: string}>} */
const LAYERS = {
  "a scale, right": { y: "w * x + b", dx: "w * dy", dw: "sum(dy * x)", db: "sum(dy)" },
  "a mean for a sum": { y: "w * x + b", dx: "w * dy", dw: "mean(dy * x)", db: "sum(dy)" },
  "dy left out": { y: "tanh(x)", dx: "1 - y ** 2", dw: "", db: "" },
  "ReLU's mask left out": { y: "relu(x)", dx: "dy", dw: "", db: "" },
  "a filter, right": { y: "conv(x, w) + b", dx: "conv(dy, swap(flip(w)))", dw: "meet(dy, x)", db: "sum(dy)" },
  "the filter not turned round": { y: "conv(x, w) + b", dx: "conv(dy, swap(w))", dw: "meet(dy, x)", db: "sum(dy)" },
  "a wrong sign": { y: "exp(-x)", dx: "dy * exp(-x)", dw: "", db: "" },
};

export function OwnLayer() {
  const [name, setName] = useState("a mean for a sum");
  const [formulas, setFormulas] = useState(LAYERS[name]);
  const [found, setFound] = useState(/** @type {{key: string, checked: Checked} | null} */ (null));
  const [refused, setRefused] = useState({ key: "", said: "" });
  const [known, setKnown] = useState(/** @type {{call: string, said: string}[]} */ ([]));
  const key = JSON.stringify(formulas);
  const said = refused.key === key ? refused.said : "";
  useEffect(() => void get("/api/blocks/functions").then(({ functions }) => setKnown(functions), () => {}), []);
  useEffect(() => {
    let stopped = false;
    const timer = setTimeout(() => {
      post("/api/blocks/written", formulas).then(
        (checked) => stopped || setFound({ key, checked }),
        (e) => stopped || (setFound(null), setRefused({ key, said: e.message })),
      );
    }, QUIET);
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [key]);
  const isNew = found?.key === key;
  /** @param {string} chosen */
  const take = (chosen) => {
    setName(chosen);
    setFormulas(LAYERS[chosen]);
  };
  /** @param {string} field @param {string} title */
  const input = (field, title) => html`<label>${title} <input class="wide code" spellcheck=${false} autocomplete="off" value=${formulas[/** @type {keyof typeof formulas} */ (field)]}
    onInput=${(/** @type {any} */ e) => setFormulas({ ...formulas, [field]: e.target.value })} /></label>`;
  return html`<section class="own-layer" aria-labelledby="own-title" data-verdict=${isNew ? found.checked.verdict : ""}>
    <h2 id="own-title">Write a layer, and its backward wrongly</h2>
    <p>x and dy have the shape (N, C, H, W); w and b hold a number a channel, and w a filter where conv takes it. See what the check says.</p>
    <div class="row"><label>Begin with <select value=${name} onChange=${(/** @type {any} */ e) => take(e.target.value)}>
      ${Object.keys(LAYERS).map((each) => html`<option value=${each}>${each}</option>`)}</select></label></div>
    <div class="fields">${input("y", "y =")}${input("dx", "dx =")}${input("dw", "dw =")}${input("db", "db =")}</div>
    <details><summary>What a formula may hold</summary><p>Numbers, + − * / **, comparisons, x, w, b, in derivatives also dy and y, and</p>
      <ul class="plain">${known.map(({ call, said: what }) => html`<li key=${call}><code>${call}</code> ${what}</li>`)}</ul></details>
    ${said ? html`<p role="alert" class="wrong">${said}</p>` : html`<p role="status">${isNew ? "" : "Checking."}</p>`}
    ${found && isNew && html`<${Verdict} checked=${found.checked} />
      <p><a class="button" href=${`/api/blocks/written/layer.py?${new URLSearchParams(formulas)}`} download="layer.py">Python file <span class="quiet">layer.py</span></a></p>`}
  </section>`;
}
