// Where lines come from: typed in a font, or pictures, fonts and texts that are dropped or opened.
import { useEffect, useState } from "preact/hooks";
import { Sent, useGiving } from "../photographs/give.js";
import { get, post } from "../shared/api.js";
import { html } from "../shared/html.js";

const LOOKS = { plain: "as it is", print: "in print", screen: "on a screen", scene: "in a scene", plate: "on a number plate", display: "on a display", counter: "on a counter" };

/**
 * @param {{sheet: string, most: number, own: string[], changed: (number?: number) => void, fresh: (what: "nothing" | "sample") => void}} properties
 */
export function Write({ sheet, most, own, changed, fresh }) {
  const { sending, busy, cancel, choose, area } = useGiving(`/api/lines/sheets/${sheet}/lines`, most, changed);
  return html`<section class="give" aria-labelledby="write-title" data-sending=${busy} data-sent=${sending?.sent}>
    <h2 id="write-title">A line</h2>
    <${Typed} sheet=${sheet} own=${own} changed=${changed} />
    <div ...${area}>
      <p>Or drop pictures of one line each. A text beside one (<code>a.png</code>, <code>a.gt.txt</code>) says what it says; fonts (.ttf, .otf, .woff2) can be typed in, and learned.</p>
      <div class="row">
        <label class="button">Open files<input class="hidden" type="file" multiple accept="image/*,.heic,.heif,.tif,.tiff,.txt,.ttf,.otf,.woff2" onChange=${choose} disabled=${busy} /></label>
        <label class="button">Open a folder<input class="hidden" type="file" webkitdirectory onChange=${choose} disabled=${busy} /></label>
      </div>
    </div>
    <div class="row"><button onClick=${() => fresh("nothing")} disabled=${busy}>New sheet</button>
      <button onClick=${() => fresh("sample")} disabled=${busy}>Sample lines</button></div>
    ${sending && html`<${Sent} sending=${sending} busy=${busy} cancel=${cancel} />`}
  </section>`;
}

/** @param {{sheet: string, own: string[], changed: (number?: number) => void}} properties */
function Typed({ sheet, own, changed }) {
  const [text, setText] = useState("");
  const [font, setFont] = useState("lato");
  const [look, setLook] = useState(/** @type {keyof typeof LOOKS} */ ("plain"));
  const [seed, setSeed] = useState(0);
  const [fonts, setFonts] = useState(/** @type {string[]} */ ([]));
  const [said, setSaid] = useState("");
  useEffect(() => {
    let stopped = false;
    get("/api/lines/fonts").then((found) => stopped || setFonts(found.fonts), (e) => stopped || setSaid(e.message));
    return () => void (stopped = true);
  }, []);
  /** @param {Event} event */
  const go = (event) => {
    event.preventDefault();
    setSaid("");
    post(`/api/lines/sheets/${sheet}/typed`, { text, font, look, seed }).then(({ number }) => changed(number), (e) => setSaid(e.message));
    setSeed(seed + 1); // the same text in a look is another picture each time
  };
  return html`<form class="typed-line fields" onSubmit=${go} data-fonts=${fonts.length}>
    <label>Text <input class="wide" value=${text} maxlength="200" onInput=${(/** @type {any} */ e) => setText(e.target.value)} /></label>
    <label>Font <input class="wide" list="fonts" value=${font} onInput=${(/** @type {any} */ e) => setFont(e.target.value)} /></label>
    <datalist id="fonts">${[...own, ...fonts].map((name) => html`<option value=${name} />`)}</datalist>
    <label>Seen <select value=${look} onChange=${(/** @type {any} */ e) => setLook(e.target.value)}>${Object.entries(LOOKS).map(([value, words]) => html`<option value=${value}>${words}</option>`)}</select></label>
    <div><button class="main" disabled=${!text.trim()}>Read it</button></div>
    ${said && html`<p role="alert" class="wrong">${said}</p>`}</form>`;
}
