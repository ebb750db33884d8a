import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { language_of, LANGUAGES } from "#web/core/languages.js";
import { count, percent } from "#web/core/scale.js";
import { counted, part_name, use_words, word, word_parts } from "#web/core/words.js";

const WEB = new URL("../../src/convscope/web/", import.meta.url);

/** The page of a sliding window is not translated. */
const ENGLISH = ["equation", "hyperparameter_state", "hyperparameters", "number_format", "seeded_random", "settings", "shape_check", "sliding_window"].map((name) => `core/${name}.js`)
  .concat(["grid", "grid_cells", "hyperparameters", "output_value", "picker", "sliding_grids", "sliding_window"].map((name) => `view/${name}.js`));

/** Names that are the same in every language: keys, layers, people's formats, shortcuts of this code. */
const NAMES = /^(?:Arrow(?:Up|Down|Left|Right)|Enter|Escape|Space|Softmax|Adam|Python|Conv2D|Dense|Flatten|Infinity|GET|INPUT|SELECT|TEXTAREA|UTC|RGB|ECE)$/;

const FOLDERS = ["view", "core", "layers"];
const modules = FOLDERS.flatMap((folder) => readdirSync(new URL(folder, WEB)).map((name) => `${folder}/${name}`)).filter((name) => !ENGLISH.includes(name));

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
  const all = [...modules, "view/output_value.js"].filter((name) => name !== "core/words.js").map(code).join("\n") + code("core/words.js");
  const singular = (/** @type {string} */ key) => key.replace(/\.one$/, "");
  assert.deepEqual(Object.keys(LANGUAGES.en).filter((key) => !all.includes(`"${singular(key)}"`)), []);
  const asked = [...all.matchAll(/(?:word|word_parts|counted)\((?:[^"()]*\? )?"([^"]+)"/g)].map((found) => found[1]);
  assert.ok(asked.length > 300);
  for (const key of asked) assert.ok(key in LANGUAGES.en, key);
  for (const [, key] of all.matchAll(/counted\("([^"]+)"/g)) assert.ok(`${key}.one` in LANGUAGES.en, key);
});

test("no module of the page has words of its own", () => {
  /** @type {Record<string, string[]>} */
  const found = {};
  for (const name of modules) {
    const lines = code(name).split("\n").filter((line) => !line.includes("throw new Error(") && !line.includes("new Error("));
    const strings = [...lines.join("\n").matchAll(/"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g)].map((found) => (found[1] ?? found[2]).replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, "…"));
    // class names and styles are words with a hyphen, or in lower case without a full stop
    const sentences = strings.filter((text) => !/^Expected |^The image$/.test(text) && /[A-Z][a-z]+ [a-z]+|[a-z]+ [a-z]+ [a-z]+[.:]/.test(text));
    const single = name.startsWith("view/") ? strings.filter((text) => /^[^\w]*[A-Z][a-z]+[^\w]*$/.test(text) && !NAMES.test(text)) : [];
    const spoken = [...code(name).matchAll(/(?:"aria-label"|"aria-roledescription"|title): "([^"]+)"/g)].map((found) => found[1]).filter((text) => !(text in LANGUAGES.en));
    if (sentences.length + single.length + spoken.length) found[name] = [...sentences, ...single, ...spoken];
  }
  assert.deepEqual(found, {});
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
  use_words(LANGUAGES.de);
  assert.equal(word("pair.label", { name: "7" }), "Klasse 7");
  assert.equal(counted("n.images", 2000), "2\u202f000 Bilder");
  assert.equal(part_name("test"), "Testdaten");
  use_words(LANGUAGES.en);
  assert.deepEqual([counted("n.images", 1), counted("n.images", 0), counted("n.files", 2000)], ["1 image", "0 images", "2,000 files"]);
  assert.deepEqual(word_parts("terms.after", { activation: 7 }).filter((part) => part !== ""), ["after ", 7]);
  assert.equal(part_name("unknown"), "unknown");
  assert.throws(() => word("nothing"), /Expected a key of words\/en\.js\. Received: nothing\./);
});

test("thousands are separated as the language does, and never by what separates decimals", () => {
  assert.equal(count(1234567), "1,234,567");
  use_words(LANGUAGES.de);
  assert.equal(count(1234567), "1\u202f234\u202f567");
  assert.ok(percent(0.9712).includes("."));
  use_words(LANGUAGES.en);
});
