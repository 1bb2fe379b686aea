// Where pictures and folders are given to the album: dropped, chosen or pasted.
import { useRef, useState } from "preact/hooks";
import { whole } from "../shared/format.js";
import { html } from "../shared/html.js";
import { chosen, dropped } from "./gather.js";
import { eachAlone, send, together } from "./send.js";

/** @typedef {import("./gather.js").Given} Given
 *  @typedef {import("./send.js").Sending} Sending */

/**
 * @param {{album: string, most: number, changed: () => void, fresh: (what: "nothing" | "sample") => void}} properties
 */
export function Give({ album, most, changed, fresh }) {
  const { sending, busy, cancel, choose, area } = useGiving(`/api/photographs/albums/${album}/bundle`, most, changed, together);
  return html`<section class="give" aria-labelledby="give-title" data-sent=${sending?.sent} data-sending=${busy}>
    <h2 id="give-title">Pictures</h2>
    <div ...${area}>
      <p>Drop pictures or folders here. A folder of folders is taken as classes: each inner folder is one.</p>
      <div class="row">
        <label class="button">Open pictures<input class="hidden" type="file" multiple accept="image/*,.heic,.heif,.tif,.tiff" onChange=${choose} disabled=${busy} /></label>
        <label class="button">Open a folder<input class="hidden" type="file" webkitdirectory onChange=${choose} disabled=${busy} /></label>
      </div>
    </div>
    <div class="row"><button onClick=${() => fresh("nothing")} disabled=${busy}>New album</button>
      <button onClick=${() => fresh("sample")} disabled=${busy}>Sample pictures</button></div>
    ${sending && html`<${Sent} sending=${sending} busy=${busy} cancel=${cancel} />`}
  </section>`;
}

/** Sends what is dropped or chosen: what an area to drop on, and inputs of files, need.
 * @param {string} address @param {number} most @param {() => void} changed
 * @param {import("./send.js").Way} way how the address takes them
 */
export function useGiving(address, most, changed, way = eachAlone) {
  const [sending, setSending] = useState(/** @type {Sending | null} */ (null));
  const [over, setOver] = useState(false);
  const cancelled = useRef(false);
  /** @param {Given[]} given */
  const give = async (given) => {
    if (!given.length) return;
    cancelled.current = false;
    await send(way(address), most, given, setSending, () => cancelled.current);
    changed();
  };
  /** @param {DragEvent} event */
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    if (event.dataTransfer) dropped(event.dataTransfer).then(give);
  };
  /** @param {DragEvent} event */
  const drag = (event) => {
    event.preventDefault();
    setOver(true);
  };
  /** @param {any} event */
  const choose = ({ target }) => {
    const given = chosen(target.files);
    target.value = "";
    return give(given);
  };
  const busy = sending !== null && sending.sent < sending.of && !sending.stopped;
  const area = { class: over ? "drop over" : "drop", onDrop: drop, onDragOver: drag, onDragLeave: () => setOver(false) };
  return { sending, busy, cancel: () => void (cancelled.current = true), choose, area };
}

/** @param {{sending: Sending, busy: boolean, cancel: () => void}} properties */
export function Sent({ sending, busy, cancel }) {
  const { sent, of, refused, stopped } = sending;
  return html`<div role="status">
      <p class="quiet">${busy ? "Taking" : "Took"} ${whole(sent - refused.length)} of ${whole(of)} files.</p>
    </div>
    ${busy && html`<progress max=${of} value=${sent} aria-label="Files taken"></progress><button onClick=${cancel}>Stop</button>`}
    ${stopped && html`<p class="wrong" role="alert">${stopped}</p>`}
    ${refused.length > 0 && html`<details open=${refused.length < 6}><summary>${whole(refused.length)} not taken</summary>
      <ul class="plain">${refused.slice(0, 100).map(({ name, reason }) => html`<li><b>${name}</b>: ${reason}</li>`)}
      ${refused.length > 100 && html`<li>and ${whole(refused.length - 100)} more</li>`}</ul></details>`}`;
}
