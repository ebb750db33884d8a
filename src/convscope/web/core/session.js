// The network, its images, and what was computed of the selected image.

import { bytes, unpack_all } from "#web/core/bundle.js";
import { prepare } from "#web/core/forward.js";
import { paper_of } from "#web/core/paper.js";
import { frame } from "#web/core/preprocess.js";
import { occlusion_maps } from "#web/core/occlusion_maps.js";
import { has_ink, picture_of, to_image } from "#web/core/selected_image.js";
import { parse_off } from "#web/core/state.js";

/** @typedef {import("#web/core/bundle.js").Bundle} Bundle */
/** @typedef {import("#web/core/bundle.js").Bytes} Bytes */
/** @typedef {import("#web/core/bundle.js").Tensor} Tensor */
/** @typedef {import("#web/core/network.js").Activations} Activations */
/** @typedef {import("#web/core/state.js").State} State */

/** @typedef {import("#web/core/picture.js").AnyPicture} AnyPicture */
/** @typedef {import("#web/core/preprocess.js").Framing} Framing */
/** @typedef {import("#web/core/occlusion_maps.js").OcclusionOptions} OcclusionOptions */
/** @typedef {import("#web/core/results.js").Display} Display */
/** @typedef {import("#web/core/results.js").Displayed} Displayed */
/** @typedef {import("#web/core/results.js").Results} Results */

/**
 * What computes without blocking the page: a worker, or this thread.
 * @typedef {object} Engine
 * @property {(picture: string, off: Record<string, number[]>, display: Display|null) => Promise<Results>} draw `picture`: State.picture, a
 *     drawing; `display`: what else is wanted, which an engine may leave out
 * @property {(make: () => {edges: OffscreenCanvas, maps: OffscreenCanvas}) => Promise<boolean>} lend offer canvases: a worker takes them by
 *     calling `make` as soon as it is there; whether it will draw on them
 * @property {(picture: AnyPicture, contract: any) => Promise<Framing>} frame
 * @property {(image: Tensor, class_index: number, options: OcclusionOptions) => Promise<Tensor|null>} occlusion null where
 *     another image or a later call came meanwhile
 */

/**
 * A prediction of `convscope serve`; there is a choice where `answer` is "class".
 * @typedef {{answer: string, choices: {name: string, probability: number}[]}} ServerAnswer
 */

/**
 * @typedef {object} Session
 * @property {Bundle} bundle
 * @property {Record<string, Tensor>} weights
 * @property {Bytes} pixels every image of the bundle, (n, h, w, c)
 * @property {number} paper background of drawings, 0 or 255, as in the images of the bundle
 * @property {string} picture the word of the selected image, see State.picture
 * @property {Uint8Array|null} selected the selected image, preprocessed; null for none
 * @property {Activations|null} activations of the selected image; null without ink, because the network does not run then
 * @property {Displayed|null} displayed pixels and edges of the same image, where they were computed with the activations
 * @property {() => Display|null} display how the network is displayed now; null where it is not
 * @property {(state: State) => void} select select the state's image and active filters, and compute, unless `prepare` has
 * @property {(picture: string, off: string) => Promise<void>} prepare compute what `select` will ask for, without blocking
 * @property {boolean} live whether the pen is moving: views that take long may show its newest drawing later
 * @property {Engine} engine what `prepare` uses; this thread, until a worker takes over
 * @property {{picture: string, file: Blob}|null} given the newest file given to the page, and what it became in State.picture
 * @property {((file: Blob) => Promise<ServerAnswer>)|null} server what the server that the page came from says; null for none
 * @property {(image: Tensor, off?: Record<string, number[]>) => Activations} run compute another image, keeping nothing
 */

/**
 * @param {Bundle} bundle
 * @param {Bytes} [pixels] the images of the bundle, if they are compressed in it
 * @param {Record<string, Tensor>} [weights] others than those of the bundle, of the same shapes
 * @returns {Session}
 * @throws {Error} A weight or an array of the bundle does not fit the network, or its layer kinds are not loaded.
 */
export function create_session(bundle, pixels = bytes(bundle.pictures.pixels), weights = unpack_all(bundle.weights)) {
  const engine = prepare(bundle.network, weights);
  const run = (/** @type {Tensor} */ image, off = {}) => engine.run(image, { off: known(bundle, off) });
  /** @type {({picture: string, off: string, weights: Session["weights"]} & Results)|null} */
  let prepared = null;
  /** @type {Session} */
  const session = {
    bundle, weights, pixels, run,
    paper: paper_of(bundle.preprocessing, pixels),
    picture: "",
    selected: null,
    activations: null,
    displayed: null,
    display: () => null,
    live: false,
    given: null,
    server: null,
    select({ picture, off }) {
      const done = prepared?.picture === picture && prepared.off === off && prepared.weights === session.weights ? prepared : null;
      Object.assign(session, { picture, selected: done?.selected ?? picture_of(session, picture), activations: done?.activations ?? null, displayed: done?.displayed ?? null });
      if (done || !session.selected || !has_ink(session)) return;
      session.activations = session.run(to_image(session.selected, bundle.network.input_shape), parse_off(off));
    },
    async prepare(picture, off) {
      const used = session.weights;
      const results = await session.engine.draw(picture, known(bundle, parse_off(off)), session.display());
      prepared = { picture, off, weights: used, ...results };
    },
    engine: {
      async draw(picture, off) {
        const selected = picture_of(session, picture);
        const activations = selected && has_ink({ bundle, picture, selected }) ? run(to_image(selected, bundle.network.input_shape), off) : null;
        return { selected, activations, displayed: null };
      },
      lend: async () => false,
      frame: async (picture, contract) => frame(picture, contract),
      occlusion: occlusion_maps(run).map,
    },
  };
  return session;
}

/**
 * The filters of State.off that exist: a link may have been edited by hand.
 * @param {Bundle} bundle
 * @param {string} off
 * @returns {Record<string, number[]>} by layer name
 */
export function existing_off(bundle, off) {
  return known(bundle, parse_off(off));
}

/** Only filters that exist. @param {Bundle} bundle @param {Record<string, number[]>} off */
function known(bundle, off) {
  const channels = new Map(bundle.network.layers.map((row) => [row.name, row.output_shape.at(-1) ?? 0]));
  const pairs = Object.entries(off).map(([name, list]) => [name, list.filter((c) => c < (channels.get(name) ?? 0))]);
  return Object.fromEntries(pairs.filter(([, list]) => list.length));
}
