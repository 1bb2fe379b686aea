// Here a line of text goes through the reader.
import { html } from "../shared/html.js";

export function Lines() {
  return html`<div class="room" data-room="lines" data-state="empty"><p class="lead">Here a line of text goes through the reader.</p></div>`;
}
