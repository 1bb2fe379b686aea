// How files are sent: alone or several in a request, a few requests at a time.
import { Refusal, upload } from "../shared/api.js";
import { whole } from "../shared/format.js";

/** @typedef {import("./gather.js").Given} Given
 *  @typedef {Given & {size: number}} Sized
 *  @typedef {{sent: number, of: number, refused: {name: string, reason: string}[], stopped: string}} Sending
 *  What became of files: of each, in their order, why it was not taken; and why no more of them were.
 *  @typedef {{files: {reason?: string}[], stopped: string}} Became
 *  @typedef {{files: number, bytes: number, send: (given: Sized[]) => Promise<Became>}} Sender at most so much in a request
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
    const names = JSON.stringify(given.map(({ name, size }) => [name, size]));
    return upload(address, new Blob([names, "\n", ...given.map(({ file }) => file)]));
  },
});

/**
 * @param {Sender} sender @param {number} most bytes of a file @param {Given[]} given
 * @param {(sending: Sending) => void} tell @param {() => boolean} isCancelled
 */
export async function send(sender, most, given, tell, isCancelled) {
  /** @type {Sending} */
  const state = { sent: 0, of: given.length, refused: [], stopped: "" };
  /** @param {Given} given @param {string} reason */
  const refuse = ({ name }, reason) => void state.refused.push({ name, reason });
  const left = [...given];
  let next = 0;
  let told = performance.now();
  const some = () => {
    /** @type {Sized[]} */
    const taken = [];
    for (let bytes = 0; next < left.length && taken.length < sender.files; next++) {
      const size = left[next].file.size; // the browser asks the disk each time
      if (size > most) {
        refuse(left[next], `${whole(size)} bytes; expected at most ${whole(most)}`);
        state.sent += 1;
      } else if (taken.length && bytes + size > sender.bytes) break;
      else {
        taken.push({ ...left[next], size });
        bytes += size;
      }
    }
    return taken;
  };
  /** A file that was changed or removed meanwhile ends a request as a lab does that was stopped.
   * @param {Error} error @param {Sized[]} sent */
  const failed = async (error, sent) => {
    const isThere = await Promise.all(sent.map(({ file }) => file.slice(0, 1).arrayBuffer().then(() => true, () => false)));
    const gone = sent.filter((_, k) => !isThere[k]);
    if (!gone.length) state.stopped ||= error.message;
    for (const one of gone) refuse(one, "it cannot be read: it was changed or removed meanwhile");
    state.sent += gone.length;
    if (gone.length) left.push(...sent.filter((_, k) => isThere[k]));
  };
  const one = async () => {
    while (next < left.length && !state.stopped) {
      const sent = some();
      if (!sent.length) continue;
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
