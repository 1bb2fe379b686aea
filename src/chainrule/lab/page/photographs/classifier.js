// A classifier of the album's own classes: trained, judged on pictures that it did not see.
import { useEffect, useState } from "preact/hooks";
import { get, post } from "../shared/api.js";
import { whole } from "../shared/format.js";
import { useGoing } from "../shared/going.js";
import { html } from "../shared/html.js";
import { Findings } from "./findings.js";
import { Judged } from "./judged.js";
import { Take } from "./take.js";

/** @typedef {import("./room.js").Album} Album
 *  @typedef {{part: string, error: number, recall: (number | null)[], confusion: number[][], rows: number[][]}} Part
 *  @typedef {{classes: string[], folds: number, parts: Part[], together: number[][], suspects: [number, string, string, number][],
 *    skipped: {file: string, reason: string}[], notes: string[], seconds: number, names: Record<string, string>,
 *    unknown: {threshold: number, own_refused: number, others_refused: number},
 *    reliability: {low: number, high: number, pictures: number, mean_probability: number, right: number}[]}} Verdict */

/**
 * @param {{album: Album, margin: number, setMargin: (margin: number) => void, changed: () => void,
 *   picked: number | null, pick: (number: number) => void}} properties
 */
export function Classifier({ album, margin, setMargin, changed, picked, pick }) {
  const [judged, setJudged] = useState(/** @type {{verdict: Verdict | null, of: string}} */ ({ verdict: null, of: "" }));
  const going = useGoing(album, changed);
  const [balanced, setBalanced] = useState(album.settings.balanced);
  const [said, setSaid] = useState("");
  const asked = album.has_model ? `${album.id} ${album.result.seconds}` : "";
  const verdict = judged.of === asked ? judged.verdict : null; // of this classifier, not of one before
  useEffect(() => {
    if (!asked) return;
    let stopped = false;
    get(`/api/photographs/albums/${album.id}/judged`).then((found) => stopped || setJudged({ verdict: found, of: asked }), (e) => stopped || setSaid(e.message));
    return () => void (stopped = true);
  }, [asked]);
  /** @param {object} values */
  const tell = (values) => {
    setSaid("");
    return post(`/api/photographs/albums/${album.id}/do`, values).then(changed, (e) => setSaid(e.message));
  };
  const names = Object.keys(album.classes);
  const few = names.length < 2;
  const stopped = { interrupted: "The training was interrupted; what was computed is kept.", cancelled: "The training was cancelled; what was computed is kept." }[album.state];
  return html`<section class="classifier" aria-labelledby="classifier-title" data-training=${going ? "running" : album.state} data-judged=${verdict?.parts[0].error}>
    <h2 id="classifier-title">A classifier of your own classes</h2>
    ${few
      ? html`<p class="quiet">Drop a folder that holds a folder for each class, with two pictures or more in each. The lab learns to tell
          them apart, says how often it is wrong on pictures that it did not see, and lets you take it away.</p>`
      : html`<p>${whole(names.length)} classes: ${names.map((name) => `${name} (${whole(album.classes[name])})`).join(", ")}.</p>
        <div class="row">
          ${going
            ? html`<button class="main" onClick=${() => tell({ do: "cancel" })}>Cancel</button>`
            : html`<button class="main" onClick=${() => tell({ do: "train", balanced })}>${stopped ? "Go on" : album.has_model ? "Train again" : "Train"}</button>`}
          <label><input type="checkbox" checked=${balanced} disabled=${going !== null} onChange=${(/** @type {any} */ e) => setBalanced(e.target.checked)} />
            an error costs the more, the rarer its class</label>
        </div>`}
    ${said && html`<p role="alert" class="wrong">${said}</p>`}
    ${!going && album.said && html`<p role="alert" class="wrong">${album.said}</p>`}
    ${!going && stopped && html`<p role="status">${stopped}</p>`}
    ${going && html`<${Going} going=${going} />`}
    ${verdict && html`<${Judged} album=${album.id} verdict=${verdict} margin=${margin} setMargin=${setMargin} picked=${picked} pick=${pick} />
      <${Findings} album=${album.id} verdict=${verdict} picked=${picked} pick=${pick} />
      <${Take} album=${album} margin=${margin} />`}
  </section>`;
}

/** @param {{going: {phase: string, done: number, of: number}}} properties */
function Going({ going: { phase, done, of } }) {
  return html`<div><p role="status">${phase[0].toUpperCase() + phase.slice(1)}${of ? `: ${whole(done)} of ${whole(of)}` : ""}.</p>
    ${of ? html`<progress max=${of} value=${done} aria-label="Pictures looked at"></progress>` : html`<progress aria-label="Getting ready"></progress>`}</div>`;
}
