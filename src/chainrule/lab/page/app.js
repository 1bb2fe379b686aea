// The lab's frame: the rooms, the stream of signals, and what is said when the server is gone.
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { html } from "./shared/html.js";
import { listen } from "./shared/stream.js";
import { get, Refusal } from "./shared/api.js";
import { Blocks } from "./blocks/room.js";
import { Lines } from "./lines/room.js";
import { Photographs } from "./photographs/room.js";
import { Points } from "./points/room.js";
import { Report } from "./report/room.js";
import { Runs } from "./shared/runs.js";

/** Each room by the word before "?" in the address. */
const ROOMS = {
  points: { title: "Points", view: Points },
  blocks: { title: "Blocks", view: Blocks },
  lines: { title: "Lines", view: Lines },
  photographs: { title: "Photographs", view: Photographs },
  report: { title: "Report", view: Report },
  runs: { title: "Runs", view: Runs },
};

/** @returns {{room: keyof typeof ROOMS, query: string}} */
function place() {
  const [room, query = ""] = location.hash.slice(1).split(/\?(.*)/s);
  return { room: room in ROOMS ? /** @type {keyof typeof ROOMS} */ (room) : "points", query };
}

function Frame() {
  const [where, setWhere] = useState(place());
  const [lost, setLost] = useState("");
  useEffect(() => {
    const moved = () => setWhere(place());
    addEventListener("hashchange", moved);
    let heard = 0; // how often the stream was opened or lost: what was asked before that is late
    listen(
      (signal) => dispatchEvent(new CustomEvent("signal", { detail: signal })),
      async (state) => {
        const mine = ++heard;
        if (state === "open") {
          setLost("");
          dispatchEvent(new CustomEvent("reopened"));
          return;
        }
        const said = await get("/api/runs").then(() => "", (/** @type {Refusal} */ e) => e.message);
        if (mine === heard) setLost(said);
      },
    );
    return () => removeEventListener("hashchange", moved);
  }, []);
  const View = ROOMS[where.room].view;
  const items = Object.entries(ROOMS).map(
    ([name, { title }]) => html`<li>
      <a href=${`#${name}`} aria-current=${name === where.room ? "page" : undefined}>${title}</a>
    </li>`,
  );
  return html`<header class="top">
      <a class="skip" href="#main" onClick=${skip}>Skip to the room</a>
      <h1>chainrule lab</h1>
      <nav aria-label="Rooms"><ul>${items}</ul></nav>
    </header>
    ${lost && html`<p class="banner" role="alert">${lost}</p>`}
    <main id="main" tabindex="-1"><${View} key=${where.room} query=${where.query} /></main>`;
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

const root = /** @type {HTMLElement} */ (document.getElementById("lab"));
root.textContent = "";
render(html`<${Frame} />`, root);
