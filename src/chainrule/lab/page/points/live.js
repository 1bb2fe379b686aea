// A run as the page knows it: the newest signal, the points, the newest weights.
import { get, getBytes, post } from "../shared/api.js";

/** @typedef {{W_in: Float64Array, b_in: Float64Array, w_out: Float64Array, b_out: number}} Weights
 *  @typedef {{X: Float64Array, y: Float64Array}} Part
 *  @typedef {{sizes: number[], features: number, names: string[], classes: string[], label: string,
 *    mean: number[], scale: number[], notes: string[]}} Shape */

/** Tells "changed" when a signal came, "points" when the points are there, "weights" when new
 *  weights are. While one answer is on its way no second one is asked for: a slow page skips. */
export class Live extends EventTarget {
  /** @param {string} id */
  constructor(id) {
    super();
    this.id = id;
    /** @type {any} */
    this.settings = null;
    /** @type {any} */
    this.news = { revision: 0 };
    /** @type {Shape | null} */
    this.shape = null;
    /** @type {Part[]} */
    this.parts = [];
    /** @type {Weights | null} */
    this.weights = null;
    this.iteration = 0; // of the weights
    /** @type {string | null} */
    this.link = null;
    /** @type {ArrayBuffer | null} */
    this.given = null; // weights that came with a signal, not yet painted
    this.heard = 0; // how many signals brought weights
    this.failure = "";
    this.busy = false;
    this.again = false;
    this.closed = false;
    this.hear = this.hear.bind(this);
    this.reopen = this.reopen.bind(this);
    addEventListener("signal", this.hear);
    addEventListener("reopened", this.reopen);
    this.refresh();
  }

  close() {
    this.closed = true;
    removeEventListener("signal", this.hear);
    removeEventListener("reopened", this.reopen);
  }

  /** @param {Event} event */
  hear(event) {
    const signal = /** @type {CustomEvent} */ (event).detail;
    if (signal.run !== this.id || signal.revision < this.news.revision) return;
    const { weights, ...news } = signal;
    this.news = news;
    this.tell("changed");
    if (document.hidden) return;
    if (!weights || !this.shape) return void this.refresh();
    // small weights come with the signal; of several between two pictures the newest is painted
    const waits = this.given !== null;
    this.heard += 1;
    this.given = Uint8Array.from(atob(weights), (c) => c.charCodeAt(0)).buffer;
    if (!waits) requestAnimationFrame(() => this.takeGiven());
  }

  takeGiven() {
    const { given, shape } = this;
    this.given = null;
    if (given && shape && !this.closed) this.take(new Float64Array(given), this.news.iteration, shape);
  }

  /** The lab may have been started again: its counting of signals too. */
  reopen() {
    this.news = { ...this.news, revision: 0 };
    this.shape = null;
    this.refresh();
  }

  async refresh() {
    if (this.busy) {
      this.again = true;
      return;
    }
    this.busy = true;
    try {
      if (!this.shape) await this.load();
      if (this.shape) await this.loadWeights(this.shape);
      this.failure = "";
    } catch (error) {
      this.failure = /** @type {Error} */ (error).message;
      this.tell("changed");
    }
    this.busy = false;
    if (this.again && !this.closed) {
      this.again = false;
      requestAnimationFrame(() => this.refresh());
    }
  }

  async load() {
    const found = await get(`/api/points/runs/${this.id}`);
    this.settings = found.settings;
    this.link = found.link;
    if (found.news.revision >= this.news.revision) this.news = found.news;
    this.tell("changed");
    if (!found.points.sizes) return; // the worker is on its way: a signal follows
    const numbers = new Float64Array(await getBytes(`/api/points/runs/${this.id}/points`));
    let at = 0;
    this.parts = found.points.sizes.map((/** @type {number} */ size) => {
      const X = numbers.subarray(at, at + size * found.points.features);
      const y = numbers.subarray(at + X.length, at + X.length + size);
      at += X.length + size;
      return { X, y };
    });
    this.shape = found.points;
    this.tell("points");
  }

  /** @param {Shape} shape */
  async loadWeights(shape) {
    const before = this.heard;
    const bytes = await getBytes(`/api/points/runs/${this.id}/weights`);
    if (!bytes.byteLength || this.heard !== before) return; // a signal brought newer ones meanwhile
    const numbers = new Float64Array(bytes);
    this.take(numbers.subarray(1), numbers[0], shape);
  }

  /** W_in, b_in, w_out, b_out after an iteration.
   *  @param {Float64Array} numbers @param {number} iteration @param {Shape} shape */
  take(numbers, iteration, { features: d }) {
    const { hidden: h } = this.settings;
    this.iteration = iteration;
    this.weights = {
      W_in: numbers.subarray(0, h * d),
      b_in: numbers.subarray(h * d, h * d + h),
      w_out: numbers.subarray(h * d + h, h * d + 2 * h),
      b_out: numbers[h * d + 2 * h],
    };
    this.tell("weights");
  }

  /** @param {string} what */
  tell(what) {
    this.dispatchEvent(new Event(what));
  }

  /** @param {object} values */
  do(values) {
    return post(`/api/points/runs/${this.id}/do`, values).catch((error) => {
      this.failure = error.message;
      this.tell("changed");
    });
  }
}

/**
 * y_hat at points of d features each.
 * @param {Weights} weights @param {number} d @param {ArrayLike<number>} X
 * @param {Float64Array | Float32Array} found
 */
export function outputs({ W_in, b_in, w_out, b_out }, d, X, found) {
  const h = b_in.length;
  for (let i = 0; i < found.length; i++) {
    let y = b_out;
    for (let j = 0; j < h; j++) {
      let z = b_in[j];
      for (let k = 0; k < d; k++) z += W_in[j * d + k] * X[i * d + k];
      if (z > 0) y += w_out[j] * z;
    }
    found[i] = y;
  }
  return found;
}
