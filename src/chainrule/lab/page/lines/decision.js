// Why this text and no other: the readers in turn, and the texts that each of them compared.
import { number } from "../shared/format.js";
import { html } from "../shared/html.js";

/** @typedef {import("./trace.js").Trace} Trace
 *  @typedef {import("./trace.js").ReaderTrace} ReaderTrace
 *  @typedef {import("./trace.js").TracedLine} TracedLine
 *  @typedef {{reader: number, line: number}} Place */

const HOW = { path: "the best path", search: "the search with the dictionary", again: "another crop", words: "the dictionary counted twice" };

/** @param {{trace: Trace, place: Place, setPlace: (place: Place) => void}} properties */
export function Decision({ trace, place, setPlace }) {
  const { readers, kept } = trace;
  const reader = readers[place.reader];
  const line = reader?.lines[place.line];
  return html`<section class="decision" aria-labelledby="decision-title"><h2 id="decision-title">Why this and not something else</h2>
    <ol class="turns">${readers.map((one, k) => html`<li data-turn=${one.name} data-text=${one.text} data-confidence=${one.confidence}>
      The ${one.name === "yours" ? "reader that was trained here" : `${one.name} reader`} ${one.text ? html`reads <q>${one.text}</q> with a confidence of ${one.confidence.toFixed(3)}` : `finds ${one.reason}`}.
      ${" "}<span>${why(trace, k)}</span></li>`)}</ol>
    ${readers.length > 1 && html`<div class="row" role="group" aria-label="Whose work is shown"><span>Show the work of</span>${readers.map((one, k) => html`<button aria-pressed=${k === place.reader}
      onClick=${() => setPlace({ reader: k, line: 0 })}>the ${one.name} reader${k === kept ? ", whose text stayed" : ""}</button>`)}</div>`}
    ${reader && reader.lines.length > 1 && html`<div class="row" role="group" aria-label="Which line of the picture"><span>The picture has several lines</span>${reader.lines.map((one, k) => html`<button
      aria-pressed=${k === place.line} onClick=${() => setPlace({ ...place, line: k })}>${one.text || `line ${k + 1}`}</button>`)}</div>`}
    ${line && html`<${Texts} line=${line} words=${trace.words} />`}</section>`;
}

/** Why the large reader is asked though the fast one is sure. @type {Record<string, string>} */
const DOUBTS = {
  tall: "The picture is much higher than wide",
  short: "So short a number has no neighbours by which an error would be noticed",
  accent: "Accents are told apart by the large reader",
};

/** What came of one reader's turn. @param {Trace} trace @param {number} k */
function why({ readers, kept, sure, doubt, decided, words, is_cascade: cascade }, k) {
  if (!cascade) return "";
  const [fast, large] = readers;
  if (!fast || !large || doubt === null) return `That is not under ${sure}: the large reader is not asked.`;
  if (k === 0 && doubt === "unsure" && fast.confidence >= sure) return `At first that was under ${sure}: the large reader is asked. As that read something else, this one looked closer.`;
  if (k === 0) return `${DOUBTS[doubt] ?? `That is under ${sure}`}: the large reader is asked.`;
  if (decided === "no text") return kept ? "The fast reader is more likely wrong than right: no text stays." : "The fast reader is more likely right than wrong: its text stays.";
  if (decided === "the second") return fast.text ? "Accents, and texts of up to three characters, are its to tell apart: its text stays." : "The fast reader reads none: its text stays.";
  if (decided === "surer") return kept ? "It is the more confident: its text stays." : "It is no more confident: the fast reader's text stays.";
  return `By what both saw in all their crops${words ? ", and the dictionary" : ""}, ${kept ? "its text is the likelier: it" : "the fast reader's text is the likelier: that"} stays.`;
}

/** @param {{line: TracedLine, words: boolean}} properties */
function Texts({ line, words }) {
  const { readings, crops, spaces } = line;
  const again = crops > 1;
  const once = words ? "The steps are sure enough, or name words of the dictionary: the line was read once." : "The steps are sure enough: the line was read once.";
  return html`<p>${again ? `The steps leave doubt: the line was cropped ${crops - 1} times more, larger and smaller, and each text that was found is compared over all ${crops} crops${words ? ", with what the dictionary adds" : ""}.` : once}
      ${spaces ? " Blanks that nobody writes were taken out of the text at the end." : ""}</p>
    <div class="scroll" tabindex="0" role="group" aria-label="Table of the texts that were considered"><table class="texts">
      <thead><tr><th scope="col">Text</th><th scope="col">Found by</th><th scope="col">log P of it by the steps</th>${again && words && html`<th scope="col">the dictionary adds</th><th scope="col">together</th>`}<th scope="col">taken</th></tr></thead>
      <tbody>${readings.map(({ how, text, seen, words: added, kept }) => html`<tr data-reading=${text} data-how=${how} data-seen=${seen} data-words=${added} data-taken=${kept}>
        <td><code>${text || "nothing"}</code></td><td>${HOW[how]}</td><td class="figure">${number(seen)}</td>
        ${again && words && html`<td class="figure">${number(added)}</td><td class="figure">${number(seen + added)}</td>`}<td>${kept ? html`<b>taken</b>` : ""}</td></tr>`)}</tbody></table></div>`;
}
