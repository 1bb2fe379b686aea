// The picture that goes in: what an output sees of it, and the output's derivative by it.
import { useEffect, useMemo, useState } from "preact/hooks";
import { number, whole } from "../shared/format.js";
import { html } from "../shared/html.js";
import { framed, given, moved, sheetOf, under } from "./frames.js";
import { Sheet } from "./sheet.js";

/** @typedef {import("./frames.js").Maps} Maps
 *  @typedef {import("./room.js").Chosen} Chosen */

/** @param {{base: string, revision: number, opened: number, board: import("./room.js").Board, chosen: Chosen | null, field: number[] | null,
 *   from: number[] | null, setFrom: (entry: number[]) => void, change: (values: object) => void, openPicture: (file: File) => void}} properties */
export function Picture({ base, revision, opened, board, chosen, field, from, setFrom, change, openPicture }) {
  const [maps, setMaps] = useState(/** @type {Maps | null} */ (null));
  const [answer, setAnswer] = useState(/** @type {{of: string, said: any, bytes: Uint8ClampedArray} | null} */ (null));
  const [view, setView] = useState("picture");
  const [over, setOver] = useState(false);
  useEffect(() => {
    let stopped = false;
    framed(`${base}/maps?layer=0`).then((found) => stopped || setMaps(found), () => {});
    return () => void (stopped = true);
  }, [base, opened, board.picture.name, board.side, board.picture.shape.join()]);
  const asked = chosen ? `${base}/derivative?layer=${chosen.layer}&place=${chosen.place}` : "";
  useEffect(() => {
    let stopped = false;
    if (asked) framed(asked).then((found) => stopped || setAnswer({ of: `${asked} ${revision}`, ...found }), () => stopped || setAnswer(null));
    return () => void (stopped = true);
  }, [asked, revision]);
  const slopes = asked && answer?.of.startsWith(base) ? answer : null;
  const isNew = slopes?.of === `${asked} ${revision}`; // what is shown meanwhile is of another output
  const shown = view === "derivative" && slopes ? slopes : maps;
  const [channels, height, width] = shown?.said.shape ?? board.picture.shape;
  const sheet = useMemo(() => shown && sheetOf(shown.bytes, height, width, 0, channels === 3), [shown]);
  const frames = [];
  if (field) frames.push({ top: field[0], left: field[1], rows: field[2], columns: field[3] });
  if (from) frames.push({ top: from[1], left: from[2], rows: 1, columns: 1, strong: true });
  /** @param {number[]} at */
  const choose = ([row, column]) => chosen && setFrom([from?.[0] ?? 0, row, column]);
  /** @param {DragEvent} event */
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    if (event.dataTransfer?.files[0]) openPicture(event.dataTransfer.files[0]);
  };
  return html`<section class=${`drop ${over ? "over" : ""}`} aria-labelledby="picture-title"
      onDragOver=${(/** @type {Event} */ e) => (e.preventDefault(), setOver(true))} onDragLeave=${() => setOver(false)} onDrop=${drop}>
    <h2 id="picture-title">Picture</h2>
    <${Sheet} sheet=${sheet} frames=${frames} drawn=${shown === maps ? "picture" : `derivative ${slopes?.of}`} label=${`${board.picture.name}${view === "derivative" ? ", the derivative by each pixel" : ""}`}
      onPlace=${(/** @type {MouseEvent} */ e) => choose(under(e, height, width))} keys="picture-keys"
      onKey=${(/** @type {KeyboardEvent} */ e) => { const to = moved(e, from?.slice(1) ?? [0, 0], height, width); if (to) choose(to); }} />
    <p id="picture-keys" class="quiet name">${board.picture.name}, ${width} × ${height} pixels. White frame: what the output sees; yellow: the pixel that is taken apart
      (click, or the arrow keys).</p>
    <div class="row"><label><input type="radio" name="view" checked=${view === "picture"} onChange=${() => setView("picture")} /> the picture</label>
      <label><input type="radio" name="view" checked=${view === "derivative"} disabled=${!slopes} onChange=${() => setView("derivative")} /> derivative of the chosen output</label></div>
    ${slopes && html`<p class="quiet" data-slopes=${isNew ? slopes.said.pixels : undefined}>It depends on ${whole(slopes.said.pixels)} pixels; the largest derivative is ${number(slopes.said.most)}. Grey is 0.
      ${" "}<button onClick=${() => setFrom(slopes.said.strongest)} disabled=${!isNew}>Take the strongest apart</button></p>`}
    <div class="row"><label class="button">Open a picture <input class="hidden" type="file" accept="image/*"
        onChange=${(/** @type {any} */ e) => given(e, openPicture)} /></label>
      ${!board.fixed && html`<label>Longer side <select class="picture-side" value=${board.side} onChange=${(/** @type {any} */ e) => change({ do: "side", side: Number(e.target.value) })}>
        ${board.sides.map((side) => html`<option value=${side}>${side}</option>`)}</select></label>`}</div>
    <p class="quiet">Or drop a picture here.</p>
  </section>`;
}
