// Keyboard shortcuts: the data-shortcut attribute of a control.

/** @param {KeyboardEvent} event */
export function shortcut(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || ["INPUT", "SELECT", "TEXTAREA"].includes(target.tagName)) return;
  for (const control of document.querySelectorAll("[data-shortcut]")) {
    if (control instanceof HTMLElement && control.dataset.shortcut === event.key && control.offsetParent) {
      control.click();
      event.preventDefault();
    }
  }
}
