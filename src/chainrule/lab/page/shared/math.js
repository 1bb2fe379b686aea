// Formulas as MathML, which a browser draws by itself.
import { html } from "./html.js";

/**
 * A formula of words, numbers and signs as the derivations write them: `ds/dW_in[1,2]`, `y_hat`,
 * `w_out . H + b_out`. Names get their subscripts and hats.
 * @param {{text: string, block?: boolean}} properties
 */
export function Formula({ text, block }) {
  return html`<math displaystyle=${block ? "true" : "false"}><mrow>${parts(text)}</mrow></math>`;
}

const TOKEN =
  /d?[A-Za-z]+(?:_[a-z]+)?(?:\[[\w,]+\])?(?:\/d[A-Za-z]+(?:_[a-z]+)?(?:\[[\w,]+\])?)?|−?[\d.]+(?:e[-+]?\d+)?|\S/g;
const SIGNS = { "*": "·", ".": "·", "-": "−" };
const WORDS = ["exp", "log", "max", "relu", "given", "mean", "scale"];
const JOINING = ["where", "else"];

/** @param {string} text */
function parts(text) {
  return (text.match(TOKEN) ?? []).map((token) => {
    if (/^[−\d]/.test(token)) return html`<mn>${token}</mn>`;
    if (JOINING.includes(token)) return html`<mtext>\u2002${token}\u2002</mtext>`;
    if (WORDS.includes(token)) return html`<mi mathvariant="normal">${token}</mi>`;
    if (/^d?[A-Za-z].*\/d/.test(token)) {
      const [above, below] = token.split("/");
      return html`<mfrac>${differential(above)}${differential(below)}</mfrac>`;
    }
    if (/^[A-Za-z]/.test(token)) return name(token);
    return html`<mo>${SIGNS[/** @type {keyof typeof SIGNS} */ (token)] ?? token}</mo>`;
  });
}

/** @param {string} token */
const differential = (token) => html`<mrow><mi mathvariant="normal">d</mi>${name(token.slice(1))}</mrow>`;

/** @param {string} token */
function name(token) {
  const [, base, below, index] = /^([A-Za-z]+)(?:_([a-z]+))?(?:\[([\w,]+)\])?$/.exec(token) ?? [];
  if (!base) return html`<mi>${token}</mi>`;
  const hat = below === "hat";
  const head = hat ? html`<mover><mi>${base}</mi><mo>^</mo></mover>` : html`<mi>${base}</mi>`;
  const under = [hat ? "" : (below ?? ""), index ?? ""].filter(Boolean).join(" ");
  return under ? html`<msub>${head}<mtext>${under}</mtext></msub>` : head;
}
