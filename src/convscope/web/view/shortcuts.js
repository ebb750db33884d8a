// Keys: any control may state its own as data-shortcut.

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
