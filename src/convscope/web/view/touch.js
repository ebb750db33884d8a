// Selects a cell of a grid by pointer, touch or arrow keys.

const STEPS = /** @type {Record<string, [number, number]>} */ ({ ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] });

/**
 * @param {HTMLElement} element
 * @param {object} grid
 * @param {() => [number, number]} grid.size rows and columns that fill the element
 * @param {(row: number, column: number) => void} grid.point a cell was selected; a captured pointer may be outside
 * @param {(down: number, right: number) => void} grid.step an arrow was pressed
 * @param {() => boolean} grid.busy whether a mouse that only passes by should be let pass
 * @param {boolean} [grid.hover] whether a mouse that passes by selects too
 */
export function touch(element, { size, point, step, busy, hover = true }) {
  /** @param {PointerEvent} event */
  function pick(event) {
    if (busy() && event.type === "pointermove") return;
    const box = element.getBoundingClientRect();
    const [height, width] = size();
    point(Math.floor(((event.clientY - box.top) * height) / box.height), Math.floor(((event.clientX - box.left) * width) / box.width));
  }
  element.addEventListener("pointerdown", pick);
  element.addEventListener("pointermove", (event) => (event.buttons || (hover && event.pointerType === "mouse")) && pick(event));
  element.addEventListener("keydown", (event) => {
    if (!STEPS[event.key]) return;
    event.preventDefault();
    step(...STEPS[event.key]);
  });
}
