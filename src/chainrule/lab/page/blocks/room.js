// The blocks room: a picture goes through a chain of blocks, and every number is taken apart.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, post, upload } from "../shared/api.js";
import { html } from "../shared/html.js";
import { Newest } from "../shared/newest.js";
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
 *  @typedef {{layer: number, place: number[]}} Chosen
 *  @typedef {{layer: number, maps: import("./frames.js").Maps} | null} Came */

/** @param {{query: string}} properties */
export function Blocks({ query }) {
  const asked = new URLSearchParams(query);
  const [board, setBoard] = useState(/** @type {Board | null} */ (null));
  const [revision, setRevision] = useState(0);
  const [given, setGiven] = useState(/** @type {import("./maps.js").Given | null} */ (null)); // what came with a change
  const [layer, setLayer] = useState(Number(asked.get("layer") ?? 1));
  const [chosen, setChosen] = useState(/** @type {Chosen | null} */ (null));
  const [from, setFrom] = useState(/** @type {number[] | null} */ (null));
  const [busy, setBusy] = useState(0); // changes that are on their way
  const [pictures, setPictures] = useState(0); // that were opened
  const [phase, setPhase] = useState("");
  const [said, setSaid] = useState("");
  const here = useRef(true);
  const shows = useRef(0); // how often the board was shown
  const [newest] = useState(() => new Newest());
  const now = useRef({ board, layer, chosen });
  now.current = { board, layer, chosen };

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
    const isWanted = newest.enter();
    enter(asked).then((found) => {
      if (!isWanted()) return;
      show(found);
      const place = asked.get("place")?.split(",").map(Number);
      if (place && !place.some(Number.isNaN)) setChosen({ layer: Number(asked.get("layer") ?? 1), place });
    }, (e) => isWanted() && fail(e));
  }, []);
  useEffect(() => {
    if (!board) return;
    const place = new URLSearchParams({ board: board.id, layer: String(layer) });
    if (chosen) place.set("place", chosen.place.join());
    history.replaceState(null, "", `#blocks?${place}`);
  }, [board?.id, layer, chosen]);

  /** @param {Error} error */
  const fail = (error) => setSaid(error.message);
  /** @param {Board} found @param {Came} [came] */
  const show = (found, came = null) => {
    if (!here.current) return; // the address is another room's by now
    shows.current += 1;
    setBoard(found);
    setRevision(shows.current);
    setGiven(came && { key: `${came.layer}:${shows.current}`, maps: came.maps });
    setSaid("");
  };
  /** Keep what is looked at where it still is: by now, not when the change was asked for. @param {Board} found @param {Came} [came] */
  const settle = (found, came) => {
    const { board, layer, chosen } = now.current;
    const at = board && found.layers.findIndex(({ name }) => name === board.layers[layer - 1]?.name);
    const to = at !== null && at >= 0 ? at + 1 : Math.max(1, Math.min(layer, found.layers.length));
    const shape = found.layers[to - 1]?.shape ?? [];
    const fits = chosen?.layer === layer && chosen.place.length === shape.length && chosen.place.every((p, k) => p < shape[k]);
    setLayer(to);
    setChosen(chosen && fits ? { layer: to, place: chosen.place } : null);
    if (!fits || found.picture.shape.join() !== board?.picture.shape.join()) setFrom(null);
    show(found, came);
  };
  /** @param {Promise<{found: Board, came?: Came}>} change the board as it will be, and what comes with it */
  const changing = async (change) => {
    const isNew = newest.ask();
    setBusy((n) => n + 1);
    try {
      const { found, came } = await change;
      if (isNew()) settle(found, came);
    } catch (error) {
      fail(/** @type {Error} */ (error));
    }
    setBusy((n) => n - 1);
  };
  /** @param {object} values */
  const change = (values) =>
    changing(postFramed(`${base}/change?maps=${layer}`, values).then(({ said: { maps, ...found }, bytes }) =>
      ({ found, came: maps && { layer, maps: { said: maps, bytes } } })));
  /** @param {File} file */
  const openPicture = (file) => {
    if (board && file.size > board.most) return setSaid(`${file.name} has ${file.size.toLocaleString("en-US")} bytes; expected at most ${board.most.toLocaleString("en-US")}`);
    return changing(upload(`${base}/picture?name=${encodeURIComponent(file.name)}`, file).then((found) => {
      setPictures((n) => n + 1);
      return { found };
    }));
  };
  /** @param {Blob} file */
  const openChain = (file) => changing(upload(`${base}/chain`, file).then((found) => ({ found })));
  const fresh = () => {
    const isWanted = newest.enter();
    return post("/api/blocks/boards", {}).then(({ id }) => get(`/api/blocks/boards/${id}`)).then((found) => {
      if (!isWanted()) return;
      setLayer(1);
      setChosen(null);
      setFrom(null);
      show(found);
    }).catch((e) => isWanted() && fail(e));
  };
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
      <${Picture} base=${base} revision=${revision} opened=${pictures} board=${board} chosen=${shown ? chosen : null} field=${entry?.apart.field ?? null}
        from=${from} setFrom=${setFrom} change=${change} openPicture=${openPicture} />
      ${shown && html`<${OutputMaps} base=${base} revision=${revision} given=${given} layer=${layer} name=${shown.name} chosen=${chosen} point=${point} choose=${choose} />`}
    </div>
    ${shown && html`<div class="steps">
      <${EntryOf} entry=${entry} layer=${shown} isPinned=${entry !== null && entry.revision === revision && entry.place.join() === chosen?.place.join()} />
      ${Object.keys(shown.parameters).length > 0 && html`<${Filter} base=${base} revision=${revision} layer=${layer} name=${shown.name} channel=${channel} chosen=${chosen} change=${change} />`}
      <${Back} base=${base} revision=${revision} names=${board.layers.map(({ name }) => name)} chosen=${chosen} from=${from} />
      <${Derivation} layer=${shown} />
      <${Check} base=${base} revision=${revision} layer=${layer} name=${shown.name} />
      <${OwnLayer} />
    </div>`}
    <${Take} base=${base} revision=${revision} />`}
  </div>`;
}

