// The page's worker in Node: what a browser's worker has and Node's has not.

import { parentPort } from "node:worker_threads";

import { serve } from "#web/core/inference_worker.js";

/** @type {import("#web/core/inference_worker.js").Scope} */
const scope = { postMessage: (message, transfer) => parentPort?.postMessage(message, transfer), onmessage: null };
serve(scope);
parentPort?.on("message", (data) => scope.onmessage?.({ data }));
