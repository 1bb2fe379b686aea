// The points room: a two-layer network that trains while it is looked at.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, post, upload } from "../shared/api.js";
import { html } from "../shared/html.js";
import { Newest } from "../shared/newest.js";
import { ChainRule } from "./chain.js";
import { Curves } from "./curves.js";
import { Live } from "./live.js";
import { asTable, Data } from "./own.js";
import { MapOf } from "./map.js";
import { Plane } from "./plane.js";
import { Settings } from "./settings.js";
import { Take } from "./take.js";
import { Transport } from "./transport.js";
import { Verdict } from "./verdict.js";

/** @typedef {import("./own.js").Own} Own */

/** @param {{query: string}} properties */
export function Points({ query }) {
  const [live, setLive] = useState(/** @type {Live | null} */ (null));
  const [, redraw] = useState(0);
  const [said, setSaid] = useState("");
  const [picked, setPicked] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false); // other points or settings are on their way
  const [mode, setMode] = useState("look");
  const [own, setOwn] = useState(/** @type {Own[] | null} */ (null));
  const before = useRef(/** @type {Own[][]} */ ([]));
  const timer = useRef(0);
  const [newest] = useState(() => new Newest()); // of the runs, points and settings that are asked for
  const here = useRef(true);
  const firstMap = useRef(new URLSearchParams(query).get("map"));

  const coming = useRef(/** @type {Live | null} */ (null)); // a run that is on its way

  useEffect(() => () => {
    here.current = false;
    coming.current?.close();
  }, []);
  useEffect(() => {
    if (live && new URLSearchParams(query).get("run") === live.id) return;
    look();
    const isWanted = newest.enter();
    enter(query).then((run) => isWanted() && show(run), (e) => isWanted() && fail(e));
  }, [query]);
  useEffect(() => {
    if (!live) return;
    let last = 0;
    let waiting = 0;
    const now = () => {
      waiting = 0;
      last = performance.now();
      redraw((n) => n + 1);
    };
    // the plane draws every signal; what is read needs no more than ten a second
    const changed = () => {
      const left = live.news.is_playing ? last + 100 - performance.now() : 0;
      if (left <= 0) now();
      else waiting ||= window.setTimeout(now, left);
    };
    live.addEventListener("changed", changed);
    live.addEventListener("points", changed);
    changed();
    return () => {
      live.removeEventListener("changed", changed);
      live.removeEventListener("points", changed);
      clearTimeout(waiting);
      live.close();
    };
  }, [live]);

  /** Other points than those that are set by hand. */
  const look = () => {
    setPicked(null);
    setOwn(null);
    setMode("look");
  };
  /** Once a run is there: until then the one before stays, with the focus and the crosshair. @param {string} id */
  const show = (id) => {
    if (!here.current) return; // the address is another room's by now
    history.replaceState(null, "", `#points?run=${id}`);
    coming.current?.close();
    const next = new Live(id);
    coming.current = next;
    const look = () => {
      if (next.closed) return;
      if (!next.settings) return void (next.failure && fail(new Error(next.failure)));
      next.removeEventListener("changed", look);
      coming.current = null;
      setSaid("");
      setBusy(false);
      setLive(next);
    };
    next.addEventListener("changed", look);
  };
  /** @param {Error} error */
  const fail = (error) => {
    setSaid(error.message);
    setBusy(false);
  };
  /** @param {object} settings */
  const begin = (settings) => {
    setBusy(true);
    const isWanted = newest.enter();
    return post("/api/points/runs", { settings, then: motion() }).then((run) => isWanted() && show(run.id), (e) => isWanted() && fail(e));
  };
  /** @param {object} values */
  const change = (values) => live?.settings && begin({ ...live.settings, ...values });
  const fresh = () => change({ seed: Math.floor(Math.random() * 1e6), trial: null });
  /** @param {Blob | string} text */
  const useText = (text) => {
    look();
    setBusy(true);
    const isWanted = newest.enter();
    return upload("/api/points/data", text).then(({ data }) => isWanted() && change({ data }), (e) => isWanted() && fail(e));
  };
  /** @param {string} name */
  const useNamed = (name) => {
    look();
    change({ data: name, standardize: null });
  };
  /** @param {Own[]} points @param {boolean} [remember] */
  const setPoints = (points, remember = true) => {
    const isWanted = newest.enter();
    if (remember && own) before.current.push(own);
    setOwn(points);
    setPicked(null);
    clearTimeout(timer.current);
    setBusy(false);
    const counts = [-1, 1].map((label) => points.filter((p) => p.label === label).length);
    if (Math.min(...counts) < 2) return;
    setBusy(true);
    timer.current = window.setTimeout(() => {
      upload("/api/points/data", asTable(points)).then(
        ({ data }) => isWanted() && change({ data, standardize: false }),
        (e) => isWanted() && fail(e),
      );
    }, 300);
  };
  const draw = () => {
    newest.enter();
    before.current = [];
    setBusy(false);
    live?.do({ do: "pause" });
    setPicked(null);
    setOwn([]);
    setMode("minus");
  };
  /** @param {{x: number, y: number}} at @param {number} label */
  const place = (at, label) => setPoints([...(own ?? []), { ...at, label }]);
  /** @param {{x: number, y: number}} at */
  const drop = (at) => {
    if (!own?.length) return;
    const far = own.map((p) => (p.x - at.x) ** 2 + (p.y - at.y) ** 2);
    setPoints(own.filter((_, k) => k !== far.indexOf(Math.min(...far))));
  };
  const undo = () => {
    const last = before.current.pop();
    if (last) setPoints(last, false);
  };

  const empty = own !== null && (own.length === 0 || Math.min(...[-1, 1].map((l) => own.filter((p) => p.label === l).length)) < 2);
  const ready = live?.settings;
  const state = !ready ? "loading" : live.news.is_playing ? "playing" : live.news.ended || "paused";
  return html`<div class="room" data-room="points" data-state=${state} data-run=${live?.id} data-iteration=${live?.news.iteration}
      data-known=${live?.news.known} data-busy=${busy} data-revision=${live?.news.revision}>
    <p class="lead">A network learns to tell two classes of points apart. Each iteration shows it one training point and moves every
      weight by one step of the chain rule. Watch it, stop it, go back; <strong>click a point</strong> to see the step with all its numbers.</p>
    ${said && html`<p role="alert" class="wrong">${said}</p>`}
    ${said && !ready && html`<p><a href="#points">Begin with half-moons</a></p>`}
    ${ready && html`<div class="columns">
      <div class="side">
        <${Data} settings=${live.settings} own=${own} mode=${mode} shape=${empty ? null : live.shape} setMode=${setMode} useNamed=${useNamed}
          useText=${useText} draw=${draw} undo=${undo} clear=${() => setPoints([])} canUndo=${before.current.length > 0} change=${change} />
        <${Settings} settings=${live.settings} change=${change} fresh=${fresh} />
      </div>
      <div class="centre">
        <${Plane} live=${empty ? null : live} box=${own ? FRAME : null} own=${own} mode=${own ? mode : "look"} picked=${picked}
          onPick=${setPicked} onPlace=${place} onRemove=${drop} undo=${undo} />
        <p class="key"><span class="mark minus"></span> class −1 <span class="mark plus"></span> class +1
          <span class="quiet">hollow: validation; strong edge: wrong; the line: where ŷ = 0</span></p>
      </div>
      <div class="wide-column">
        ${!empty && html`<${Transport} live=${live} /><${Verdict} live=${live} change=${change} /><${Curves} live=${live} />`}
        ${empty && html`<p class="empty">Set points in the plane: click, or move the crosshair with the arrow keys and press 1 or 2. With two of each class the training begins.</p>`}
      </div>
    </div>
    ${!empty && html`<${ChainRule} live=${live} picked=${picked} />
      <${MapOf} settings=${live.settings} first=${firstMap.current} open=${begin} /><${Take} live=${live} />`}`}
    ${!ready && !said && html`<p class="loading">The network is on its way.</p>`}
  </div>`;
}

const FRAME = { low: [-6, -6], high: [6, 6] };

/** What moves does so only for those who have not asked for less of it. */
const motion = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "pause" : "play");

/** The run that an address stands for: one that is kept, a link's, or the first.
 *  @param {string} query @returns {Promise<string>} */
async function enter(query) {
  const kept = new URLSearchParams(query).get("run");
  if (kept) return kept;
  const map = new URLSearchParams(query).get("map");
  if (map) {
    const { grid, ...settings } = (await get(`/api/points/maps/${map}`)).settings;
    return (await post("/api/points/runs", { settings, then: motion() })).id;
  }
  if (!query) return (await post("/api/points/runs", { settings: {}, then: motion() })).id;
  const { settings, at } = await post("/api/points/link", { link: query });
  return (await post("/api/points/runs", { settings, at: at ?? 0, then: at === null ? motion() : "pause" })).id;
}
