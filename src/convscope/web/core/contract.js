// The preprocessing contract of a model file, and its checks: the twin of Python's `Preprocessing`.

/**
 * @typedef {"stretch" | "pad" | "crop" | "mnist"} Fit
 * @typedef {"as_is" | "invert" | "auto"} Polarity
 */

/**
 * How a picture becomes the network's input. `height`, `width`: 1..1024; `channels`: 1 (gray) or 3 (RGB);
 * `background`: the gray level under transparent pixels, 0..255. `decoding`: how Python decodes JPEG files, exact or
 * draft or fast, exact if it is missing; the browser decodes in full.
 * @typedef {{height: number, width: number, channels: number, background: number}} Numbers
 * @typedef {Numbers & {fit: Fit, polarity: Polarity, decoding?: "exact" | "draft" | "fast"}} Contract
 */

const MAX_SIDE = 1024;
const KEYS = ["background", "channels", "fit", "height", "polarity", "width"];

/**
 * Check a contract.
 * @param {unknown} value exactly the keys of a contract, each of its type and in its range
 * @returns {Contract} the same value
 * @throws {Error} a key is missing or unknown, or a value is of the wrong type or out of its range
 */
export function check_contract(value) {
  if (typeof value !== "object" || value === null || keys_of(value).join() !== KEYS.join()) {
    const received = value && typeof value === "object" ? Object.keys(value).sort().join(", ") : show(value);
    throw new Error(
      `Expected a preprocessing contract with exactly the keys ${KEYS.join(", ")}. ` +
        `Received: preprocessing=${received.slice(0, 200)}.`,
    );
  }
  const contract = /** @type {Record<string, unknown>} */ (value);
  check_whole("height", contract.height, 1, MAX_SIDE);
  check_whole("width", contract.width, 1, MAX_SIDE);
  check_choice("channels", contract.channels, [1, 3]);
  check_choice("fit", contract.fit, ["stretch", "pad", "crop", "mnist"]);
  check_choice("polarity", contract.polarity, ["as_is", "invert", "auto"]);
  check_whole("background", contract.background, 0, 255);
  if ("decoding" in contract) check_choice("decoding", contract.decoding, ["exact", "draft", "fast"]);
  if (contract.fit === "mnist" && contract.channels !== 1) {
    throw new Error(
      "Expected 1 channel with fit 'mnist', which is for handwriting. " +
        `Received: fit='mnist', channels=${contract.channels}.`,
    );
  }
  return /** @type {Contract} */ (value);
}

/** @param {object} value */
const keys_of = (value) => Object.keys(value).filter((key) => key !== "decoding").sort();

/**
 * A short description of any value, for error messages.
 * @param {unknown} value
 * @returns {string} about 200 characters at most
 */
export function show(value) {
  if (typeof value === "string") return `'${value.slice(0, 200)}'`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {number} low
 * @param {number} high
 */
function check_whole(name, value, low, high) {
  if (typeof value !== "number" || !Number.isInteger(value) || value < low || value > high) {
    throw new Error(`Expected ${name} as a whole number from ${low} to ${high}. Received: ${name}=${show(value)}.`);
  }
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {unknown[]} choices
 */
function check_choice(name, value, choices) {
  if (!choices.includes(value)) {
    throw new Error(`Expected ${name} to be one of ${choices.join(", ")}. Received: ${name}=${show(value)}.`);
  }
}
