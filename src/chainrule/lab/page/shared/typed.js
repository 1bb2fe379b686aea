// An input whose text is its writer's until it is done: what comes meanwhile overwrites nothing.
import { useState } from "preact/hooks";
import { html } from "./html.js";

/**
 * @param {{value: string | number, take: (text: string) => void, [attribute: string]: any}} properties
 * take gets the text once it is done: by Enter, an arrow, or when the input is left.
 */
export function Typed({ value, take, ...rest }) {
  const [text, setText] = useState(/** @type {string | null} */ (null)); // null: nothing is typed
  /** @param {any} event */
  const done = ({ target }) => {
    setText(null);
    take(target.value);
  };
  return html`<input ...${rest} value=${text ?? value} onInput=${(/** @type {any} */ e) => setText(e.target.value)} onChange=${done} onBlur=${() => setText(null)} />`;
}
