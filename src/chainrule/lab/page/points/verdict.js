// How a run ended, or why it is stuck, in words; with a rate that works where the rate is at fault.
import { number, whole } from "../shared/format.js";
import { html } from "../shared/html.js";

/** @param {{live: import("./live.js").Live, change: (values: object) => void}} properties */
export function Verdict({ live, change }) {
  const { news } = live;
  const said = sentence(news);
  const isLost = news.ended === "diverged" || news.ended === "dead";
  const busy = news.phase ? `${news.phase}: this takes some seconds the first time` : "";
  return html`<div class="verdict" role="status" data-ended=${news.ended ?? ""}>
    ${busy && html`<p>${busy}. <progress aria-label=${news.phase}></progress></p>`}
    ${live.failure && html`<p class="wrong">${live.failure}</p>`}
    ${said && html`<p class=${news.ended === "converged" ? "right" : ""}>${said}</p>`}
    ${isLost && news.advice?.rate && html`<p>With the learning rate ${number(news.advice.rate, 3)} the same start ends with
      ${" "}${whole(news.advice.wrong)} of ${whole(news.advice.of)} training points wrong.
      ${" "}<button onClick=${() => change({ learning_rate: news.advice.rate })}>Use rate ${number(news.advice.rate, 3)}</button></p>`}
    ${isLost && news.advice && !news.advice.rate && html`<p>No smaller rate that was tried helps from this start: try other initial weights or more hidden units.</p>`}
    ${isLost && !news.advice && html`<p>Looking for a rate that works.</p>`}
  </div>`;
}

/** @param {any} news */
function sentence(news) {
  if (news.ended === "diverged") return `It diverged: ${news.said}. What was before it is still here: go back and look.`;
  if (news.ended === "failed") return `It failed: ${news.said}.`;
  if (news.ended === "dead" || news.dead)
    return "The network is dead: no hidden unit is active at any training point, so all derivatives but that of b_out are zero, and it stays as it is.";
  if (news.ended === "converged") return "No training point is wrong.";
  if (news.ended === "plateau") return "It is stuck on a plateau: the boundary is a line, or the error has not moved for the last tenth of the run. More hidden units, another rate or other initial weights may help.";
  if (news.ended === "oscillating") return "It ended with errors and was still moving: give it more iterations, or a smaller rate.";
  return "";
}
