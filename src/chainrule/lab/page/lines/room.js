// The lines room: how a line of text is read, step by step, and a reader of one's own.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { get, post, remove as erase } from "../shared/api.js";
import { html } from "../shared/html.js";
import { Newest } from "../shared/newest.js";
import { List } from "./list.js";
import { Shown } from "./shown.js";
import { Take } from "./take.js";
import { Train } from "./train.js";
import { Write } from "./write.js";

/** @typedef {{number: number, name: string, width?: number, height?: number, truth?: string, typed?: string, reason?: string,
 *   read?: {by: string, text: string, confidence: number, reason: string | null}}} Row
 *  @typedef {{id: string, lines: number, labelled: number, fonts: Row[], quotas: {picture: number, epochs: number}, commands: {read: string, train?: string},
 *    settings: {reader: string, words: boolean, training?: {on: string, start: string, epochs: number, alphabet: string, seed: number}},
 *    state: string, said: string, result: any, has_model: boolean, can_go_on: boolean, going: import("./train.js").Going | null}} Sheet
 *  @typedef {{sheet: Sheet | null, lines: Row[] | null, broken: Row[], of: number}} Listed */

/** @type {Listed} */
const NOTHING = { sheet: null, lines: null, broken: [], of: 0 };
const PAGE = 24; // lines that are shown at first
const SHEETS = "/api/lines/sheets";

/** @param {{query: string}} properties */
export function Lines({ query }) {
  const [sheet, setSheet] = useState(/** @type {Sheet | null} */ (null));
  const [listed, setListed] = useState(/** @type {Listed | null} */ (null));
  const [count, setCount] = useState(PAGE);
  const [picked, setPicked] = useState(/** @type {number | null} */ (null));
  const [said, setSaid] = useState("");
  const [newest] = useState(() => new Newest());
  const id = sheet?.id;
  const now = useRef(id);
  now.current = id;
  const { lines, broken, of } = listed && listed.sheet?.id === id ? listed : NOTHING;
  useEffect(() => {
    const asked = new URLSearchParams(query);
    const name = asked.get("sheet");
    if (name && name === id) return;
    setSaid("");
    const isWanted = newest.enter();
    const enter = async () => {
      const own = name ?? (await post(SHEETS, { with: "newest" })).id;
      const text = asked.get("text");
      const typed = text ? await post(`${SHEETS}/${own}/typed`, { text, font: asked.get("font") ?? "lato" }) : null;
      const found = await get(`${SHEETS}/${own}`);
      if (!isWanted()) return;
      setSheet(found);
      setPicked(typed?.number ?? (asked.has("line") ? Number(asked.get("line")) : null));
    };
    enter().catch((e) => isWanted() && fail(e));
  }, [query]);
  useEffect(() => {
    if (!sheet) return;
    let stopped = false;
    get(`${SHEETS}/${sheet.id}/lines?count=${count}`).then((found) => {
      if (!stopped) setListed({ ...found, sheet });
    }, fail);
    return () => void (stopped = true);
  }, [sheet, count]);
  useEffect(() => {
    if (!id) return;
    const place = new URLSearchParams({ sheet: id });
    if (picked !== null) place.set("line", String(picked));
    history.replaceState(null, "", `#lines?${place}`);
  }, [id, picked]);

  /** @param {Error} error */
  const fail = (error) => setSaid(error.message);
  const changed = useCallback(
    /** @param {number} [number] a line to be shown */
    (number) => {
      if (!id || id !== now.current) return; // another sheet is shown by now
      const isNew = newest.ask();
      get(`${SHEETS}/${id}`).then((found) => {
        if (isNew()) setSheet(found);
        if (number !== undefined && id === now.current) setPicked(number); // and not before it is there
      }, fail);
    },
    [id],
  );
  /** @param {"nothing" | "sample"} what */
  const fresh = (what) => {
    setPicked(null);
    setCount(PAGE);
    const isWanted = newest.enter();
    return post(SHEETS, { with: what })
      .then((made) => get(`${SHEETS}/${made.id}`))
      .then((found) => isWanted() && setSheet(found), (e) => isWanted() && fail(e));
  };
  /** @param {number} number */
  const remove = (number) => {
    if (number === picked) setPicked(null);
    return erase(`${SHEETS}/${id}/lines/${number}`).then(() => changed(), fail);
  };
  // a line that is new is not in an older list: until it is, no other one is shown in its place
  const isLate = listed?.sheet !== sheet;
  const row = lines?.find(({ number }) => number === picked) ?? (isLate && picked !== null ? undefined : lines?.[0]);
  const state = !sheet || lines === null || (isLate && !row && sheet.lines) ? "loading" : sheet.lines ? "ready" : "empty";
  return html`<div class="room" data-room="lines" data-state=${state} data-sheet=${id} data-lines=${sheet?.lines}>
    <p class="lead">Two networks read a line of text, a fast one and, where that is in doubt, a large one. Here is what they see, how sure they are of each
      character at each step, and what decided. <strong>Type a line</strong>, or drop a picture of one.</p>
    ${said && html`<p role="alert" class="wrong">${said}</p>`}
    ${sheet && html`<div class="line-sheet">
      <div class="side"><${Write} key=${sheet.id} sheet=${sheet.id} most=${sheet.quotas.picture} own=${sheet.fonts.map(({ name }) => name)} changed=${changed} fresh=${fresh} />
        <${Chosen} sheet=${sheet} changed=${changed} fail=${fail} />
        ${lines && html`<${List} sheet=${sheet.id} rows=${lines} broken=${broken} fonts=${sheet.fonts} of=${of} picked=${row?.number ?? null} pick=${setPicked} more=${() => setCount(count + PAGE)} remove=${remove} />`}</div>
      <div class="side">
        ${row && html`<${Shown} key=${`${sheet.id} ${row.number}`} sheet=${sheet.id} row=${row} by=${row.read?.by ?? ""} changed=${changed} remove=${remove} />`}
        ${state === "empty" && html`<p class="empty">The sheet is empty. Type a line and read it, or open pictures of lines.</p>`}
        ${state === "loading" && html`<p class="loading" role="status">The lines are being read.</p>`}
      </div>
    </div>
    <${Train} key=${sheet.id} sheet=${sheet} changed=${changed} />
    <${Take} sheet=${sheet} />`}
    ${!sheet && !said && html`<p class="loading" role="status">The lines are being drawn; the first time takes some seconds.</p>`}
  </div>`;
}

/** Which reader reads. @param {{sheet: Sheet, changed: () => void, fail: (error: Error) => void}} properties */
function Chosen({ sheet, changed, fail }) {
  const { reader, words } = sheet.settings;
  /** @param {object} values */
  const choose = (values) => post(`/api/lines/sheets/${sheet.id}/reader`, { reader, words, ...values }).then(() => changed(), fail);
  return html`<section class="fields" aria-labelledby="reader-title"><h2 id="reader-title">Who reads</h2>
    <label>Reader <select value=${reader} onChange=${(/** @type {any} */ e) => choose({ reader: e.target.value })}>
      <option value="package">fast, then large</option><option value="fast">fast alone</option><option value="large">large alone</option>
      ${sheet.has_model && html`<option value="yours">your own</option>`}</select></label>
    <label><input type="checkbox" checked=${words} onChange=${(/** @type {any} */ e) => choose({ words: e.target.checked })} /> with the English dictionary</label></section>`;
}
