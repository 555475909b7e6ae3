/*
 * What a config may use of Node, for an engine that is JavaScript and nothing else: `require` of
 * local files, `path`, `os`, `fs` for reading, `process`. Everything it learns of this host goes
 * through `host(verb, argument)`, which keeps to the folders it was given (quick.py).
 */
(function prelude(environ, file, cwd) {
  const LINES = 100000; // file number n begins at line n * LINES + 1: so a stack tells file and line
  const files = [''];
  function ask(verb, ...words) {
    const answer = JSON.parse(host(verb, JSON.stringify(words)));
    if ('denied' in answer) throw Object.assign(new Error(`EACCES ${answer.denied}`), answer);
    if ('failed' in answer) throw new Error(answer.failed);
    return answer.found;
  }
  const reads = new Set();
  const told = { cores: null };

  const process = {
    env: new Proxy({ ...environ }, {
      get: (all, name) => (reads.add(String(name)), all[name]),
      set: (all, name, value) => ((all[name] = String(value)), true),
    }),
    argv: ['node', 'pm2', 'start', file], platform: 'linux', arch: 'x64', version: 'v20.0.0',
    versions: { node: '20.0.0' }, cwd: () => cwd, on: () => process, pid: 1, getuid: () => 65534,
  };
  for (const name of ['exit', 'abort', 'kill'])
    process[name] = () => { throw new Error(`the config calls process.${name}`); };

  const path = { sep: '/', delimiter: ':' };
  for (const name of ['join', 'resolve', 'dirname', 'basename', 'extname', 'normalize', 'relative', 'isAbsolute'])
    path[name] = (...words) => ask(`path.${name}`, cwd, ...words.map(String));
  path.posix = path;

  const os = { EOL: '\n', platform: () => 'linux', type: () => 'Linux', arch: () => 'x64' };
  os.cpus = () => Array.from({ length: (told.cores = ask('cores')) }, () => ({ model: '', speed: 0 }));
  os.availableParallelism = () => (told.cores = ask('cores'));
  os.hostname = () => ask('hostname');
  os.homedir = () => environ.HOME || '/';
  os.tmpdir = () => environ.TMPDIR || '/tmp';
  os.totalmem = () => ask('memory');

  const fs = { existsSync: (name) => ask('exists', cwd, String(name)) };
  const opened = new Set();
  fs.readFileSync = (name) => {
    const found = ask('read', cwd, String(name));
    opened.add(path.resolve(cwd, String(name)));
    return found;
  };

  const modules = { path, os, fs, process };
  const loaded = new Map();

  /** The few forms in which configs are ES modules, as the CommonJS that they mean. */
  function commonjs(text) {
    return text
      .replace(/(^|;[ \t]*)import\s+(\w+)\s*,\s*(\{[^}]*\})\s+from\s+(['"][^'"]+['"])/gm,
        '$1import $2 from $4; import $3 from $4')
      .replace(/(^|;[ \t]*)import\s+\*\s+as\s+(\w+)\s+from\s+(['"][^'"]+['"])/gm, '$1const $2 = require($3)')
      .replace(/(^|;[ \t]*)import\s+(\w+)\s+from\s+(['"][^'"]+['"])/gm, '$1const $2 = ((m) => m.default ?? m)(require($3))')
      .replace(/(^|;[ \t]*)import\s+(\{[^}]*\})\s+from\s+(['"][^'"]+['"])/gm,
        (_, gap, names, from) => `${gap}const ${names.replace(/\bas\b/g, ':')} = require(${from})`)
      .replace(/(^|;[ \t]*)export\s+default\b/gm, '$1module.exports.default =')
      .replace(/(^|;[ \t]*)export\s+(const|let|var)\s+(\w+)\s*=/gm, '$1$2 $3 = module.exports.$3 =')
      .replace(/\bimport\.meta\.url\b/g, '("file://" + __filename)')
      .replace(/\bimport\.meta\.dirname\b/g, '__dirname')
      .replace(/\bimport\.meta\.filename\b/g, '__filename');
  }

  function at(name, text) {
    files.push(name);
    return (0, eval)('\n'.repeat((files.length - 1) * LINES) + text);
  }

  function traced(stack) {
    return stack.replace(/<\w+>:(\d+)((?::\d+)?)/g, (all, line, rest) => {
      const file = files[Math.floor((line - 1) / LINES)];
      return file ? `${file}:${((line - 1) % LINES) + 1}${rest}` : all;
    });
  }

  /** What the config put into its environment. */
  function changed() {
    const all = Object.keys(process.env).map((name) => [name, String(process.env[name])]);
    return Object.fromEntries(all.filter(([name, value]) => environ[name] !== value));
  }

  function load(name) {
    if (loaded.has(name)) return loaded.get(name).exports;
    const module = { exports: {} };
    loaded.set(name, module);
    const text = ask('read', cwd, name);
    if (name.endsWith('.json')) return (module.exports = JSON.parse(text));
    const head = '(function (module, exports, require, __filename, __dirname, process) {';
    const run = at(name, `${head}${commonjs(text)}\n})`);
    const folder = path.dirname(name);
    run(module, module.exports, (wanted) => find(String(wanted), folder), name, folder, process);
    return module.exports;
  }

  function find(wanted, folder) {
    const own = modules[wanted.replace(/^node:/, '')];
    if (own) return own;
    if (!/^\.{0,2}\//.test(wanted)) throw new Error(`Cannot find module '${wanted}'; here only path, os, fs and local files can be required: install Node 20 or newer`);
    const base = path.resolve(folder, wanted);
    const found = ['', '.js', '.cjs', '.json', '/index.js'].map((end) => base + end).find((one) => ask('file', cwd, one));
    if (!found) throw new Error(`Cannot find module '${wanted}'`);
    return load(found);
  }

  /** As in evaluate.mjs. */
  function plain(value, depth, count) {
    if (++count.nodes > 100000) throw new Error('the config exports more than 100000 values');
    if (depth > 32) throw new Error('what the config exports is nested more than 32 deep, or in a circle');
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
    if (typeof value === 'bigint') return String(value);
    if (typeof value !== 'object') return { $: value === undefined ? 'undefined' : `a ${typeof value}` };
    if (typeof value.then === 'function') return { $: 'a promise' };
    if (value instanceof RegExp) return { $: 'a regular expression', source: value.source };
    if (typeof value.toJSON === 'function') return plain(value.toJSON(), depth + 1, count);
    if (Array.isArray(value)) return Array.from(value, (one) => plain(one, depth + 1, count));
    return Object.fromEntries(Object.keys(value).map((name) => [name, plain(value[name], depth + 1, count)]));
  }

  globalThis.process = process;
  globalThis.console = new Proxy({}, { get: () => () => undefined });
  globalThis.setTimeout = globalThis.setInterval = () => 0;
  return function answer(expression) {
    try {
      const found = expression ? at(file, `(${ask('read', cwd, file)}\n)`) : load(file);
      const exported = found && typeof found === 'object' && 'default' in found ? found.default : found;
      const value = plain(exported, 0, { nodes: 0 });
      const looked = [...reads]; // before `changed` looks at all of them
      return JSON.stringify({ value, reads: looked, cores: told.cores, sets: changed(), files: [...opened] });
    } catch (error) {
      const known = error !== null && typeof error === 'object';
      const denied = known && 'denied' in error;
      return JSON.stringify({
        error: {
          name: String((known && error.name) || 'Error'),
          message: String(known ? error.message : error),
          stack: traced(String((known && error.stack) || '')),
          code: denied ? 'ERR_ACCESS_DENIED' : error === null ? 'ENOMEM' : '', // the engine throws null
          permission: denied ? 'FileSystemRead' : '',
          resource: denied ? error.denied : '',
        },
      });
    }
  };
})
