// How files are sent: alone or several in a request, a few requests at a time.
import { Refusal, upload } from "../shared/api.js";
import { whole } from "../shared/format.js";

/** @typedef {import("./gather.js").Given} Given
 *  @typedef {{sent: number, of: number, refused: {name: string, reason: string}[], stopped: string}} Sending
 *  What became of files: of each, in their order, why it was not taken; and why no more of them were.
 *  @typedef {{files: {reason?: string}[], stopped: string}} Became
 *  @typedef {{files: number, bytes: number, send: (given: Given[]) => Promise<Became>}} Sender at most so much in a request
 *  @typedef {(address: string) => Sender} Way */

const TOGETHER = 4; // requests: a browser has six connections, and the page asks meanwhile
const OFTEN = 100; // milliseconds between two words on how far it is

/** To an address that takes one file, and its name. @type {Way} */
export const eachAlone = (address) => ({
  files: 1,
  bytes: 0,
  send: async ([{ name, file }]) => {
    try {
      return { files: [await upload(`${address}?name=${encodeURIComponent(name)}`, file)], stopped: "" };
    } catch (error) {
      if (error instanceof Refusal && ![0, 429].includes(error.status)) return { files: [{ reason: error.message }], stopped: "" };
      throw error;
    }
  },
});

/** To an address that takes bundles: a request takes a browser longer than a picture's bytes. @type {Way} */
export const together = (address) => ({
  files: 64,
  bytes: 4 << 20,
  send: (given) => {
    const names = JSON.stringify(given.map(({ name, file }) => [name, file.size]));
    return upload(address, new Blob([names, "\n", ...given.map(({ file }) => file)]));
  },
});

/**
 * @param {Sender} sender @param {number} most bytes of a file @param {Given[]} given
 * @param {(sending: Sending) => void} tell @param {() => boolean} isCancelled
 */
export async function send(sender, most, given, tell, isCancelled) {
  const fit = given.filter(({ file }) => file.size <= most);
  /** @type {Sending} */
  const state = { sent: given.length - fit.length, of: given.length, refused: [], stopped: "" };
  /** @param {Given} given @param {string} reason */
  const refuse = ({ name }, reason) => void state.refused.push({ name, reason });
  for (const one of given) if (one.file.size > most) refuse(one, `${whole(one.file.size)} bytes; expected at most ${whole(most)}`);
  let next = 0;
  let told = performance.now();
  const some = () => {
    const first = next++;
    for (let bytes = fit[first].file.size; next < fit.length && next - first < sender.files; next++) {
      bytes += fit[next].file.size;
      if (bytes > sender.bytes) break;
    }
    return fit.slice(first, next);
  };
  /** A file that was changed or removed meanwhile ends a request as a lab does that was stopped.
   * @param {Error} error @param {Given[]} sent */
  const failed = async (error, sent) => {
    const isThere = await Promise.all(sent.map(({ file }) => file.slice(0, 1).arrayBuffer().then(() => true, () => false)));
    const gone = sent.filter((_, k) => !isThere[k]);
    if (!gone.length) state.stopped ||= error.message;
    for (const one of gone) refuse(one, "it cannot be read: it was changed or removed meanwhile");
    state.sent += gone.length;
    if (gone.length) fit.push(...sent.filter((_, k) => isThere[k]));
  };
  const one = async () => {
    while (next < fit.length && !state.stopped) {
      const sent = some();
      const became = await sender.send(sent).catch((/** @type {Error} */ e) => e);
      if (became instanceof Error) await failed(became, sent);
      else {
        became.files.forEach(({ reason }, k) => reason && refuse(sent[k], reason));
        state.sent += became.files.length;
        state.stopped ||= became.stopped;
      }
      if (isCancelled()) state.stopped ||= "Stopped; what was taken is kept.";
      if (performance.now() - told > OFTEN) {
        told = performance.now();
        tell({ ...state });
      }
    }
  };
  tell({ ...state });
  await Promise.all(Array.from({ length: TOGETHER }, one));
  tell({ ...state });
}
