// The blocks room: a picture goes through a chain of blocks, and every number is taken apart.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, post, upload } from "../shared/api.js";
import { html } from "../shared/html.js";
import { Back } from "./back.js";
import { Check, OwnLayer } from "./check.js";
import { Derivation } from "./derivation.js";
import { EntryOf } from "./entry.js";
import { Filter } from "./filter.js";
import { postFramed } from "./frames.js";
import { Layers } from "./layers.js";
import { OutputMaps } from "./maps.js";
import { Picture } from "./picture.js";
import { Take } from "./take.js";

/** @typedef {{name: string, kind: string, typed: string, shape: number[], field: number[] | null, parameters: Record<string, number[]>,
 *    settings: {name: string, choices: string[], value: string}[], derivation: string}} Layer
 *  @typedef {{id: string, side: number, sides: number[], most: number, picture: {name: string, shape: number[]}, layers: Layer[],
 *    undo: number, presets: string[], kinds: {kind: string, first: string}[], fixed: boolean}} Board
 *  @typedef {{layer: number, place: number[]}} Chosen */

/** @param {{query: string}} properties */
export function Blocks({ query }) {
  const asked = new URLSearchParams(query);
  const [board, setBoard] = useState(/** @type {Board | null} */ (null));
  const [revision, setRevision] = useState(0);
  const [given, setGiven] = useState(/** @type {import("./maps.js").Given | null} */ (null)); // what came with a change
  const [layer, setLayer] = useState(Number(asked.get("layer") ?? 1));
  const [chosen, setChosen] = useState(/** @type {Chosen | null} */ (null));
  const [from, setFrom] = useState(/** @type {number[] | null} */ (null));
  const [busy, setBusy] = useState(0);
  const [phase, setPhase] = useState("");
  const [said, setSaid] = useState("");
  const here = useRef(true);
  const shows = useRef(0); // how often the board was shown

  useEffect(() => {
    /** @param {Event} event */
    const hear = (event) => {
      const { detail } = /** @type {CustomEvent} */ (event);
      if (detail.run === "bench") setPhase(detail.phase);
    };
    addEventListener("signal", hear);
    return () => {
      here.current = false;
      removeEventListener("signal", hear);
    };
  }, []);
  useEffect(() => {
    enter(asked.get("board")).then((found) => {
      show(found);
      const place = asked.get("place")?.split(",").map(Number);
      if (place && !place.some(Number.isNaN)) setChosen({ layer: Number(asked.get("layer") ?? 1), place });
    }, fail);
  }, []);
  useEffect(() => {
    if (!board) return;
    const place = new URLSearchParams({ board: board.id, layer: String(layer) });
    if (chosen) place.set("place", chosen.place.join());
    history.replaceState(null, "", `#blocks?${place}`);
  }, [board?.id, layer, chosen]);

  /** @param {Error} error */
  const fail = (error) => {
    setSaid(error.message);
    setBusy((n) => Math.max(0, n - 1));
  };
  /** @param {Board} found @param {{layer: number, maps: import("./frames.js").Maps} | null} [came] */
  const show = (found, came = null) => {
    if (!here.current) return; // the address is another room's by now
    shows.current += 1;
    setBoard(found);
    setRevision(shows.current);
    setGiven(came && { key: `${came.layer}:${shows.current}`, maps: came.maps });
    setSaid("");
    setBusy(0);
  };
  /** Keep what is looked at where it still is. @param {Board} found @param {{layer: number, maps: import("./frames.js").Maps} | null} [came] */
  const settle = (found, came) => {
    const at = board && found.layers.findIndex(({ name }) => name === board.layers[layer - 1]?.name);
    const now = at !== null && at >= 0 ? at + 1 : Math.max(1, Math.min(layer, found.layers.length));
    const shape = found.layers[now - 1]?.shape ?? [];
    const fits = chosen?.layer === layer && chosen.place.length === shape.length && chosen.place.every((p, k) => p < shape[k]);
    setLayer(now);
    setChosen(chosen && fits ? { layer: now, place: chosen.place } : null);
    if (!fits || found.picture.shape.join() !== board?.picture.shape.join()) setFrom(null);
    show(found, came);
  };
  /** @param {object} values */
  const change = (values) => {
    setBusy((n) => n + 1);
    return postFramed(`${base}/change?maps=${layer}`, values).then(
      ({ said: { maps, ...found }, bytes }) => settle(found, maps && { layer, maps: { said: maps, bytes } }),
      fail,
    );
  };
  /** @param {File} file */
  const openPicture = (file) => {
    if (board && file.size > board.most) return setSaid(`${file.name} has ${file.size.toLocaleString("en-US")} bytes; expected at most ${board.most.toLocaleString("en-US")}`);
    setBusy((n) => n + 1);
    return upload(`${base}/picture?name=${encodeURIComponent(file.name)}`, file).then(settle, fail);
  };
  /** @param {Blob} file */
  const openChain = (file) => {
    setBusy((n) => n + 1);
    return upload(`${base}/chain`, file).then(settle, fail);
  };
  const fresh = () => post("/api/blocks/boards", {}).then(({ id }) => get(`/api/blocks/boards/${id}`)).then((found) => {
    setLayer(1);
    setChosen(null);
    setFrom(null);
    show(found);
  }).catch(fail);
  /** @param {number} to */
  const look = (to) => {
    setLayer(to);
    setChosen(null);
    setFrom(null);
  };
  /** @param {number[]} place */
  const choose = (place) => setChosen({ layer, place });

  const base = `/api/blocks/boards/${board?.id}`;
  const shown = board?.layers[layer - 1];
  const [entry, point] = useEntry(base, revision, layer, shown ? chosen : null);
  const state = !board ? "loading" : board.layers.length ? "ready" : "empty";
  const channel = Math.max(0, Math.min((chosen?.layer === layer ? chosen.place[0] : 0) ?? 0, (shown?.shape[0] ?? 1) - 1));
  return html`<div class="room" data-room="blocks" data-state=${state} data-board=${board?.id} data-revision=${revision} data-busy=${busy > 0} data-layer=${layer}>
    <p class="lead">A picture goes through a chain of blocks: filters, pooling, activations. <strong>Point at a pixel</strong> of what comes out and see what it is the
      sum of; change a filter; click, and the derivative is taken by hand, back to the picture.</p>
    ${said && html`<p role="alert" class="wrong">${said}</p>`}
    ${!board && !said && html`<p class="loading" role="status">${phase ? `The lab is ${phase}.` : "The chain is on its way."}</p>`}
    ${board && html`<div class="bench">
      <div class="side"><${Layers} board=${board} layer=${layer} choose=${look} change=${change} openChain=${openChain} />
        <p><button onClick=${fresh}>New board</button></p></div>
      <${Picture} base=${base} revision=${revision} board=${board} chosen=${shown ? chosen : null} field=${entry?.apart.field ?? null}
        from=${from} setFrom=${setFrom} change=${change} openPicture=${openPicture} />
      ${shown && html`<${OutputMaps} base=${base} revision=${revision} given=${given} layer=${layer} name=${shown.name} chosen=${chosen} point=${point} choose=${choose} />`}
    </div>
    ${shown && html`<div class="steps">
      <${EntryOf} entry=${entry} layer=${shown} isPinned=${entry !== null && entry.place.join() === chosen?.place.join()} />
      ${Object.keys(shown.parameters).length > 0 && html`<${Filter} base=${base} revision=${revision} layer=${layer} name=${shown.name} channel=${channel} chosen=${chosen} change=${change} />`}
      <${Back} base=${base} revision=${revision} names=${board.layers.map(({ name }) => name)} chosen=${chosen} from=${from} />
      <${Derivation} layer=${shown} />
      <${Check} base=${base} revision=${revision} layer=${layer} name=${shown.name} />
      <${OwnLayer} />
    </div>`}
    <${Take} base=${base} revision=${revision} />`}
  </div>`;
}

