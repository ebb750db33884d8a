// The page that follows a training: asks its server once a second, and becomes the page of the run at the end.

import { take_language } from "#web/address.js";
import { create_store } from "#web/core/fields.js";
import { parse_hash } from "#web/core/state.js";
import { mount } from "#web/view/watch.js";

const PAUSE = 1000; // milliseconds between requests

take_language();
const element = /** @type {HTMLElement} */ (document.getElementById("page"));
const { name } = JSON.parse(document.getElementById("bundle")?.textContent ?? "{}");
const view = mount(element, name, create_store(parse_hash("")));
ask();

async function ask() {
  try {
    const state = await (await fetch("/state.json")).json();
    if (state.outcome === "finished") {
      location.replace("/page.html");
      return;
    }
    view.show(state);
  } catch {
    view.lost();
  }
  setTimeout(ask, PAUSE);
}
