// An array as a picture, enlarged, with frames around what is looked at.
import { useEffect, useRef } from "preact/hooks";
import { html } from "../shared/html.js";

/** @typedef {{top: number, left: number, rows: number, columns: number, strong?: boolean}} Frame */

const LARGE = 720; // pixels of the longer side that are drawn

/**
 * @param {{sheet: HTMLCanvasElement | null, frames: Frame[], label: string, drawn: string, keys?: string,
 *   onPlace?: (event: MouseEvent) => void, onHover?: (event: MouseEvent) => void, onLeave?: () => void,
 *   onKey?: (event: KeyboardEvent) => void}} properties
 */
export function Sheet({ sheet, frames, label, drawn, keys, onPlace, onHover, onLeave, onKey }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  useEffect(() => {
    if (!canvas.current || !sheet) return;
    const scale = Math.max(1, Math.floor(LARGE / Math.max(sheet.width, sheet.height)));
    const [width, height] = [scale * sheet.width, scale * sheet.height];
    if (canvas.current.width !== width) canvas.current.width = width;
    if (canvas.current.height !== height) canvas.current.height = height;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.current.getContext("2d"));
    context.imageSmoothingEnabled = false;
    context.drawImage(sheet, 0, 0, width, height);
    for (const { top, left, rows, columns, strong } of frames) {
      const place = /** @type {[number, number, number, number]} */ ([scale * left, scale * top, scale * columns, scale * rows]);
      for (const [colour, line] of /** @type {[string, number][]} */ ([["#000", 5], [strong ? "#ffb000" : "#fff", 3]])) {
        context.strokeStyle = colour;
        context.lineWidth = line;
        context.strokeRect(...place);
      }
    }
    canvas.current.dataset.drawn = drawn;
  }, [sheet, JSON.stringify(frames), drawn]);
  return html`<canvas class="sheet" ref=${canvas} tabindex=${onKey ? 0 : undefined} role=${onKey ? "application" : label ? "img" : undefined}
    aria-label=${label || undefined} aria-hidden=${label ? undefined : "true"}
    aria-describedby=${keys} onClick=${onPlace} onMouseMove=${onHover} onMouseLeave=${onLeave} onKeyDown=${onKey}></canvas>`;
}
