import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { language_of, LANGUAGES, use_language, word } from "#web/core/words.js";

const WEB = new URL("../../src/convscope/web/", import.meta.url);

/** Modules whose texts are all in the table. */
const TRANSLATED = ["filters", "kernels", "learning", "moment_bar", "moment_slider", "pair", "small_matrix", "test_map", "top_images", "watch"].map((name) => `view/${name}.js`);

const source = (/** @type {string} */ name) => readFileSync(new URL(name, WEB), "utf8");
const code = (/** @type {string} */ name) => source(name).replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "").replace(/^import .*$/gm, "");

test("every language has the same keys, and the same values in each text", () => {
  const marks = (/** @type {string} */ text) => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]).sort();
  for (const [language, words] of Object.entries(LANGUAGES)) {
    assert.deepEqual(Object.keys(words).sort(), Object.keys(LANGUAGES.en).sort(), language);
    for (const [key, text] of Object.entries(words)) assert.deepEqual(marks(text), marks(LANGUAGES.en[key]), `${language} ${key}`);
  }
});

test("every key that a module uses exists, and every key is used", () => {
  const names = ["core", "view"].flatMap((folder) => readdirSync(new URL(folder, WEB)).map((name) => `${folder}/${name}`));
  const all = names.filter((name) => name !== "core/words.js" && source(name).includes("core/words.js")).map(code).join("\n");
  const used = Object.keys(LANGUAGES.en).filter((key) => all.includes(`"${key}"`));
  assert.deepEqual(used, Object.keys(LANGUAGES.en));
  const asked = [...all.matchAll(/word\("([^"]+)"/g)].map((found) => found[1]);
  assert.ok(asked.length > 40);
  for (const key of asked) assert.ok(key in LANGUAGES.en, key);
});

test("no translated view has sentences of its own", () => {
  for (const name of TRANSLATED) {
    const strings = [...code(name).matchAll(/"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g)].map((found) => (found[1] ?? found[2]).replace(/\$\{[^}]*\}/g, "…"));
    // class names and styles are words with a hyphen, or in lower case without a full stop
    const sentences = strings.filter((text) => /[A-Z][a-z]+ [a-z]+|[a-z]+ [a-z]+ [a-z]+[.:]/.test(text));
    assert.deepEqual(sentences, [], name);
  }
});

test("the address chooses the language, and unknown ones are English", () => {
  assert.equal(language_of("?lang=de", "en-US"), "de");
  assert.equal(language_of("?lang=DE-AT", "en-US"), "de");
  assert.equal(language_of("?lang=constructor", "en-US"), "en");
  assert.equal(language_of("", "de-CH"), "de");
  assert.equal(language_of("?lang=en", "de-CH"), "en");
  assert.equal(language_of("", "fr"), "en");
});

test("values replace their names, and an unknown key is an error", () => {
  assert.equal(word("pair.label", { name: "{name} 7" }), "label {name} 7");
  use_language("de");
  assert.equal(word("pair.label", { name: "7" }), "Klasse 7");
  use_language("en");
  assert.throws(() => word("nothing"), /Expected a key of words\/en\.js\. Received: nothing\./);
});
