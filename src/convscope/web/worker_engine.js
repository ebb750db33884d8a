// Computes in a worker, so that the page stays responsive while it does.

import { to_classic_script } from "#web/core/classic_script.js";
import { serve } from "#web/core/inference_worker.js";
import { file_of } from "#web/core/layer_kinds.js";

/** @typedef {import("#web/core/session.js").Engine} Engine */
/** @typedef {import("#web/core/session.js").Session} Session */

const ENTRY = "#web/core/inference_worker.js";

/**
 * Start a worker and let the session use it as soon as it has loaded the network. Where the browser allows no worker, the
 * session goes on computing in this thread.
 * @param {Session} session
 * @returns {Promise<boolean>} whether the session uses a worker now
 */
export async function use_worker(session) {
  try {
    const { network } = session.bundle;
    const worker = new Worker(URL.createObjectURL(new Blob([worker_script(network.layers.map(({ kind }) => kind))], { type: "text/javascript" })));
    const ask = requests(worker);
    await ask({ type: "load", network, weights: session.weights });
    const here = session.engine;
    session.engine = {
      run: (image, off) => ask({ type: "run", image, off }).catch(() => here.run(image, off)),
      frame: (picture, contract) => ask({ type: "frame", picture, contract }),
      occlusion: (image, class_index, options) => ask({ type: "occlusion", image, class_index, options }),
    };
    return true;
  } catch {
    return false;
  }
}

/** @param {string[]} kinds of the network's layers */
function worker_script(kinds) {
  const { imports } = JSON.parse(document.querySelector('script[type="importmap"]')?.textContent ?? "{}");
  const read = (/** @type {string} */ name) => decodeURIComponent(imports[name].slice(imports[name].indexOf(",") + 1));
  const layers = [...new Set(kinds)].map((kind) => `#web/layers/${file_of(kind)}.js`);
  return `${to_classic_script([ENTRY, ...layers], read)}\nload_module("${ENTRY}").${serve.name}(self);`;
}

/**
 * Send messages and match the answers.
 * @param {Worker} worker
 * @returns {(message: object) => Promise<any>} rejected with the worker's error
 */
function requests(worker) {
  /** @type {Map<number, {resolve: (result: any) => void, reject: (error: Error) => void}>} */
  const waiting = new Map();
  let last = 0;
  worker.onmessage = ({ data: { id, result, error } }) => {
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (error === undefined) resolve?.(result);
    else reject?.(new Error(error));
  };
  worker.onerror = (event) => {
    event.preventDefault();
    for (const { reject } of waiting.values()) reject(new Error(event.message));
    waiting.clear();
  };
  return (message) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      worker.postMessage({ id: last, ...message });
    });
}
