// The chain: its layers, which of them is looked at, and how they are changed.
import { useState } from "preact/hooks";
import { html } from "../shared/html.js";
import { given } from "./frames.js";

/** @typedef {import("./room.js").Board} Board
 *  @typedef {import("./room.js").Layer} Layer */

/** @type {Record<string, string>} */
const PRESETS = {
  network: "a small network",
  laplacian: "Laplacian filter",
  edges: "vertical edges",
  relu: "vertical edges, ReLU",
  maxpool: "max pooling, 15 by 15",
  normalize: "colours of norm 1",
  random: "ten random filters",
};

/** @param {{board: Board, layer: number, choose: (layer: number) => void, change: (values: object) => void,
 *   openChain: (file: Blob) => void}} properties */
export function Layers({ board, layer, choose, change, openChain }) {
  const [kind, setKind] = useState("Convolution");
  const { layers } = board;
  const chosen = layers[layer - 1];
  return html`<section class="layers" aria-labelledby="layers-title">
    <h2 id="layers-title">Chain</h2>
    <ol class="plain">${layers.map((each, k) => html`<li key=${each.name}>
      <button class="layer" aria-pressed=${k + 1 === layer} onClick=${() => choose(k + 1)} data-layer=${each.name}>
        <b>${each.name}</b> <span>${each.kind}</span>
        <span class="quiet">${each.shape.join(" × ")}${each.field ? `, sees ${each.field.join(" × ")}` : ""}</span></button></li>`)}</ol>
    ${!layers.length && html`<p>The chain is empty: the picture comes out as it goes in. Add a block.</p>`}
    <form class="row" onSubmit=${(/** @type {Event} */ e) => (e.preventDefault(), change({ do: "add", kind, after: chosen?.name }))}>
      <label>Block <select value=${kind} onChange=${(/** @type {any} */ e) => setKind(e.target.value)}>
        ${board.kinds.map((each) => html`<option value=${each.kind} title=${each.first}>${each.kind}</option>`)}</select></label>
      <button>${chosen ? `Add after ${chosen.name}` : "Add"}</button></form>
    <div class="row"><button onClick=${() => change({ do: "undo" })} disabled=${!board.undo}>Undo</button>
      <label>Begin with <select value="" onChange=${(/** @type {any} */ e) => e.target.value && change({ do: "preset", preset: e.target.value })}>
        <option value="">choose</option>${board.presets.map((name) => html`<option value=${name}>${PRESETS[name] ?? name}</option>`)}</select></label>
      <label class="button">Open a chain <input class="hidden" type="file" accept=".safetensors"
        onChange=${(/** @type {any} */ e) => given(e, openChain)} /></label></div>
    ${chosen && html`<${Settings} key=${chosen.name + chosen.typed} layer=${chosen} isFirst=${layer === 1} isLast=${layer === layers.length} change=${change} />`}
  </section>`;
}

/** @param {{layer: Layer, isFirst: boolean, isLast: boolean, change: (values: object) => void}} properties */
function Settings({ layer, isFirst, isLast, change }) {
  const [values, setValues] = useState(/** @type {Record<string, string>} */ (Object.fromEntries(layer.settings.map(({ name, value }) => [name, value]))));
  /** @param {string} name @param {string} value */
  const set = (name, value) => setValues({ ...values, [name]: value });
  return html`<form class="fields" onSubmit=${(/** @type {Event} */ e) => (e.preventDefault(), change({ do: "set", layer: layer.name, settings: values }))}>
    <h3>${layer.name}</h3>
    <p><code class="typed">${layer.typed}</code></p>
    ${layer.settings.map(({ name, choices }) => html`<label key=${name}>${name.replaceAll("_", " ")}
      ${choices.length
        ? html`<select value=${values[name]} onChange=${(/** @type {any} */ e) => set(name, e.target.value)}>${choices.map((c) => html`<option value=${c}>${c}</option>`)}</select>`
        : html`<input class="short" value=${values[name]} onInput=${(/** @type {any} */ e) => set(name, e.target.value)} />`}</label>`)}
    <div class="row">${layer.settings.length > 0 && html`<button>Use</button>`}
      <button type="button" onClick=${() => change({ do: "move", layer: layer.name })} disabled=${isFirst} aria-label="Move up">↑</button>
      <button type="button" onClick=${() => change({ do: "move", layer: layer.name, down: true })} disabled=${isLast} aria-label="Move down">↓</button>
      <button type="button" onClick=${() => change({ do: "remove", layer: layer.name })}>Remove</button>
      ${Object.keys(layer.parameters).length > 0 && html`<button type="button" onClick=${() => change({ do: "draw", layer: layer.name, seed: Math.floor(Math.random() * 1e6) })}>Draw its weights</button>`}
    </div>
  </form>`;
}
