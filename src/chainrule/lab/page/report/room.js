// The report room: the published report, run again; each section opens where it can be played with.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, post } from "../shared/api.js";
import { html } from "../shared/html.js";
import { Newest } from "../shared/newest.js";
import { Ask } from "./ask.js";
import { Going } from "./going.js";
import { Sections } from "./sections.js";

/** @typedef {{quick: boolean, parts: number[], seed: number, trials: number}} Settings
 *  @typedef {Record<string, number>} Verdicts
 *  @typedef {{number: number, title: string, verdicts: Verdicts}} FoundPart
 *  @typedef {{phase: string, done: number, of: number, left: number | null, history: FoundPart[]}} Progress
 *  @typedef {{id: string, state: string, said: string, changed: number, settings: Settings, going: Progress | null, is_there: boolean,
 *    result: {what?: string, done?: string, found?: FoundPart[], seconds?: number}}} Made
 *  @typedef {{reports: Made[], parts: {number: number, title: string}[], whole_reports: boolean}} Listed */

/** @param {{query: string}} properties */
export function Report({ query }) {
  const [listed, setListed] = useState(/** @type {Listed | null} */ (null));
  const [made, setMade] = useState(/** @type {Made | null} */ (null));
  const [said, setSaid] = useState("");
  const [newest] = useState(() => new Newest());
  const wanted = useRef(/** @type {string | null} */ (null)); // the report that is to be shown, also while it is on its way
  const id = made?.id;

  /** The list, and a report of it: the one that is named, else the one that runs, else the last finished one.
   *  @param {string | null} name */
  const load = async (name) => {
    const isWanted = newest.enter();
    wanted.current = name;
    const found = /** @type {Listed} */ (await get("/api/report/reports"));
    const best = name ?? (found.reports.find(({ going }) => going) ?? found.reports.find((one) => one.is_there) ?? found.reports[0])?.id;
    const one = best ? await get(`/api/report/reports/${best}`).catch(fail) : null; // one that was removed is said to be
    if (!isWanted()) return;
    wanted.current = one?.id ?? null;
    setListed(found);
    setMade(one ?? null);
  };
  /** @param {Error} error */
  const fail = (error) => setSaid(error.message);
  useEffect(() => {
    const name = new URLSearchParams(query).get("report");
    if (name && name === id) return;
    setSaid("");
    load(name).catch(fail);
  }, [query]);
  useEffect(() => () => void newest.enter(), []);
  useEffect(() => {
    if (id) history.replaceState(null, "", `#report?report=${id}`);
  }, [id]);
  useEffect(() => {
    /** @param {Event} event */
    const hear = (event) => {
      const { detail } = /** @type {CustomEvent} */ (event);
      if (detail.room !== "report") return;
      // that one runs, of which that is not known, may be late, or the first word of it
      if (detail.state !== "running" || (detail.run === id && !made?.going)) load(wanted.current).catch(fail);
      else if (detail.run === id) setMade((now) => (now && now.id === detail.run ? { ...now, going: detail.going } : now));
    };
    addEventListener("signal", hear);
    return () => removeEventListener("signal", hear);
  }, [made]);
  /** @param {string} address @param {object} values */
  const tell = (address, values) => {
    setSaid("");
    return post(address, values).then((answer) => load(answer.id ?? wanted.current)).catch(fail);
  };
  const state = !listed ? "loading" : !made ? "empty" : made.going ? "running" : made.state;
  return html`<div class="room" data-room="report" data-state=${state} data-report=${id}>
    <p class="lead">A published report on neural networks, every experiment of it run again on this machine: its figures and claims stand beside what
      is found here, and <strong>each section opens its experiment</strong> in the room where it can be played with.</p>
    ${said && html`<p role="alert" class="wrong">${said}</p>`}
    ${listed && html`<div class=${made ? "report made" : "report"}>
      <div class="side">
        <${Ask} listed=${listed} isBusy=${listed.reports.some(({ going }) => going) || state === "running"} begin=${(/** @type {Settings} */ settings) => tell("/api/report/reports", settings)} />
        <${Others} reports=${listed.reports} shown=${id} open=${(/** @type {string} */ name) => load(name).catch(fail)} />
      </div>
      <div class="side">
        ${made && html`<${Going} made=${made} parts=${listed.parts} canBeWhole=${listed.whole_reports} tell=${(/** @type {string} */ what) => tell(`/api/report/reports/${made.id}/do`, { do: what })} />`}
        ${made?.is_there && html`<${Sections} key=${`${made.id} ${made.result.seconds}`} id=${made.id} />`}
        ${!made && html`<p class="empty">Nothing was run here yet. Choose what to run and make the report: a quick one says after a minute or two what to
          expect; a whole one goes on from it.</p>`}
      </div>
    </div>`}
    ${!listed && !said && html`<p class="loading" role="status">The reports are on their way.</p>`}
  </div>`;
}

/** @param {{reports: Made[], shown: string | undefined, open: (name: string) => void}} properties */
function Others({ reports, shown, open }) {
  if (reports.length < 2) return null;
  return html`<section aria-labelledby="others-title"><h2 id="others-title">Reports</h2>
    <ul class="plain">${reports.map(({ id, result, state, going }) => html`<li key=${id}>
      <a href=${`#report?report=${id}`} aria-current=${id === shown ? "true" : undefined} onClick=${() => open(id)}>${result.what ?? id}</a> <span class="quiet">${going ? "running" : state}</span></li>`)}</ul>
  </section>`;
}
