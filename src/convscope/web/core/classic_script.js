// Modules as one classic script: a worker made from a blob cannot use the page's import map.
//
// This reads only the form of import and export statements that the modules of the page have, and refuses any other.

const IMPORT = /^import (?:(\{[^}]*\})|(\w+)) from "(#web\/[^"]+)";$/gm;
const DECLARATION = /^export ((?:async )?function\*?|const|class) (\w+)/gm;
const OTHER = /^(?:import|export) .*/m;

/**
 * @param {string[]} roots modules such as "#web/core/forward.js"
 * @param {(name: string) => string} read the source of a module
 * @returns {string} a script with one function, `load_module(name)`, that gives the exports of a module
 * @throws {Error} A module has a statement that this does not know, or modules import each other in a circle.
 */
export function to_classic_script(roots, read) {
  /** @type {Map<string, string>} */
  const modules = new Map();
  /** @param {string} name @param {string[]} path */
  const add = (name, path) => {
    if (path.includes(name)) throw new Error(`Expected modules without circular imports. Received: ${[...path, name].join(" → ")}.`);
    if (modules.has(name)) return;
    const source = read(name);
    for (const [, , , needed] of source.matchAll(IMPORT)) add(needed, [...path, name]);
    modules.set(name, `modules[${JSON.stringify(name)}] = (() => {\n${body(name, source)}\n})();`);
  };
  for (const root of roots) add(root, []);
  const load = "function load_module(name) {\n  if (!Object.hasOwn(modules, name)) throw new Error(`There is no module ${name}.`);\n  return modules[name];\n}";
  return ['"use strict";', "const modules = {};", load, ...modules.values()].join("\n");
}

/** A module as the body of a function that returns its exports. @param {string} name @param {string} source */
function body(name, source) {
  /** @type {string[]} */
  const exported = [];
  const text = source
    .replace(IMPORT, (_, named, whole, from) => `const ${named ? named.replace(/ as /g, ": ") : `{ default: ${whole} }`} = modules[${JSON.stringify(from)}];`)
    .replace(DECLARATION, (_, kind, declared) => {
      exported.push(declared);
      return `${kind} ${declared}`;
    })
    .replace(/^export default /m, () => {
      exported.push("default: the_default");
      return "const the_default = ";
    })
    .replace(/\bawait import\(/g, "load_module(");
  const other = text.match(OTHER);
  if (other) throw new Error(`Expected imports and exports of the usual form in ${name}. Received: ${other[0].slice(0, 80)}`);
  return `${text}\nreturn { ${exported.join(", ")} };`;
}
