// The moments of the training: their rounded weights, and a session that uses them.

import { inflate } from "#web/core/bundle.js";
import { count } from "#web/core/network.js";
import { create_session } from "#web/core/session.js";
import { word } from "#web/core/words.js";

/** @typedef {import("#web/bundle.d.ts").MomentJson} MomentJson */
/** @typedef {import("#web/core/bundle.js").Bundle} Bundle */
/** @typedef {import("#web/core/network.js").Tensor} Tensor */
/** @typedef {import("#web/core/network.js").Activations} Activations */
/** @typedef {import("#web/core/session.js").Session} Session */
/** @typedef {{choose: (moment: number) => Promise<void>}} Training */

/**
 * The moments of a page; none in older ones.
 * @param {Bundle} bundle
 * @returns {MomentJson[]} the last one is the trained network
 */
export function moments_of({ moments }) {
  return moments?.moments ?? [];
}

/**
 * The moment that a state shows.
 * @param {Bundle} bundle
 * @param {number} moment State.moment
 * @returns {number} a position in `moments_of`; the last for -1 and for a moment that this page does not have
 */
export function moment_index(bundle, moment) {
  const last = moments_of(bundle).length - 1;
  return moment < 0 || moment > last ? last : moment;
}

/**
 * Whether a state shows other weights than those of the trained network.
 * @param {Bundle} bundle
 * @param {number} moment State.moment
 */
export function is_earlier(bundle, moment) {
  return moment_index(bundle, moment) < moments_of(bundle).length - 1;
}

/**
 * The weights of a moment.
 * @param {Bundle} bundle
 * @param {number} index below the last one
 * @returns {Promise<Record<string, Tensor>>}
 * @throws {Error} They are damaged.
 */
export async function weights_at(bundle, index) {
  const names = Object.keys(bundle.weights).sort();
  const shapes = names.map((name) => bundle.weights[name].shape);
  const length = shapes.reduce((sum, shape) => sum + bytes_of(shape), 0);
  const data = await inflate(moments_of(bundle)[index].weights);
  if (data?.length !== length) throw new Error(word("page.damaged_weights"));
  const view = new DataView(data.buffer);
  let at = 0;
  return Object.fromEntries(names.map((name, i) => {
    const tensor = { shape: shapes[i], data: read(view, at, shapes[i]) };
    at += bytes_of(shapes[i]);
    return [name, tensor];
  }));
}

/** @param {number[]} shape */
const bytes_of = (shape) => (shape.length < 2 ? 2 * count(shape) : 4 * (shape.at(-1) ?? 0) + count(shape));

/** @param {DataView} view @param {number} at @param {number[]} shape @returns {Float32Array} */
function read(view, at, shape) {
  if (shape.length < 2) return Float32Array.from({ length: count(shape) }, (_, i) => half(view.getUint16(at + 2 * i, true)));
  const last = shape[shape.length - 1];
  const steps = Float32Array.from({ length: last }, (_, i) => view.getFloat32(at + 4 * i, true));
  return Float32Array.from({ length: count(shape) }, (_, i) => view.getInt8(at + 4 * last + i) * steps[i % last]);
}

/**
 * A float16 from its bits.
 * @param {number} bits
 * @returns {number}
 */
export function half(bits) {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * Exchanges the weights of a session.
 * @param {Session} session
 * @returns {Training}
 */
export function create_training(session) {
  const own = trained(session);
  let latest = 0;
  /** @type {Session["engine"]|null} of the trained network, a worker perhaps, while another moment is chosen */
  let set_aside = null;
  return {
    async choose(moment) {
      const mine = ++latest;
      const found = is_earlier(session.bundle, moment) ? await session_at(session, moment) : null;
      if (mine !== latest) return;
      const engine = set_aside ?? session.engine;
      set_aside = found && engine;
      Object.assign(session, found ? { weights: found.weights, run: found.run, engine: { ...found.engine, lend: engine.lend } } : { ...own, engine });
    },
  };
}

/** @type {WeakMap<Bundle, Pick<Session, "weights"|"run">>} */
const TRAINED = new WeakMap();

/**
 * The trained network, whatever moment the session uses.
 * @param {Session} session
 * @returns {Pick<Session, "weights"|"run">}
 */
export function trained({ bundle, weights, run }) {
  const found = TRAINED.get(bundle) ?? { weights, run };
  TRAINED.set(bundle, found);
  return found;
}

/** @type {WeakMap<Bundle, Map<number, Promise<Session>>>} */
const KEPT = new WeakMap();

/**
 * A session with the weights of a moment; made once.
 * @param {Session} session
 * @param {number} index below the last one
 * @returns {Promise<Session>}
 */
export function session_at({ bundle, pixels }, index) {
  if (!KEPT.has(bundle)) KEPT.set(bundle, new Map());
  const kept = /** @type {Map<number, Promise<Session>>} */ (KEPT.get(bundle));
  const found = kept.get(index) ?? weights_at(bundle, index).then((weights) => create_session(bundle, pixels, weights));
  kept.set(index, found);
  return found;
}

/**
 * How far a moment is into the training: "before training", "1/16 of the training, epoch 0.06", "trained".
 * @param {Bundle} bundle
 * @param {number} index
 * @returns {string}
 */
export function moment_title(bundle, index) {
  const moments = moments_of(bundle);
  const { step, epoch } = moments[index];
  if (step === 0) return word("moment.before");
  return word(index === moments.length - 1 ? "moment.trained" : "moment.step", { step, epoch: Number(epoch.toPrecision(2)) });
}

/**
 * The fraction of images on the diagonal.
 * @param {number[][]} confusion
 * @returns {number|null} null without images
 */
export function accuracy_of(confusion) {
  const total = confusion.flat().reduce((sum, count) => sum + count, 0);
  return total ? confusion.reduce((sum, row, at) => sum + row[at], 0) / total : null;
}
