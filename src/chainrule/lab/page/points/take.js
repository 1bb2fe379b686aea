// What is taken away: the run as code, as a command, its points and weights, and as a link.
import { useEffect, useState } from "preact/hooks";
import { get } from "../shared/api.js";
import { whole } from "../shared/format.js";
import { html } from "../shared/html.js";

const FILES = [
  ["run.py", "Python file"],
  ["run.sh", "command line"],
  ["points.csv", "points"],
  ["validation.csv", "validation points"],
  ["weights.safetensors", "weights"],
  ["run.zip", "all of it"],
];

/** @param {{live: import("./live.js").Live}} properties */
export function Take({ live }) {
  const [copied, setCopied] = useState("");
  const [found, setFound] = useState({ run: "", at: -1, digest: "" });
  const { is_playing: isPlaying, iteration } = live.news;
  useEffect(() => {
    let stopped = false;
    if (!isPlaying)
      get(`/api/points/runs/${live.id}`).then(
        ({ news, digest }) => stopped || setFound({ run: live.id, at: news.iteration, digest: digest ?? "" }),
        () => {},
      );
    return () => void (stopped = true);
  }, [live, isPlaying, isPlaying || iteration]);
  const digest = !isPlaying && found.run === live.id && found.at === iteration ? found.digest : "";
  const link = live.link === null ? null : `${location.origin}/#points?${live.link}`;
  const copy = () =>
    navigator.clipboard?.writeText(link ?? "").then(() => setCopied("copied"), () => setCopied("copy it from the field"));
  return html`<section class="take" aria-labelledby="take-title">
    <h2 id="take-title">Take it away</h2>
    <p>At the iteration where the run is; the code and the command give the same weights anywhere, to the last bit.</p>
    <ul class="row">${FILES.map(([name, what]) => html`<li>
      <a class="button" href=${`/api/points/runs/${live.id}/take/${name}`} download=${name}>${what} <span class="quiet">${name}</span></a></li>`)}</ul>
    <p class="digest">Digest of the weights after iteration ${whole(iteration ?? 0)}: <code data-digest=${digest}>${digest || "when it is paused"}</code></p>
    ${link !== null
      ? html`<p class="row"><label>Link to this run <input class="wide" readonly value=${link} /></label>
          <button onClick=${copy}>Copy</button> <span role="status">${copied}</span></p>`
      : html`<p class="quiet">These points are too many, or have too many digits, for a link of 2,000 characters: take the files.</p>`}
  </section>`;
}
