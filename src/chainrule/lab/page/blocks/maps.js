// What comes out of a layer, channel by channel; an entry is pointed at, or chosen.
import { useEffect, useMemo, useState } from "preact/hooks";
import { number } from "../shared/format.js";
import { html } from "../shared/html.js";
import { framed, moved, sheetOf, under } from "./frames.js";
import { Sheet } from "./sheet.js";

const LATER = 50; // milliseconds: the channel that is looked at is painted first

/** @typedef {import("./frames.js").Maps} Maps
 *  @typedef {import("./room.js").Chosen} Chosen
 *  @typedef {{key: string, maps: Maps}} Given */

/** @param {{base: string, revision: number, given: Given | null, layer: number, name: string, chosen: Chosen | null,
 *   point: (place: number[] | null) => void, choose: (place: number[]) => void}} properties */
export function OutputMaps({ base, revision, given, layer, name, chosen, point, choose }) {
  const of = `${base} ${layer}`;
  const [asked, setAsked] = useState(/** @type {Given & {of: string} | null} */ (null));
  const [said, setSaid] = useState("");
  const key = `${layer}:${revision}`;
  const came = given?.key === key ? given : null;
  useEffect(() => {
    let stopped = false;
    if (came) return void (setAsked({ of, ...came }), setSaid(""));
    framed(`${base}/maps?layer=${layer}`).then(
      (maps) => stopped || (setAsked({ of, key, maps }), setSaid("")),
      (e) => stopped || setSaid(e.message),
    );
    return () => void (stopped = true);
  }, [base, revision, layer]);
  const place = chosen?.layer === layer ? chosen.place : null;
  const found = came ? { of, ...came } : asked;
  const maps = found?.maps;
  return html`<section class="maps" aria-labelledby="maps-title" data-maps=${found?.key} data-low=${maps?.said.low} data-high=${maps?.said.high}>
    <h2 id="maps-title">What comes out of ${name}</h2>
    ${said && html`<p role="alert" class="wrong">${said}</p>`}
    ${found && maps && found.of === of && (maps.said.values
      ? html`<${Row} said=${maps.said} place=${place} choose=${choose} />`
      : html`<${Channels} maps=${maps} drawn=${found.key} place=${place} name=${name} point=${point} choose=${choose} />`)}
  </section>`;
}

/** @param {{maps: Maps, drawn: string, place: number[] | null, name: string, point: (place: number[] | null) => void, choose: (place: number[]) => void}} properties */
function Channels({ maps, drawn, place, name, point, choose }) {
  const { shape: [channels, height, width], shown = 0, low, high } = maps.said;
  const [picked, setPicked] = useState(place?.[0] ?? 0);
  const channel = Math.min(picked, shown - 1);
  useEffect(() => void (place && setPicked(place[0])), [place?.[0]]);
  const [settled, setSettled] = useState(/** @type {Maps | null} */ (null)); // whose other channels are drawn, too
  const sheet = useMemo(() => sheetOf(maps.bytes, height, width, channel), [maps, channel]);
  const small = useMemo(() => (settled === maps ? Array.from({ length: shown }, (_, c) => sheetOf(maps.bytes, height, width, c)) : []), [settled, maps]);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(maps), LATER);
    return () => clearTimeout(timer);
  }, [maps]);
  const frames = place && place[0] === channel ? [{ top: place[1], left: place[2], rows: 1, columns: 1, strong: true }] : [];
  /** @param {number} c */
  const show = (c) => {
    setPicked(c);
    if (place) choose([c, place[1], place[2]]);
  };
  return html`<p>Channel ${channel + 1} of ${channels}, ${width} × ${height}; black is ${number(low, 3)}, white ${number(high, 3)}.
      ${" "}<strong>Point at a pixel</strong> to see its sum, click it to take its derivative apart.</p>
    <${Sheet} sheet=${sheet} frames=${frames} drawn=${`${drawn}:${channel}`} label=${`Channel ${channel + 1} of ${name}`} keys="maps-keys"
      onPlace=${(/** @type {MouseEvent} */ e) => choose([channel, ...under(e, height, width)])}
      onHover=${(/** @type {MouseEvent} */ e) => point([channel, ...under(e, height, width)])} onLeave=${() => point(null)}
      onKey=${(/** @type {KeyboardEvent} */ e) => { const to = moved(e, place?.slice(1) ?? [0, 0], height, width); if (to) choose([channel, ...to]); }} />
    <p id="maps-keys" class="quiet">Arrow keys move the chosen pixel, with Shift by ten.</p>
    ${channels > 1 && html`<ul class="channels">${Array.from({ length: shown }, (_, c) => html`<li key=${c}>
      <button aria-pressed=${c === channel} onClick=${() => show(c)} aria-label=${`Channel ${c + 1}`}><${Sheet} sheet=${small[c] ?? null} frames=${[]} drawn=${drawn} label="" /></button></li>`)}</ul>`}
    ${channels > shown && html`<p class="quiet">The first ${shown} are shown; the file with the output has all.</p>`}`;
}

/** Numbers in a row, as a flat layer gives them.
 *  @param {{said: import("./frames.js").Said, place: number[] | null, choose: (place: number[]) => void}} properties */
function Row({ said, place, choose }) {
  const values = said.values ?? [];
  return html`<p>${said.shape[0]} numbers, from ${number(said.low)} to ${number(said.high)}. Choose one to take it apart.</p>
    <ol class="numbers">${values.slice(0, 100).map((value, k) => html`<li key=${k}>
      <button aria-pressed=${place?.[0] === k} onClick=${() => choose([k])}><span class="quiet">${k + 1}</span> ${number(value)}</button></li>`)}</ol>
    ${said.shape[0] > 100 && html`<label>Another, by its number <input type="number" min="1" max=${said.shape[0]}
      onChange=${(/** @type {any} */ e) => { const k = Number(e.target.value) - 1; if (k >= 0 && k < said.shape[0]) choose([k]); }} /></label>`}`;
}
