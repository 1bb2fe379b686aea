// How a line was read, as the server tells it: JSON values, then each line's crop and probabilities.
import { getBytes } from "../shared/api.js";

/** @typedef {{character: string, box: number[], frames: [number, number], surest: number, best: [string, number][], path: string}} Character
 *  @typedef {{how: "path" | "search" | "again" | "words", text: string, seen: number, words: number, kept: boolean}} Reading
 *  @typedef {{text: string, confidence: number, crops: number, spaces: boolean, width: number, frames: number, path: string[],
 *    characters: Character[], readings: Reading[], ink: Uint8Array, p: Float32Array}} TracedLine
 *  @typedef {{name: string, text: string, confidence: number, reason: string | null, field: number, classes: string[], lines: TracedLine[]}} ReaderTrace
 *  @typedef {{width: number, height: number, kept: number, sure: number, words: boolean, doubt: string | null, decided: string | null, is_cascade: boolean, readers: ReaderTrace[]}} Trace */

const HEIGHT = 32; // of a crop

/** @param {string} address @returns {Promise<Trace>} */
export async function traced(address) {
  const bytes = await getBytes(address);
  const end = new Uint8Array(bytes).indexOf(10);
  const found = JSON.parse(new TextDecoder().decode(bytes.slice(0, end)));
  let at = end + 1;
  for (const reader of found.readers)
    for (const line of reader.lines) {
      const crop = HEIGHT * line.width;
      const scores = 4 * reader.classes.length * line.frames;
      line.ink = new Uint8Array(bytes, at, crop);
      line.p = new Float32Array(bytes.slice(at + crop, at + crop + scores)); // a copy lies at a multiple of 4
      at += crop + scores;
    }
  return found;
}

/** A class in words: what nobody sees gets a sign. @param {string} character */
export const sign = (character) => (character === "" ? "blank" : character === " " ? "␣" : character);

/** The most probable classes at a step. @param {ReaderTrace} reader @param {TracedLine} line @param {number} step @param {number} [most] */
export function bestAt({ classes }, { p, frames }, step, most = 5) {
  const at = classes.map((name, k) => /** @type {[string, number]} */ ([name, p[k * frames + step]]));
  return at.sort((one, other) => other[1] - one[1]).slice(0, most);
}

/** The columns of the crop that a step sees. @param {number} field @param {number} width @param {number} step */
export function seenBy(field, width, step) {
  const middle = 4 * Math.floor(step / 2);
  const half = (field - 1) / 2;
  return [Math.max(0, middle - half), Math.min(width, middle + half + 1)];
}
