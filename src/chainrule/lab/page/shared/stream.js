// One stream of signals for all tabs of the lab in this browser. A browser opens six connections to
// one machine at most: with a stream in every tab, the seventh tab would wait for ever. So the tab
// that holds a lock listens, and tells the others.

/** @typedef {{run: string, room: string, revision: number, [name: string]: any}} Signal */

const NAME = "chainrule-lab-stream";

/**
 * @param {(signal: Signal) => void} heard
 * @param {(state: "open" | "lost") => void} changed
 */
export function listen(heard, changed) {
  const channel = new BroadcastChannel(NAME);
  channel.onmessage = ({ data }) => ("state" in data ? changed(data.state) : heard(data.signal));
  const start = () => follow(channel, heard, changed);
  // without a secure context there are no locks, and a tab has its own stream
  if (navigator.locks) navigator.locks.request(NAME, () => (start(), new Promise(() => {})));
  else start();
}

/**
 * @param {BroadcastChannel} channel
 * @param {(signal: Signal) => void} heard
 * @param {(state: "open" | "lost") => void} changed
 */
function follow(channel, heard, changed) {
  const source = new EventSource("/api/events");
  /** @param {"open" | "lost"} state */
  const tell = (state) => {
    channel.postMessage({ state });
    changed(state);
  };
  source.onopen = () => tell("open");
  source.onmessage = ({ data }) => {
    const signal = JSON.parse(data);
    channel.postMessage({ signal });
    heard(signal);
  };
  source.onerror = () => {
    tell("lost");
    if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself
    setTimeout(() => follow(channel, heard, changed), 1000);
  };
}
