// The photographs room: what pictures show, what decided it, and a classifier of one's own.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { get, post, remove as erase } from "../shared/api.js";
import { html } from "../shared/html.js";
import { Newest } from "../shared/newest.js";
import { Classifier } from "./classifier.js";
import { Gallery } from "./gallery.js";
import { Give } from "./give.js";
import { Shows } from "./shows.js";

/** @typedef {import("./gallery.js").Picture} Picture
 *  @typedef {{id: string, pictures: number, bytes: number, classes: Record<string, number>, quotas: {picture: number, pictures: number},
 *    state: string, said: string, settings: {balanced: boolean, seed: number}, result: any, has_model: boolean,
 *    going: {phase: string, done: number, of: number} | null, commands: {train: string, predict: string}}} Album */

/** A class: of the network's, or of the album's own. @typedef {{index: number, own: boolean}} Wanted */

/** The pictures of an album that are shown, those that are none, and how many there are in all.
 *  @typedef {{album: string | undefined, pictures: Picture[] | null, broken: Picture[], of: number}} Listed */

/** @type {Listed} */
const NOTHING = { album: undefined, pictures: null, broken: [], of: 0 };
const PAGE = 48; // pictures that are shown at once
const ALBUMS = "/api/photographs/albums";

/** @param {{query: string}} properties */
export function Photographs({ query }) {
  const [album, setAlbum] = useState(/** @type {Album | null} */ (null));
  const [listed, setListed] = useState(/** @type {Listed | null} */ (null));
  const [page, setPage] = useState(1);
  const [filter, setFilter] = useState(/** @type {string | null} */ (null));
  const [picked, setPicked] = useState(/** @type {number | null} */ (null));
  const [wanted, setWanted] = useState(/** @type {Wanted | null} */ (null));
  const [far, setFar] = useState(/** @type {Picture & {album: string} | null} */ (null)); // a picked one that the gallery does not show
  const [margin, setMargin] = useState(0);
  const [said, setSaid] = useState("");
  const [newest] = useState(() => new Newest());
  const id = album?.id;
  const now = useRef(id);
  now.current = id;
  // what was listed of another album is none of this one's
  const { pictures, broken, of } = listed && listed.album === id ? listed : NOTHING;
  const pages = Math.max(1, Math.ceil(of / PAGE));
  const shownPage = Math.min(page, pages);

  useEffect(() => {
    const asked = new URLSearchParams(query);
    const name = asked.get("album");
    if (name && name === id) return;
    setSaid("");
    const isWanted = newest.enter();
    const enter = async () => {
      const found = await get(`${ALBUMS}/${name ?? (await post(ALBUMS, { with: asked.get("with") ?? "newest" })).id}`);
      if (!isWanted()) return;
      setAlbum(found);
      setFilter(null);
      setPage(1);
      setPicked(asked.has("picture") ? Number(asked.get("picture")) : null);
      const key = ["class", "own"].find((k) => asked.has(k));
      setWanted(key ? { index: Number(asked.get(key)), own: key === "own" } : null);
    };
    enter().catch((e) => isWanted() && fail(e));
  }, [query]);
  useEffect(() => {
    if (!album) return;
    let stopped = false;
    const part = filter === null ? "" : `&class=${encodeURIComponent(filter)}`;
    get(`${ALBUMS}/${album.id}/pictures?first=${PAGE * (shownPage - 1)}&count=${PAGE}${part}`).then((found) => {
      if (!stopped) setListed({ ...found, album: album.id });
    }, fail);
    return () => void (stopped = true);
  }, [album, shownPage, filter]);
  useEffect(() => {
    if (!id) return;
    const place = new URLSearchParams({ album: id });
    if (picked !== null) place.set("picture", String(picked));
    if (wanted) place.set(wanted.own ? "own" : "class", String(wanted.index));
    history.replaceState(null, "", `#photographs?${place}`);
  }, [id, picked, wanted]);

  /** @param {Error} error */
  const fail = (error) => setSaid(error.message);
  const changed = useCallback(() => {
    if (!id || id !== now.current) return; // another album is shown by now
    const isNew = newest.ask();
    get(`${ALBUMS}/${id}`).then((found) => isNew() && setAlbum(found), fail);
  }, [id]);
  /** @param {"nothing" | "sample"} what */
  const fresh = (what) => {
    setPicked(null);
    setWanted(null);
    setFilter(null);
    setPage(1);
    const isWanted = newest.enter();
    return post(ALBUMS, { with: what })
      .then((made) => get(`${ALBUMS}/${made.id}`))
      .then((found) => isWanted() && setAlbum(found), (e) => isWanted() && fail(e));
  };
  /** @param {number} number */
  const pick = (number) => {
    setPicked(number);
    setWanted(null);
    document.querySelector(".shows")?.scrollIntoView({ block: "nearest" });
  };
  /** @param {number} number */
  const remove = (number) => {
    if (number === picked) setPicked(null);
    return erase(`${ALBUMS}/${id}/pictures/${number}`).then(changed, fail);
  };
  const near = pictures?.find((picture) => picture.number === picked);
  const shown = near ?? (picked !== null ? (far?.number === picked && far.album === id ? far : undefined) : pictures?.[0]);
  useEffect(() => {
    if (picked === null || near || pictures === null || !id) return;
    let stopped = false;
    get(`${ALBUMS}/${id}/pictures/${picked}`).then(
      (found) => stopped || setFar({ ...found, album: id }),
      () => stopped || setPicked(null),
    );
    return () => void (stopped = true);
  }, [id, picked, !near, pictures]);
  const isLate = album && pictures?.length === 0 && album.pictures > broken.length && filter === null;
  const state = !album || pictures === null || isLate ? "loading" : album.pictures ? "ready" : "empty";
  return html`<div class="room" data-room="photographs" data-state=${state} data-album=${id} data-pictures=${album?.pictures}>
    <p class="lead">A network that knows 1,000 classes says what a photograph shows, and which part of it decided.${" "}
      <strong>Drop a picture</strong> of your own, or folders of pictures: each folder becomes a class that it learns.</p>
    ${said && html`<p role="alert" class="wrong">${said}</p>`}
    ${album && html`<div class="album">
      <div class="side"><${Give} album=${album.id} most=${album.quotas.picture} changed=${changed} fresh=${fresh} />
        ${pictures && html`<${Gallery} album=${album.id} pictures=${pictures} broken=${broken} of=${of} classes=${album.classes} filter=${filter} picked=${shown?.number ?? null}
          pick=${pick} setFilter=${(/** @type {string | null} */ name) => (setFilter(name), setPage(1))} page=${shownPage} pages=${pages} setPage=${setPage} remove=${remove} />`}</div>
      <div class="side">
        ${shown && html`<${Shows} key=${`${album.id} ${shown.number}`} album=${album.id} picture=${shown} wanted=${wanted} trained=${album.result.seconds} resting=${album.going !== null} margin=${margin} choose=${setWanted} remove=${remove} />`}
        ${state === "empty" && html`<p class="empty">The album is empty. Drop pictures or folders into the field, or open them with its buttons.</p>`}
        ${state === "loading" && html`<p class="loading" role="status">The pictures are being looked at.</p>`}
      </div>
    </div>
    <${Classifier} key=${album.id} album=${album} margin=${margin} setMargin=${setMargin} changed=${changed} picked=${shown?.number ?? null} pick=${pick} />`}
    ${!album && !said && html`<p class="loading">The album is on its way.</p>`}
  </div>`;
}
