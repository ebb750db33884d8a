// The page of a sliding window: its letters, its shapes worked out, the window, and one number written out.

import { FORMULA } from "#web/core/letters.js";
import { fill, h } from "#web/view/dom.js";
import { mount as mount_letters } from "#web/view/letters.js";
import { mount as mount_products } from "#web/view/products.js";
import { shortcut } from "#web/view/shortcuts.js";
import { mount as mount_window } from "#web/view/window.js";

/** @typedef {import("#web/core/letter_state.js").LetterState} LetterState */
/** @typedef {import("#web/core/sliding.js").Slide} Slide */

const TITLES = /** @type {Record<string, string>} */ ({ conv: "Convolution", max: "Max pooling", average: "Average pooling" });

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/settings.js").Settings} settings
 * @param {import("#web/core/letter_state.js").LetterStore} store
 * @param {{made: Slide, reset: () => void}} start
 */
export function mount(element, settings, store, { made, reset }) {
  const title = h("h1", {});
  const caption = h("p", { class: "conv-caption number" });
  const misfit = h("p", { class: "conv-misfit", role: "alert", hidden: true });
  const formulas = h("dl", { class: "conv-formulas" });
  const [shapes, letters, grids, products] = ["shapes", "letters", "window", "products"].map((name) => h("section", { class: `card conv-${name}-card` }));
  fill(shapes, caption, misfit, formulas);
  fill(element, h("header", { class: "head" }, title), h("main", { class: "conv-page" }, shapes, letters, grids, products));
  document.addEventListener("keydown", shortcut);
  const views = { letters: mount_letters(letters, settings, store, reset), grids: mount_window(grids, store, made), products: mount_products(products) };

  return {
    /** @param {LetterState} state @param {LetterState} old the same at first @param {Slide} slide */
    update(state, old, slide) {
      title.textContent = `${TITLES[slide.operation]} step by step`;
      fill(caption, slide.caption.split(" · ").flatMap((part, index) => [index > 0 && " · ", h("span", {}, part)]));
      misfit.hidden = !slide.misfit;
      const said = slide.misfit ? `${slide.misfit.sentence} ${slide.misfit.hint}` : "";
      if (misfit.textContent !== said) misfit.textContent = said;
      fill(formulas, [["formula", FORMULA], ["rows", slide.formulas[0]], ["columns", slide.formulas[1]]].map(([name, text], index) =>
        h("div", { class: index ? "" : "soft" }, h("dt", { class: "small" }, name), h("dd", { class: "number" }, text))));
      views.letters.update(state, slide);
      views.grids.update(state, old, slide);
      views.products.update(state, slide);
    },
  };
}
