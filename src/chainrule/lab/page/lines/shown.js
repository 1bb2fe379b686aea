// A line that was chosen: its picture, what was read and why, and every step on the way.
import { useEffect, useState } from "preact/hooks";
import { post } from "../shared/api.js";
import { html } from "../shared/html.js";
import { Decision } from "./decision.js";
import { Bars, Steps } from "./steps.js";
import { sign, traced } from "./trace.js";

/** @typedef {import("./trace.js").Trace} Trace
 *  @typedef {import("./trace.js").TracedLine} TracedLine
 *  @typedef {import("./room.js").Row} Row */

/**
 * @param {{sheet: string, row: Row, by: string, changed: () => void, remove: (number: number) => void}} properties
 */
export function Shown({ sheet, row, by, changed, remove }) {
  const [answer, setAnswer] = useState(/** @type {{of: string, trace: Trace | null, said: string}} */ ({ of: "", trace: null, said: "" }));
  const [looked, setLooked] = useState(/** @type {{of: Trace | null, reader: number, line: number}} */ ({ of: null, reader: 0, line: 0 }));
  const [at, setAt] = useState(/** @type {{of: TracedLine | undefined, picked: number | null, step: number}} */ ({ of: undefined, picked: null, step: 0 }));
  const [phase, setPhase] = useState("");
  const address = `/api/lines/sheets/${sheet}/lines/${row.number}`;
  const asked = `${address} ${by}`;
  const { trace, said } = answer.of === asked ? answer : { trace: null, said: "" };
  useEffect(() => {
    /** @param {Event} event */
    const hear = (event) => {
      const { detail } = /** @type {CustomEvent} */ (event);
      if (detail.run === "reading") setPhase(detail.phase);
    };
    addEventListener("signal", hear);
    return () => removeEventListener("signal", hear);
  }, []);
  useEffect(() => {
    let stopped = false;
    traced(`${address}/trace`).then(
      (found) => stopped || setAnswer({ of: asked, trace: found, said: "" }),
      (e) => stopped || setAnswer({ of: asked, trace: null, said: e.message }),
    );
    return () => void (stopped = true);
  }, [asked]);
  // what is looked at, of this trace and of this line: at first the text that stayed, and its first character
  const place = looked.of === trace ? looked : { reader: trace?.kept ?? 0, line: 0 };
  const reader = trace?.readers[place.reader];
  const line = reader?.lines[place.line];
  const [first] = line?.characters ?? [];
  const { picked, step } = at.of === line ? at : { picked: first ? 0 : null, step: first?.surest ?? 0 };
  /** @param {{reader: number, line: number}} to */
  const setPlace = (to) => setLooked({ of: trace, ...to });
  /** @param {number} to */
  const setStep = (to) => setAt({ of: line, picked, step: to });
  /** @param {number} number */
  const pick = (number) => line && setAt({ of: line, picked: number, step: line.characters[number].surest });
  const read = trace?.readers[trace.kept];
  const busy = trace || said ? "" : phase ? `The lab is ${phase}; the first line takes some seconds.` : "It is being read.";
  const character = picked !== null ? line?.characters[picked] : undefined;
  return html`<section class="shown" aria-labelledby="shown-title" data-line=${row.number} data-read=${read?.text} data-confidence=${read?.confidence} data-kept=${trace?.kept}
      data-reader=${trace ? place.reader : undefined} data-by=${trace ? by : undefined} aria-busy=${busy !== ""}>
    <div><h2 id="shown-title">What it says</h2>
      <p class="quiet name">${row.name}${row.typed ? ` (${row.typed})` : ""}${row.width ? `, ${row.width} × ${row.height} pixels` : ""} <button onClick=${() => remove(row.number)}>Remove</button></p></div>
    <${Picture} address=${address} row=${row} line=${line} picked=${picked} />
    ${said && html`<p role="alert" class="wrong">${said}</p>`}
    ${busy && html`<p role="status" class="loading">${busy}</p>`}
    ${read && html`<p class="answer">${read.text ? html`<output>${read.text}</output>` : html`<span class="wrong">${read.reason}</span>`}
      ${read.text && html` <span class="quiet">right in every character with a probability of ${read.confidence.toFixed(3)}</span>`}</p>`}
    ${trace && html`<${Correct} key=${`${row.number} ${read?.text}`} address=${address} row=${row} read=${read?.text ?? ""} changed=${changed} />
      <${Decision} trace=${trace} place=${place} setPlace=${setPlace} />`}
    ${reader && line && html`<section aria-labelledby="steps-title"><h2 id="steps-title">Step by step${trace && trace.readers.length > 1 ? `, by the ${reader.name} reader` : ""}</h2>
      ${line.characters.length > 0 && html`<ol class="characters" aria-label="Characters of the line">${line.characters.map((one, k) => html`<li>
        <button aria-pressed=${k === picked} onClick=${() => pick(k)} class=${one.path === one.character ? "" : "other"} aria-label=${`${sign(one.character)}, character ${k + 1}`} data-character=${k}>${sign(one.character)}</button></li>`)}</ol>`}
      ${character && html`<${Chosen} character=${character} words=${trace?.words ?? false} />`}
      <${Steps} address=${address} reader=${reader} number=${place.reader} line=${line} at=${place.line} picked=${picked} step=${Math.min(step, line.frames - 1)} setStep=${setStep} /></section>`}
  </section>`;
}