/** A board that is kept, or the newest. @param {string | null} id @returns {Promise<Board>} */
async function enter(id) {
  const name = id ?? (await post("/api/blocks/boards", { with: "newest" })).id;
  return get(`/api/blocks/boards/${name}`);
}

/**
 * The entry that is pointed at, else the chosen one; while one answer is on its way no other is asked for.
 * @param {string} base @param {number} revision @param {number} layer @param {Chosen | null} chosen
 * @returns {[import("./entry.js").Entry | null, (place: number[] | null) => void]}
 */
function useEntry(base, revision, layer, chosen) {
  const [entry, setEntry] = useState(/** @type {import("./entry.js").Entry | null} */ (null));
  const [pointed, setPointed] = useState(/** @type {number[] | null} */ (null));
  const busy = useRef(false);
  const wanted = useRef("");
  const place = pointed ?? (chosen?.layer === layer ? chosen.place : null);
  useEffect(() => {
    wanted.current = place ? `${base}/entry?layer=${layer}&place=${place}` : "";
    if (!place) return void setEntry(null);
    const load = async () => {
      if (busy.current) return;
      busy.current = true;
      const address = wanted.current;
      try {
        const apart = await get(address);
        const at = /** @type {string} */ (new URLSearchParams(address.split("?")[1]).get("place")).split(",").map(Number);
        if (wanted.current) setEntry({ layer, place: at, apart });
      } catch {
        setEntry(null);
      }
      busy.current = false;
      if (wanted.current && wanted.current !== address) load();
    };
    load();
  }, [base, revision, layer, place?.join()]);
  return [entry, setPointed];
}
