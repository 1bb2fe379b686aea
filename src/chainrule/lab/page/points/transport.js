// Play, pause, step, rewind: where the run is.
import { useState } from "preact/hooks";
import { percent, whole } from "../shared/format.js";
import { html } from "../shared/html.js";

const PACES = [1, 10, 100, 2000, 20000, 200000];

/** @param {{live: import("./live.js").Live}} properties */
export function Transport({ live }) {
  const { news, settings } = live;
  const [to, setTo] = useState("");
  const at = news.iteration ?? 0;
  const total = settings?.iterations ?? 0;
  const [n = 0, m = 0] = live.shape?.sizes ?? [];
  const over = at >= total || news.ended === "diverged";
  /** @param {Event} event */
  const go = (event) => {
    event.preventDefault();
    const value = Math.min(Number(to), total);
    if (to !== "" && Number.isInteger(value)) live.do({ do: "seek", to: value });
  };
  return html`<section class="transport" aria-label="Training">
    <div class="row">
      <button onClick=${() => live.do({ do: "seek", to: 0 })} disabled=${at === 0}>Rewind</button>
      <button onClick=${() => live.do({ do: "seek", to: Math.max(0, at - 1) })} disabled=${at === 0} aria-label="One iteration back">−1</button>
      ${news.is_playing
        ? html`<button class="main" onClick=${() => live.do({ do: "pause" })}>Pause</button>`
        : html`<button class="main" onClick=${() => live.do(over ? { do: "seek", to: 0, then: "play" } : { do: "play" })}>${over ? "Play again" : "Play"}</button>`}
      <button onClick=${() => live.do({ do: "step", steps: 1 })} disabled=${over} aria-label="One iteration on">+1</button>
      <button onClick=${() => live.do({ do: "seek", to: total })} disabled=${over}>To the end</button>
      <label>Pace <select value=${news.pace ?? "full"} onChange=${(/** @type {any} */ e) => live.do({ do: "pace", pace: e.target.value === "full" ? null : Number(e.target.value) })}>
        ${PACES.map((pace) => html`<option value=${pace}>${whole(pace)} a second</option>`)}
        <option value="full">as fast as it goes</option>
      </select></label>
      <form class="row" onSubmit=${go}><label>Iteration <input type="number" min="0" max=${total} step="1" value=${to}
        onInput=${(/** @type {any} */ e) => setTo(e.target.value)} /></label><button>Go</button></form>
    </div>
    <progress max=${total || 1} value=${at} aria-label="Iterations"></progress>
    <dl class="figures">
      <div><dt>Iteration</dt><dd data-figure="iteration">${whole(at)} <span class="quiet">of ${whole(total)}</span></dd></div>
      <div><dt>Training points wrong</dt><dd data-figure="train">${figure(news.train_wrong, n)}</dd></div>
      <div><dt>Validation points wrong</dt><dd data-figure="validation">${figure(news.validation_wrong, m)}</dd></div>
      <div><dt>Iterations a second</dt><dd>${news.is_playing && news.speed ? whole(news.speed) : "–"}</dd></div>
    </dl>
  </section>`;
}

/** @param {number | null | undefined} wrong @param {number} of */
const figure = (wrong, of) =>
  wrong === null || wrong === undefined || !of ? "–" : `${whole(wrong)} of ${whole(of)} (${percent(wrong, of)})`;