/** @param {{character: import("./trace.js").Character, words: boolean}} properties */
function Chosen({ character: { character, frames, surest, best, path }, words }) {
  const changed = path === character
    ? `The best path names it too${words ? ": the dictionary changed nothing here" : ""}.`
    : `The best path has ${path ? `“${path}”` : "nothing"} in its place; ${words ? "the search with the dictionary, or another crop, changed that" : "another crop changed that"}.`;
  return html`<div class="chosen" data-chosen=${character} data-from=${frames[0]} data-to=${frames[1]}>
    <p><b>${sign(character)}</b> is named by ${frames[1] - frames[0] > 1 ? `the steps ${frames[0] + 1} to ${frames[1]}, most surely by step ${surest + 1}` : `step ${surest + 1}`}. ${changed}</p>
    <${Bars} best=${best} caption="Its five best" /></div>`;
}

/** @param {{address: string, row: Row, line: import("./trace.js").TracedLine | undefined, picked: number | null}} properties */
function Picture({ address, row, line, picked }) {
  const { width = 1, height = 1 } = row;
  return html`<div class="scroll given" tabindex="0" role="group" aria-label="The picture, with a box for each character"><div class="framed">
    <img src=${`${address}/small`} alt=${row.truth ?? row.read?.text ?? row.name} />
    <svg viewBox=${`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">${line?.characters.map(({ box: [left, top, right, bottom] }, k) => html`<rect
      class=${k === picked ? "picked" : ""} x=${left} y=${top} width=${right - left} height=${bottom - top} vector-effect="non-scaling-stroke" data-box=${`${left} ${top} ${right} ${bottom}`} />`)}</svg>
  </div></div>`;
}

/** @param {{address: string, row: Row, read: string, changed: () => void}} properties */
function Correct({ address, row, read, changed }) {
  const [text, setText] = useState(row.truth ?? read);
  const [said, setSaid] = useState("");
  /** @param {Event} event */
  const save = (event) => {
    event.preventDefault();
    setSaid("");
    post(address, { text }).then(() => changed(), (e) => setSaid(e.message));
  };
  const verdict = row.truth === undefined ? "Nobody has said yet what it says; correct it, and the line can be learned from." : row.truth === read ? "It is read right." : "It is read wrong.";
  return html`<form class="correct" onSubmit=${save} data-truth=${row.truth}>
    <label>What it really says <input class="wide" value=${text} maxlength="200" onInput=${(/** @type {any} */ e) => setText(e.target.value)} /></label>
    <button>${row.truth === undefined ? "Say so" : "Correct"}</button>
    <span class=${row.truth === undefined ? "quiet" : row.truth === read ? "right" : "wrong"} role="status">${said || verdict}</span></form>`;
}