/** A board that is kept, a new one with a chain or a filter to begin with, or the newest.
 *  @param {URLSearchParams} asked @returns {Promise<Board>} */
async function enter(asked) {
  const preset = asked.get("preset") ?? undefined;
  const filter = asked.get("filter")?.split(",").map(Number);
  const first = preset || filter ? { preset, filter } : { with: "newest" };
  const name = asked.get("board") ?? (await post("/api/blocks/boards", first)).id;
  return get(`/api/blocks/boards/${name}`);
}

/**
 * The entry that is pointed at, else the chosen one; while one answer is on its way no other is asked for,
 * and what comes late of another place is shown meanwhile, of another layer or board it is not.
 * @param {string} base @param {number} revision @param {number} layer @param {Chosen | null} chosen
 * @returns {[import("./entry.js").Entry | null, (place: number[] | null) => void]}
 */
function useEntry(base, revision, layer, chosen) {
  const [entry, setEntry] = useState(/** @type {import("./entry.js").Entry | null} */ (null));
  const [pointed, setPointed] = useState(/** @type {number[] | null} */ (null));
  const busy = useRef(false);
  const wanted = useRef(/** @type {{base: string, revision: number, layer: number, place: number[]} | null} */ (null));
  const place = pointed ?? (chosen?.layer === layer ? chosen.place : null);
  useEffect(() => {
    wanted.current = place && { base, revision, layer, place };
    if (!place) return;
    const load = async () => {
      if (busy.current || !wanted.current) return;
      busy.current = true;
      const asked = wanted.current;
      try {
        const apart = await get(`${asked.base}/entry?layer=${asked.layer}&place=${asked.place}`);
        setEntry({ ...asked, apart });
      } catch {
        setEntry(null);
      }
      busy.current = false;
      if (wanted.current !== asked) load();
    };
    load();
  }, [base, revision, layer, place?.join()]);
  const isOfThis = place && entry?.base === base && entry.layer === layer;
  return [isOfThis ? entry : null, setPointed];
}
