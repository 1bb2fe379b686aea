// What the page asks of the lab's server, on the same machine.

/** What the server did not do, in its own sentence. */
export class Refusal extends Error {
  /** @param {number} status @param {string} sentence */
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

/**
 * @param {string} address
 * @param {RequestInit} [options]
 * @returns {Promise<Response>}
 */
async function answered(address, options) {
  let response;
  try {
    response = await fetch(address, { cache: "no-store", ...options });
  } catch {
    throw new Refusal(0, "The lab does not answer: it was stopped, or is being started again.");
  }
  if (response.ok) return response;
  const found = await response.json().catch(() => ({}));
  throw new Refusal(response.status, found.error ?? `The lab answered ${response.status}.`);
}

/** @param {string} address @returns {Promise<any>} */
export async function get(address) {
  return (await answered(address)).json();
}

/** @param {string} address @returns {Promise<ArrayBuffer>} */
export async function getBytes(address) {
  return (await answered(address)).arrayBuffer();
}

/** @param {string} address @param {object} document @returns {Promise<ArrayBuffer>} */
export async function postBytes(address, document) {
  return (await answered(address, { method: "POST", body: JSON.stringify(document) })).arrayBuffer();
}

/** @param {string} address @param {object} document @returns {Promise<any>} */
export async function post(address, document) {
  return (await answered(address, { method: "POST", body: JSON.stringify(document) })).json();
}

/** @param {string} address @param {Blob | string} content @returns {Promise<any>} */
export async function upload(address, content) {
  return (await answered(address, { method: "POST", body: content })).json();
}

/** @param {string} address @returns {Promise<any>} */
export async function remove(address) {
  return (await answered(address, { method: "DELETE" })).json();
}
