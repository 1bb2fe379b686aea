// How far a report is: its parts as they end, the share and the time that is left; cancel, go on.
import { html } from "../shared/html.js";
import { Verdicts } from "./verdicts.js";

/** @typedef {import("./room.js").Made} Made */

const STOPPED = /** @type {Record<string, string>} */ ({
  cancelled: "It was cancelled. What was finished is kept, and is not computed again.",
  interrupted: "It was interrupted: the lab, or its process, was ended while it ran. What was finished is kept.",
  failed: "It failed.",
});

/** @param {{made: Made, parts: {number: number, title: string}[], canBeWhole: boolean, tell: (what: string) => void}} properties */
export function Going({ made, parts, canBeWhole, tell }) {
  const { going, settings, state, result } = made;
  const found = going?.history ?? result.found ?? [];
  const stopped = going ? undefined : STOPPED[state];
  return html`<section class="going" aria-labelledby="going-title" data-parts=${found.length}>
    <h2 id="going-title">${settings.quick ? "A quick report" : "A whole report"}</h2>
    <p class="quiet">Seed ${settings.seed}, ${settings.trials === 1 ? "1 run" : `${settings.trials} runs`} of each setting${settings.quick && settings.trials > 10 ? ", ten of them as it is quick" : ""}.</p>
    ${going && html`<${Bar} going=${going} />`}
    ${stopped && html`<p role="status">${stopped}</p>`}
    ${!going && made.said && html`<p role="alert" class="wrong">${made.said}</p>`}
    ${(going || state !== "finished") && html`<ul class="plain" aria-label="Parts">${settings.parts.map((number) => html`<${Part} key=${number} number=${number}
      title=${parts.find((part) => part.number === number)?.title ?? ""} found=${found.find((part) => part.number === number)} isGoing=${going !== null} />`)}</ul>`}
    <div class="row">
      ${going && html`<button class="main" onClick=${() => tell("cancel")}>Cancel</button>`}
      ${stopped && html`<button class="main" onClick=${() => tell("go on")}>Go on</button>`}
      ${!going && state === "finished" && settings.quick && canBeWhole && html`<button onClick=${() => tell("make whole")}>Make it whole</button>
        <span class="quiet">It goes on from what the quick one has run.</span>`}
    </div>
  </section>`;
}

/** @param {{going: import("./room.js").Progress}} properties */
function Bar({ going: { phase, done, of, left } }) {
  return html`<div><p><span role="status">${phase[0].toUpperCase() + phase.slice(1)}</span>${of ? `: ${Math.round((100 * done) / of)} %${left !== null && left >= 1 ? `, about ${duration(left)} left` : ""}` : ""}.</p>
    ${of ? html`<progress max=${of} value=${done} aria-label="Share of the report that is done"></progress>` : html`<progress aria-label="Getting ready"></progress>`}</div>`;
}

/** @param {{number: number, title: string, found: import("./room.js").FoundPart | undefined, isGoing: boolean}} properties */
function Part({ number, title, found, isGoing }) {
  return html`<li data-part=${number}>${number}. ${title}: ${found ? html`<${Verdicts} counts=${found.verdicts} />` : html`<span class="quiet">${isGoing ? "not yet answered" : "not answered"}</span>`}</li>`;
}

/** 12 s, 3 min 20 s. @param {number} seconds */
function duration(seconds) {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
