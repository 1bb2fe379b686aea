// What is taken away: the chain, the picture, what comes out, and code that gives the same bits.
import { useEffect, useState } from "preact/hooks";
import { get } from "../shared/api.js";
import { html } from "../shared/html.js";

const QUIET = 1200; // milliseconds without a change: what is painted and the check go first
const FILES = [
  ["chain.py", "Python file"],
  ["chain.safetensors", "chain and weights"],
  ["picture.png", "picture at this size"],
  ["output.npy", "what comes out"],
];

/** @param {{base: string, revision: number}} properties */
export function Take({ base, revision }) {
  const [found, setFound] = useState({ revision: -1, digest: "" });
  useEffect(() => {
    let stopped = false;
    const timer = setTimeout(() => {
      get(`${base}/digest`).then(({ digest }) => stopped || setFound({ revision, digest }), () => {});
    }, QUIET);
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [base, revision]);
  const digest = found.revision === revision ? found.digest : "";
  return html`<section class="take" aria-labelledby="take-title">
    <h2 id="take-title">Take it away</h2>
    <p>The Python file, beside the chain and the picture, gives what comes out of the last layer, to the last bit. The chain's file loads with chainrule.load_chain.</p>
    <ul class="row">${FILES.map(([name, what]) => html`<li key=${name}><a class="button" href=${`${base}/take/${name}`} download=${name}>${what} <span class="quiet">${name}</span></a></li>`)}</ul>
    <p class="digest">Digest of what comes out: <code data-digest=${digest}>${digest || "on its way"}</code></p>
  </section>`;
}
