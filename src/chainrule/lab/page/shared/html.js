// The one way in which the page writes elements: htm's templates, made by preact. Text is always a
// text node; nothing that a user gave is ever read as markup.
import { h } from "preact";
import htm from "htm";

export const html = htm.bind(h);
