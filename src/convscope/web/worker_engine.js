// Computes in a worker, so that the page stays responsive while it does.

import { serve } from "#web/core/inference_worker.js";

/** @typedef {import("#web/core/session.js").Engine} Engine */
/** @typedef {import("#web/core/session.js").Session} Session */

const ENTRY = "#web/core/inference_worker.js";

/**
 * Let the session compute in a worker as soon as one has loaded the network. Until then, and where the browser allows none,
 * it computes in this thread; occlusion maps, which take long, wait for the worker.
 * @param {Session} session
 * @param {Promise<void>} idle the worker starts after it: neither the first image nor the self-test waits for a worker
 */
export function use_worker(session, idle) {
  const here = session.engine;
  /** @type {Engine|null} */
  let there = null;
  const ready = idle.then(() => start_worker(session, here)).then((engine) => (there = engine), () => null);
  session.engine = {
    lend: async (make) => ((await ready) ?? here).lend(make),
    draw: (picture, off, display) => (there ?? here).draw(picture, off, display),
    frame: (picture, contract) => (there ?? here).frame(picture, contract),
    occlusion: async (image, class_index, options) => ((await ready) ?? here).occlusion(image, class_index, options),
  };
}

/** @param {Session} session @param {Engine} here computes what the worker fails at @returns {Promise<Engine>} */
async function start_worker({ bundle: { network, preprocessing }, weights, paper }, here) {
  const ask = requests(new Worker(URL.createObjectURL(new Blob([worker_script()], { type: "text/javascript" }))));
  await ask({ type: "load", network, weights, preprocessing, paper });
  return {
    async lend(make) {
      const { edges, maps } = make();
      await ask({ type: "lend", edges, maps }, [edges, maps]);
      return true;
    },
    draw: (picture, off, display) => ask({ type: "draw", picture, off, display }).catch(() => here.draw(picture, off, display)),
    frame: (picture, contract) => ask({ type: "frame", picture, contract }).catch(() => here.frame(picture, contract)),
    occlusion: (image, class_index, options) => ask({ type: "occlusion", image, class_index, options }),
  };
}

/** The page's own script, with another beginning. */
function worker_script() {
  return `${document.getElementById("modules")?.textContent}\nload_module("${ENTRY}").${serve.name}(self);`;
}

/**
 * Send messages and match the answers.
 * @param {Worker} worker
 * @returns {(message: object, transfer?: Transferable[]) => Promise<any>} rejected with the worker's error
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
  return (message, transfer = []) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      worker.postMessage({ id: last, ...message }, transfer);
    });
}
