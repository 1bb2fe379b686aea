// The pictures of an album, small; one is chosen to be looked at.
import { whole } from "../shared/format.js";
import { html } from "../shared/html.js";

const MOST = 100; // files that are none, which are listed

/** @typedef {{number: number, name: string, class: string | null, width?: number, height?: number, reason?: string}} Picture */

/**
 * @param {{album: string, pictures: Picture[], broken: Picture[], of: number, classes: Record<string, number>, filter: string | null,
 *   picked: number | null, pick: (number: number) => void, setFilter: (name: string | null) => void,
 *   page: number, pages: number, setPage: (page: number) => void,
 *   remove: (number: number) => void}} properties
 */
export function Gallery({ album, pictures, broken, of, classes, filter, picked, pick, setFilter, page, pages, setPage, remove }) {
  const names = Object.keys(classes);
  /** @param {any} event */
  const turn = ({ target }) => {
    const to = Math.min(pages, Math.max(1, Math.round(target.valueAsNumber) || 1));
    target.value = to; // also where the page stays
    setPage(to);
  };
  return html`<section class="gallery" aria-label="Pictures of the album" data-shown=${pictures.length} data-page=${page}>
    ${names.length > 0 && html`<label>Show <select value=${filter ?? "\n"} onChange=${(/** @type {any} */ e) => setFilter(e.target.value === "\n" ? null : e.target.value)}>
      <option value=${"\n"}>all pictures</option><option value="">pictures in no class</option>
      ${names.map((name) => html`<option value=${name}>${name} (${whole(classes[name])})</option>`)}</select></label>`}
    <ul class="small">${pictures.map((picture) => html`<li key=${picture.number}>
      <${Small} album=${album} picture=${picture} isPicked=${picture.number === picked} pick=${pick} /></li>`)}</ul>
    ${pages > 1 && html`<div class="row"><button onClick=${() => setPage(page - 1)} disabled=${page === 1} aria-label="Newer pictures">Newer</button>
      <label>Page <input type="number" min="1" max=${pages} value=${page} onChange=${turn} /></label>
      <span>of ${whole(pages)}, ${whole(of)} pictures</span>
      <button onClick=${() => setPage(page + 1)} disabled=${page === pages} aria-label="Older pictures">Older</button></div>`}
    <${Broken} broken=${broken} remove=${remove} />
  </section>`;
}

/** @param {{album: string, picture: {number: number, name: string}, isPicked: boolean, pick: (number: number) => void, note?: string}} properties */
export function Small({ album, picture, isPicked, pick, note }) {
  const { number, name } = picture;
  return html`<button class="picture" aria-pressed=${isPicked} onClick=${() => pick(number)} title=${name} data-picture=${number}>
    <img src=${`/api/photographs/albums/${album}/pictures/${number}/small`} alt=${note === name ? "" : name} loading="lazy" decoding="async" />
    ${note && html`<span class="note">${note}</span>`}</button>`;
}

/** @param {{broken: Picture[], remove: (number: number) => void}} properties */
function Broken({ broken, remove }) {
  if (!broken.length) return null;
  const rest = broken.length - MOST;
  return html`<h3>Not pictures</h3><ul class="plain broken">${broken.slice(0, MOST).map(({ number, name, reason }) => html`<li key=${number}>
    <span>${reason?.startsWith(name) ? "" : html`<b>${name}</b>: `}${reason}</span> <button onClick=${() => remove(number)} aria-label=${`Remove ${name}`}>Remove</button></li>`)}
    ${rest > 0 && html`<li>and ${whole(rest)} more</li>`}</ul>`;
}
