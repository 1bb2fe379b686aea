// What decided on a class: the square that the network saw, and two maps over it.
import { useEffect, useRef, useState } from "preact/hooks";
import { getBytes } from "../shared/api.js";
import { html } from "../shared/html.js";

/** @typedef {{class_index: number, class: string, size: number, square: Uint8Array, derivative: Uint8Array, cam: Uint8Array}} Decided */

const VIEWS = { cam: "what spoke for it (Grad-CAM)", derivative: "where a change matters most", square: "what the network saw" };

/** @param {string} address @returns {Promise<Decided>} */
export async function decided(address) {
  const bytes = new Uint8Array(await getBytes(address));
  const end = bytes.indexOf(10);
  const found = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
  const area = found.size ** 2;
  const at = end + 1;
  const [square, derivative, cam] = [[0, 3], [3, 4], [4, 5]].map(([from, to]) => bytes.subarray(at + from * area, at + to * area));
  return { ...found, square, derivative, cam };
}

/** @param {{name: string, found: Decided | null, busy: string}} properties */
export function Map({ name, found, busy }) {
  const [view, setView] = useState(/** @type {keyof typeof VIEWS} */ ("cam"));
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  useEffect(() => {
    const context = found && canvas.current?.getContext("2d");
    if (!found || !context) return;
    context.putImageData(new ImageData(painted(found, view), found.size), 0, 0);
    /** @type {HTMLCanvasElement} */ (canvas.current).dataset.drawn = `${found.class_index}:${view}`;
  }, [found, view]);
  const words = found ? `${name}: ${VIEWS[view]}${view === "square" ? "" : `, for ${found.class}; strongest ${place(found, view)}`}` : "";
  return html`<div class="decided" aria-busy=${busy !== ""}>
    <canvas ref=${canvas} width=${found?.size ?? 224} height=${found?.size ?? 224} role="img" aria-label=${words || "not there yet"}></canvas>
    <p role="status" class="quiet">${busy || words}</p>
    <fieldset><legend>Show</legend>${Object.entries(VIEWS).map(([value, text]) => html`<label>
      <input type="radio" name="view" value=${value} checked=${view === value} onChange=${() => setView(/** @type {keyof typeof VIEWS} */ (value))} /> ${text}</label>`)}
    </fieldset></div>`;
}

/** Light where the map is strong: shades need no eye for colours. @param {Decided} found @param {keyof typeof VIEWS} view */
function painted({ square, derivative, cam, size }, view) {
  const pixels = new Uint8ClampedArray(4 * size * size);
  for (let i = 0; i < size * size; i++) {
    const light = view === "square" ? 1 : view === "cam" ? 0.12 + (0.88 * cam[i]) / 255 : 1;
    for (let c = 0; c < 3; c++)
      pixels[4 * i + c] = view === "derivative" ? 255 * Math.sqrt(derivative[i] / 255) : square[3 * i + c] * light;
    pixels[4 * i + 3] = 255;
  }
  return pixels;
}

/** Where a map's mass is, in words. @param {Decided} found @param {"cam" | "derivative" | "square"} view */
function place({ cam, derivative, size }, view) {
  const map = view === "derivative" ? derivative : cam;
  const sums = new Float64Array(9);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      sums[3 * Math.floor((3 * y) / size) + Math.floor((3 * x) / size)] += map[y * size + x];
  const best = sums.indexOf(Math.max(...sums));
  if (!sums[best]) return "nowhere: nothing speaks for it";
  const rows = ["at the top", "", "at the bottom"][Math.floor(best / 3)];
  const columns = ["on the left", "", "on the right"][best % 3];
  return [rows, columns].filter(Boolean).join(" ") || "in the middle";
}
