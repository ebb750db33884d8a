import assert from "node:assert/strict";
import { test } from "node:test";

import { box_of, layout, map_at } from "#web/core/network_layout.js";

/** @param {number[]} shape @param {number} [maps] */
const column = (shape, maps = shape[shape.length - 1]) => ({ main: 0, layers: [0], tail: 0, sources: [], shape, maps });
const IMAGE = column([28, 28, 1], 1);
const QUICK = [IMAGE, column([14, 14, 32]), column([7, 7, 32]), column([5, 5, 32]), column([3, 3, 64]), column([576]), column([10])];
const CLASSIC = [IMAGE, column([26, 26, 64]), column([24, 24, 128]), column([12, 12, 128]), column([18432]), column([10])];
const SHELL = { width: 36 + 236 + 232 + 32, height: 250 };

/** @param {ReturnType<typeof layout>} found @param {any[]} columns */
function boxes(found, columns) {
  return columns.flatMap((one, index) => (found.places[index].width ? Array.from({ length: one.maps }, (_, map) => box_of(found.places[index], map)) : []));
}

for (const [name, columns] of /** @type {const} */ ([["quick", QUICK], ["classic", CLASSIC]])) {
  for (const [width, height] of [[1440, 900], [1280, 720]]) {
    test(`all maps of ${name} are inside the first screen of ${width}×${height} and large enough to see`, () => {
      const box = { width: width - SHELL.width, height: height - SHELL.height };
      const found = layout(columns, box, { classes_outside: true });
      assert.equal(found.width, box.width);
      for (const one of boxes(found, columns)) {
        assert.ok(one.x >= 0 && one.x + one.width <= box.width && one.y >= found.head - 1 && one.y + one.height <= box.height + 1, JSON.stringify(one));
      }
      for (const place of found.places.slice(1, -2)) assert.ok(place.cell_width >= 18, `cells of ${place.cell_width} pixels`);
    });
  }
}

test("each map has a box of its own, and a point in it finds the map", () => {
  for (const vertical of [false, true]) {
    const columns = [IMAGE, column([14, 14, 33]), column([4, 8, 128]), column([128]), column([7])];
    const found = layout(columns, { width: vertical ? 370 : 900, height: 560 }, { vertical });
    columns.forEach((one, index) => {
      for (let map = 0; map < one.maps; map += 1) {
        const { x, y, width, height } = box_of(found.places[index], map);
        assert.ok(x >= 0 && x + width <= found.width && y >= 0 && y + height <= found.height);
        assert.deepEqual(map_at(found, columns, x + width / 2, y + height / 2), { column: index, map });
      }
    });
    assert.equal(map_at(found, columns, -50, -50), null);
  }
});

test("thirty layers make the picture wider than its box, and no column overlaps the next", () => {
  const columns = [IMAGE, ...Array.from({ length: 30 }, () => column([56, 56, 256])), column([1000]), column([100])];
  const { places, width } = layout(columns, { width: 900, height: 560 });
  assert.ok(width > 900 && places.at(-1)?.width);
  places.slice(1).forEach((place, index) => assert.ok(place.x >= places[index].x + places[index].width + 20));
});

test("a long vector is pooled into cells that can be seen, and the cells say how many values they have", () => {
  const found = layout([IMAGE, column([25088]), column([10])], { width: 900, height: 500 });
  const { cells, values, cell_height, height } = found.places[1];
  assert.ok(cells * values >= 25088 && values > 1 && cell_height >= 3 && height <= 500);
  assert.deepEqual(map_at(found, [IMAGE, column([25088]), column([10])], found.places[1].x + 1, found.places[1].y + 1), { column: 1, map: 0 });
});

test("on a phone every layer is a row of the full width, in the order of the network", () => {
  const { places, width, height, vertical } = layout(QUICK, { width: 370, height: 300 }, { vertical: true });
  assert.ok(vertical && width === 370 && height > 300);
  places.slice(1).forEach((place, index) => assert.ok(place.y >= places[index].y + places[index].height + 30 && place.x + place.width <= 370));
});
