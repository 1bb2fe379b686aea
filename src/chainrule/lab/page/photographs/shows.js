// What a picture shows: the five best classes, and what decided on any class.
import { useEffect, useState } from "preact/hooks";
import { get } from "../shared/api.js";
import { html } from "../shared/html.js";
import { decided, Map } from "./decided.js";

/** @typedef {import("./gallery.js").Picture} Picture
 *  @typedef {import("./room.js").Wanted} Wanted
 *  @typedef {{class: string, margin: number, best: Guess[]}} Own
 *  @typedef {{index: number, name: string, probability: number}} Guess */

/** What decided, which question it answers, and why there is no newer one.
 *  @typedef {{found: import("./decided.js").Decided | null, of: string, said: string}} Answered */

/** @type {Promise<{classes: string[]}> | null} */
let known = null;

/**
 * @param {{album: string, picture: Picture, wanted: Wanted | null, trained: number | undefined, resting: boolean, margin: number,
 *   choose: (wanted: Wanted) => void, remove: (number: number) => void}} properties
 */
export function Shows({ album, picture, wanted, trained, resting, margin, choose, remove }) {
  const [answer, setAnswer] = useState(/** @type {{best: Guess[] | null, own?: Own, by?: number}} */ ({ best: null }));
  const [{ found, of, said: refused }, setDecided] = useState(/** @type {Answered} */ ({ found: null, of: "", said: "" }));
  const [said, setSaid] = useState("");
  const [phase, setPhase] = useState("");
  const base = `/api/photographs/albums/${album}/pictures/${picture.number}`;
  const isOwn = wanted?.own ?? false;
  const address = `${base}/decided${wanted ? `?class=${wanted.index}&own=${Number(isOwn)}` : ""}`;
  const asked = `${address} ${isOwn ? trained : ""}`; // another classifier is another question
  const { best } = answer;
  const own = answer.by === trained ? answer.own : undefined;
  useEffect(() => {
    /** @param {Event} event */
    const hear = (event) => {
      const { detail } = /** @type {CustomEvent} */ (event);
      if (detail.run === "looker") setPhase(detail.phase);
    };
    addEventListener("signal", hear);
    return () => removeEventListener("signal", hear);
  }, []);
  useEffect(() => {
    let stopped = false;
    get(`${base}/best`).then(
      (found) => stopped || (setAnswer({ ...found, by: trained }), setSaid("")),
      (e) => stopped || setSaid(e.message),
    );
    return () => void (stopped = true);
  }, [base, trained]);
  useEffect(() => {
    let stopped = false;
    decided(address).then(
      (found) => stopped || setDecided({ found, of: asked, said: "" }),
      (e) => stopped || setDecided((before) => ({ ...before, of: asked, said: e.message })),
    );
    return () => void (stopped = true);
  }, [asked]);
  const waits = of !== asked; // what is shown meanwhile answers an earlier question
  const busy = !waits ? "" : resting ? "It waits until the classifier is trained." : phase ? `The lab is ${phase}; the first picture takes some seconds.` : "Looking.";
  return html`<section class="shows" aria-labelledby="shows-title" data-shows=${picture.number} data-decided=${!waits && !refused && found ? `${isOwn ? "own " : ""}${found.class_index}` : ""}>
    <div><${Map} name=${picture.name} found=${found} busy=${busy} /></div>
    <div class="side">
      <div><h2 id="shows-title">What it shows</h2>
        <p class="quiet name">${picture.name}${picture.width ? `, ${picture.width} × ${picture.height} pixels` : ""}${" "}
          <button onClick=${() => remove(picture.number)}>Remove</button></p>
        ${(said || refused) && html`<p role="alert" class="wrong">${said || refused}</p>`}
        ${best && html`<p>The five best of 1,000 classes. Choose one to see what decided on it.</p>
          <ol class="best">${best.map((guess) => html`<li key=${guess.index}><${Bar} guess=${guess} isChosen=${!isOwn && found?.class_index === guess.index} choose=${() => choose({ index: guess.index, own: false })} /></li>`)}</ol>
          <${Other} choose=${(/** @type {number} */ index) => choose({ index, own: false })} />`}
        ${own && html`<h3>Among your classes: <span data-own=${saidOf(own, margin)}>${saidOf(own, margin)}</span></h3>
          <ol class="best own">${own.best.map((guess) => html`<li key=${guess.index}><${Bar} guess=${guess} isChosen=${isOwn && found?.class_index === guess.index} choose=${() => choose({ index: guess.index, own: true })} /></li>`)}</ol>`}
      </div>
      ${found && html`<p>Shown for <b data-class=${found.class}>${found.class}</b>: light is where it lies in the picture. The network sees a square of ${found.size} × ${found.size} pixels.</p>`}
    </div>
  </section>`;
}

/** As `images predict --unknown --unsure` says it. @param {Own} own @param {number} margin */
const saidOf = (own, margin) => (own.class !== "unknown" && own.margin < margin ? "unsure" : own.class);

/** @param {{guess: Guess, isChosen: boolean, choose: () => void}} properties */
export function Bar({ guess: { index, name, probability }, isChosen, choose }) {
  return html`<button class="bar" aria-pressed=${isChosen} onClick=${choose} data-index=${index} data-probability=${probability}>
    <span>${name}</span><span class="share">${(100 * probability).toFixed(1)} %</span>
    <progress max="1" value=${probability} aria-hidden="true"></progress></button>`;
}

/** Any of the network's classes. @param {{choose: (index: number) => void}} properties */
function Other({ choose }) {
  const [names, setNames] = useState(/** @type {string[]} */ ([]));
  const [text, setText] = useState("");
  const [said, setSaid] = useState("");
  useEffect(() => {
    known ??= get("/api/photographs/classes");
    known.then(({ classes }) => setNames(classes), () => void (known = null));
  }, []);
  /** @param {Event} event */
  const go = (event) => {
    event.preventDefault();
    const wanted = text.trim().toLowerCase();
    const exact = names.findIndex((name) => name.toLowerCase() === wanted);
    const part = exact >= 0 ? exact : names.findIndex((name) => wanted && name.toLowerCase().includes(wanted));
    setSaid(part < 0 ? `The network has no class called ${text}.` : "");
    if (part >= 0) choose(part);
  };
  return html`<form class="row" onSubmit=${go}><label>Another class <input list="classes" value=${text} onInput=${(/** @type {any} */ e) => setText(e.target.value)} /></label>
      <datalist id="classes">${names.map((name) => html`<option value=${name} />`)}</datalist><button disabled=${!names.length}>Show</button></form>
    ${said && html`<p class="wrong" role="alert">${said}</p>`}`;
}
