// Arrays as the server sends them: a line of JSON, then bytes.
import { getBytes, postBytes } from "../shared/api.js";

/** @typedef {{shape: number[], low: number, high: number, shown?: number, values?: number[]}} Said
 *  @typedef {{said: Said, bytes: Uint8ClampedArray}} Maps
 *  @typedef {{shape: number[], most: number, strongest: number[], pixels: number}} Slopes */

/** @param {string} address @returns {Promise<{said: any, bytes: Uint8ClampedArray}>} */
export const framed = async (address) => parted(await getBytes(address));

/** @param {string} address @param {object} document @returns {Promise<{said: any, bytes: Uint8ClampedArray}>} */
export const postFramed = async (address, document) => parted(await postBytes(address, document));

/** @param {ArrayBuffer} buffer */
function parted(buffer) {
  const content = new Uint8ClampedArray(buffer);
  const end = content.indexOf(10);
  const said = JSON.parse(new TextDecoder().decode(content.subarray(0, end)));
  return { said, bytes: content.subarray(end + 1) };
}

/**
 * One channel in grey, or three as colours, as a picture of its own size.
 * @param {Uint8ClampedArray} bytes @param {number} height @param {number} width
 * @param {number} channel @param {boolean} [colours]
 */
export function sheetOf(bytes, height, width, channel, colours = false) {
  const sheet = document.createElement("canvas");
  sheet.width = width;
  sheet.height = height;
  const brush = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"));
  const image = brush.createImageData(width, height);
  const size = width * height;
  const pixels = new Uint32Array(image.data.buffer); // red is the lowest byte wherever a browser runs
  const [red, green, blue] = [0, 1, 2].map((k) => bytes.subarray((channel + (colours ? k : 0)) * size));
  for (let i = 0; i < size; i++) pixels[i] = (255 << 24) | (blue[i] << 16) | (green[i] << 8) | red[i];
  brush.putImageData(image, 0, 0);
  return sheet;
}

/** Where a mouse event is in an array of this size: row, column.
 *  @param {MouseEvent} event @param {number} height @param {number} width */
export function under(event, height, width) {
  const area = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
  const at = (/** @type {number} */ part, /** @type {number} */ n) => Math.max(0, Math.min(n - 1, Math.floor(part * n)));
  return [at((event.clientY - area.top) / area.height, height), at((event.clientX - area.left) / area.width, width)];
}

/** Where the arrow keys lead: row, column; null for another key.
 *  @param {KeyboardEvent} event @param {number[]} from @param {number} height @param {number} width */
export function moved(event, from, height, width) {
  /** @type {Record<string, number[]>} */
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const move = moves[event.key];
  if (!move) return null;
  event.preventDefault();
  const far = event.shiftKey ? 10 : 1;
  return [
    Math.max(0, Math.min(height - 1, from[0] + far * move[0])),
    Math.max(0, Math.min(width - 1, from[1] + far * move[1])),
  ];
}

/** The file that was chosen; the same one can be chosen again.
 *  @param {any} event @param {(file: File) => void} take */
export function given({ target }, take) {
  const [file] = target.files;
  target.value = "";
  if (file) take(file);
}
