// The blocks room: a picture goes through a chain of blocks, and every number is taken apart.
import { html } from "../shared/html.js";

/** @param {{query: string}} properties */
export function Blocks({ query }) {
  return html`<div class="room" data-room="blocks" data-state="empty" data-query=${query}>
    <p class="lead">A picture goes through a chain of blocks: filters, pooling, activations.</p>
  </div>`;
}
