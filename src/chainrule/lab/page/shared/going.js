// How far a training is: what its album says, and what is heard of it since.
import { useEffect, useState } from "preact/hooks";

/**
 * @template Going
 * @template {{id: string, going: Going | null}} Album
 * @param {Album} album as it was loaded last
 * @param {() => void} changed loads it anew
 * @returns {Going | null} null while nothing is trained
 */
export function useGoing(album, changed) {
  const [heard, setHeard] = useState({ of: album, going: album.going });
  useEffect(() => {
    /** @param {Event} event */
    const hear = (event) => {
      const { detail } = /** @type {CustomEvent} */ (event);
      if (detail.run !== album.id) return;
      // the word of a training that the album does not know may be late, or the first of a new one
      if (detail.state === "running" && album.going) setHeard({ of: album, going: detail.going });
      else changed();
    };
    addEventListener("signal", hear);
    return () => removeEventListener("signal", hear);
  }, [album, changed]);
  return heard.of === album ? heard.going : album.going;
}
