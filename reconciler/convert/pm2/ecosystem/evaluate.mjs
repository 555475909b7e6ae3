/*
 * Evaluates one PM2 config in Node and writes what it exports, as JSON, to a descriptor of its own.
 *
 * Run as text (`--eval`) under the limits of sandbox.py: nothing here is what keeps a config in
 * its bounds. Standard input: {file, environ, expression, fd}. What the config prints goes where
 * standard output goes, never into the answer.
 */
import fs from 'node:fs';
import path from 'node:path';
import util from 'node:util';
import vm from 'node:vm';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const asked = JSON.parse(fs.readFileSync(0, 'utf8'));
const write = fs.writeSync.bind(fs);
const leave = process.reallyExit.bind(process);
const reads = new Set();
const files = new Set();
let cores = null;

function answer(document) {
  const bytes = Buffer.from(JSON.stringify(document));
  for (let done = 0; done < bytes.length; ) done += write(asked.fd, bytes, done);
}

function instrument() {
  process.env = new Proxy({ ...asked.environ }, {
    get(target, name) {
      if (typeof name === 'string') reads.add(name);
      return target[name];
    },
    set(target, name, value) {
      target[name] = String(value);
      return true;
    },
    defineProperty(target, name, { value }) {
      target[name] = String(value);
      return true;
    },
  });
  const readFile = fs.readFileSync;
  fs.readFileSync = (file, ...words) => {
    const found = readFile(file, ...words);
    if (typeof file === 'string') files.add(path.resolve(file));
    else if (file instanceof URL) files.add(fileURLToPath(file));
    return found;
  };
  // Node's own would set the variables of the real environment.
  process.loadEnvFile = (file = '.env') => {
    const found = util.parseEnv(fs.readFileSync(file, 'utf8'));
    for (const name of Object.keys(found)) if (!(name in process.env)) process.env[name] = found[name];
  };
  process.argv = [process.argv[0], 'pm2', 'start', asked.file];
  for (const name of ['exit', 'reallyExit', 'abort', 'kill'])
    process[name] = () => { throw new Error(`the config calls process.${name}`); };
  const os = createRequire(asked.file)('os');
  for (const name of ['cpus', 'availableParallelism']) {
    const real = os[name];
    os[name] = (...words) => {
      const found = real(...words);
      cores = typeof found === 'number' ? found : found.length;
      return found;
    };
  }
  syncBuiltinESMExports();
}

/** What the config put into its environment: PM2 hands that on to the apps. */
function changed() {
  const found = {};
  for (const name of Object.keys(process.env)) {
    const value = String(process.env[name]);
    if (asked.environ[name] !== value) found[name] = value;
  }
  return found;
}

/** Plain data, whatever it is: what JSON has no word for becomes {"$": what it is}. */
function plain(value, depth, count) {
  if (++count.nodes > 100000) throw new Error('the config exports more than 100000 values');
  if (depth > 32) throw new Error('what the config exports is nested more than 32 deep, or in a circle');
  switch (typeof value) {
    case 'string': case 'boolean': return value;
    case 'number': return Number.isFinite(value) ? value : String(value);
    case 'bigint': return String(value);
    case 'undefined': return { $: 'undefined' };
    case 'function': case 'symbol': return { $: `a ${typeof value}` };
  }
  if (value === null) return null;
  if (typeof value.then === 'function') return { $: 'a promise' };
  if (value instanceof RegExp || Object.prototype.toString.call(value) === '[object RegExp]')
    return { $: 'a regular expression', source: value.source };
  if (typeof value.toJSON === 'function') return plain(value.toJSON(), depth + 1, count);
  if (Array.isArray(value)) return Array.from(value, (one) => plain(one, depth + 1, count));
  const found = {};
  for (const name of Object.keys(value))
    Object.defineProperty(found, name, {
      value: plain(value[name], depth + 1, count), enumerable: true, configurable: true, writable: true,
    });
  return found;
}

/** In brackets, or an exported promise would be awaited here, which PM2 does not do. */
async function load() {
  if (asked.expression) {
    const text = fs.readFileSync(asked.file, 'utf8');
    return [vm.runInThisContext(`(${text}\n)`, { filename: asked.file })];
  }
  const found = await import(pathToFileURL(asked.file));
  return ['default' in found ? found.default : { ...found }];
}

try {
  instrument();
  const [exported] = await load();
  const value = plain(exported, 0, { nodes: 0 });
  const looked = [...reads]; // before `changed` looks at all of them
  answer({ value, reads: looked, cores, sets: changed(), files: [...files] });
  leave(0);
} catch (error) {
  const known = error !== null && typeof error === 'object';
  answer({
    error: {
      name: String((known && error.name) || 'Error'),
      message: String(known ? error.message : error),
      stack: String((known && error.stack) || ''),
      code: String((known && error.code) || ''),
      permission: String((known && error.permission) || ''),
      resource: String((known && error.resource) || ''),
    },
  });
  // Node alone knows where a module's syntax is wrong, and says so only of what nobody caught.
  if (known && error.name === 'SyntaxError') throw error;
  leave(0);
}
