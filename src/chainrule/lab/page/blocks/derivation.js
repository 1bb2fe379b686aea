// A block's derivation as its code has it: text, and the formulas of the indented lines as MathML.
import { html } from "../shared/html.js";

/** @param {{layer: import("./room.js").Layer}} properties */
export function Derivation({ layer }) {
  const parts = layer.derivation.split(/\n\s*\n/).filter((part) => part.trim());
  return html`<section class="derivation" aria-labelledby="derivation-title" data-derivation=${layer.kind}>
    <h2 id="derivation-title">The derivation of ${layer.kind}</h2>
    ${parts.map((part, k) => (part.startsWith("    ")
      ? html`<div key=${k} class="formulas scroll" tabindex="0" role="group" aria-label="Formulas">
          ${joined(part).map((line, n) => html`<p key=${n}>${written(line)}</p>`)}</div>`
      : html`<p key=${k}>${part.replaceAll("\n", " ").replaceAll("`", "")}</p>`))}
  </section>`;
}

/** Lines that go on (deeper, without a sign of equality) belong to the one before.
 *  @param {string} part */
function joined(part) {
  /** @type {string[]} */
  const lines = [];
  for (const line of part.split("\n")) {
    if (lines.length && /^ {6,}/.test(line) && !line.includes("=")) lines[lines.length - 1] += ` ${line.trim()}`;
    else lines.push(line.trim());
  }
  return lines;
}

/** A line may hold two formulas, or a formula and words, with a wide gap or a comma between.
 *  @param {string} line */
const written = (line) =>
  line.split(/\s{3,}/).map((piece, k) => html`${k > 0 && html`<span class="gap"> </span>`}${new Reader(piece).math()}`);

const TOKEN = /[A-Za-z]+'?|\d+(?:\.\d+)?(?:e-?\d+)?|<=|>=|\S/g;
/** @type {Record<string, string>} */
const SIGNS = { "*": "·", "-": "−", "<=": "≤", ">=": "≥", "'": "′" };
const UPRIGHT = ["exp", "log", "max", "min", "sqrt", "tanh", "floor", "ceil", "sign"];
/** @type {Record<string, string>} */
const GREEK = { alpha: "α", beta: "β", kappa: "κ", rho: "ρ", sigma: "σ", epsilon: "ε", delta: "δ", mu: "μ", gamma: "γ", Phi: "Φ", phi: "φ" };

/** Reads a formula as it is typed: names with an index in brackets, "_" and "^", sums. */
class Reader {
  /** @param {string} text */
  constructor(text) {
    this.tokens = text.match(TOKEN) ?? [];
    this.at = 0;
  }

  math() {
    const found = [];
    while (this.at < this.tokens.length) found.push(this.scripted());
    return html`<math><mrow>${found}</mrow></math>`;
  }

  /** One thing with what hangs on it. @returns {any} */
  scripted() {
    const token = this.tokens[this.at++];
    const isSum = token === "sum" || token === "max" || token === "mean";
    let found = this.thing(token);
    for (let more = true; more; ) {
      const next = this.tokens[this.at];
      if (next === "_" && isSum) found = html`<munder>${found}${this.argument()}</munder>`;
      else if (next === "_") found = html`<msub>${found}${this.argument()}</msub>`;
      else if (next === "^") found = html`<msup>${found}${this.argument()}</msup>`;
      else if (next === "[" && /^[A-Za-z]/.test(token)) {
        this.at++;
        found = html`<msub>${found}${this.until("]")}</msub>`;
      } else more = false;
    }
    return found;
  }

  /** @param {string} token @returns {any} */
  thing(token) {
    if (token === "{") return this.until("}");
    if (/^\d/.test(token)) return html`<mn>${token}</mn>`;
    if (token === "sum") return html`<mo>∑</mo>`;
    if (UPRIGHT.includes(token)) return html`<mi mathvariant="normal">${token}</mi>`;
    if (token in GREEK) return html`<mi>${GREEK[token]}</mi>`;
    if (/^d?[A-Za-z]'?$/.test(token)) return html`<mi>${token.replace("'", "′")}</mi>`;
    if (/^[A-Za-z]/.test(token)) return html`<mtext> ${token} </mtext>`;
    return html`<mo>${SIGNS[token] ?? token}</mo>`;
  }

  /** What follows "_" or "^". */
  argument() {
    this.at++;
    const token = this.tokens[this.at++];
    if (token === "{") return this.until("}");
    if (token === "(") return html`<mrow><mo>(</mo>${this.until(")")}<mo>)</mo></mrow>`;
    if (token === "-") return html`<mrow><mo>−</mo>${this.thing(this.tokens[this.at++] ?? "")}</mrow>`;
    return this.thing(token ?? "");
  }

  /** @param {string} end @returns {any} */
  until(end) {
    const found = [];
    while (this.at < this.tokens.length && this.tokens[this.at] !== end) found.push(this.scripted());
    this.at++;
    return html`<mrow>${found}</mrow>`;
  }
}
