// How many figures and claims have each verdict, and the verdict of one.
import { html } from "../shared/html.js";

const ONE = /** @type {Record<string, string>} */ ({ agrees: "agrees", disagrees: "disagrees", "the original errs": "is an error of the original’s", "cannot be compared": "cannot be compared" });
const MANY = /** @type {Record<string, string>} */ ({ agrees: "agree", disagrees: "disagree", "the original errs": "are errors of the original’s", "cannot be compared": "cannot be compared" });

/** @param {{counts: import("./room.js").Verdicts}} properties */
export function Verdicts({ counts }) {
  const some = Object.entries(counts).filter(([, n]) => n);
  if (!some.length) return html`<span class="quiet">beyond the original</span>`;
  return html`<span class="verdicts">${some.map(([verdict, n]) => html`<span key=${verdict} class="mark-of ${kind(verdict)}" data-verdict=${verdict} data-count=${n}>${n} ${(n === 1 ? ONE : MANY)[verdict]}</span> `)}</span>`;
}

/** @param {{verdict: string}} properties */
export const Verdict = ({ verdict }) => html`<span class="mark-of ${kind(verdict)}">${verdict}</span>`;

/** @param {string} verdict */
const kind = (verdict) => verdict.replaceAll(" ", "-");
