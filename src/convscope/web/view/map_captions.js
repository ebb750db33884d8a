// What a map of the network is called, and what it does to the logit of the selected class.

import { sum_maps } from "#web/core/contributions.js";
import { short } from "#web/core/scale.js";
import { word } from "#web/core/words.js";

/** @typedef {import("#web/core/strongest_path.js").Node} MapNode */

const SMALL = 0.01; // logits

/**
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 * @param {import("#web/core/columns.js").Column[]} columns
 */
export function map_captions(session, store, columns) {
  const { network, class_names } = session.bundle;

  /** @param {MapNode} node */
  function name({ column, map }) {
    const { main, shape, maps } = columns[column];
    if (main < 0) return word("map.the_image");
    if (column === columns.length - 1) return word("map.class", { name: class_names[map] ?? map });
    return word(shape.length === 3 ? "map.name" : "map.unit", { kind: network.layers[main].kind, map, maps });
  }
  function class_name() {
    const { target } = store.get();
    const logits = session.activations?.logits ?? new Float32Array(1);
    return class_names[target >= 0 && target < logits.length ? target : logits.indexOf(Math.max(...logits))];
  }
  return {
    class_name,
    /** @param {MapNode} node @param {ReturnType<typeof import("#web/view/network_path.js").path_of>|null} path */
    of(node, path) {
      const found = path?.found();
      const { tail, maps } = columns[node.column];
      if (!found || !session.activations || node.column === columns.length - 1) return name(node);
      const amount = node.column === 0
        ? sum_maps(session.activations.image.data, found.at_image, 1)[0]
        : sum_maps(session.activations.layers[tail].output.data, found.at_output[tail], maps)[node.map];
      if (Math.abs(amount) < SMALL) return word("map.little", { map: name(node), name: class_name(), amount: SMALL });
      return word(amount < 0 ? "map.lowers" : "map.raises", { map: name(node), name: class_name(), amount: short(Math.abs(amount)) });
    },
  };
}
