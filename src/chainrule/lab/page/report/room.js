// Here the whole report runs.
import { html } from "../shared/html.js";

export function Report() {
  return html`<div class="room" data-room="report" data-state="empty"><p class="lead">Here the whole report runs.</p></div>`;
}
