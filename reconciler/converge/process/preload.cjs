'use strict';
/*
 * Loaded into Node programs by NODE_OPTIONS=--require, so that no program needs to know recon.
 *
 * Guarantees:
 * - A `listen` on a declared port or path gets the shared descriptor; every other works as ever.
 *   A second one in the same process fails with EADDRINUSE; close and listen again works.
 * - The `.probe` socket answers, with the same handlers, once that `listen` has succeeded.
 * - A process that has claimed no socket (npm, npx, tsx, a shell between) hands all of them to its
 *   children; one that has claimed one hands on neither descriptors nor the words about them.
 * - On the stop signal: accept no more, answer what still comes with `Connection: close`, finish
 *   what is in flight. Then exit 0, or run the program's own handlers, where it has any: those it
 *   has by then, in their order, with the same arguments, once for each signal. They wait for no
 *   connection where there is none, for no upgraded one, no event stream and no protocol but http,
 *   and never longer than RECON_DRAIN_SECONDS. `server.close()` is as gentle at any other time.
 * - With RECON_READY_FILE, `process.send` is there as under PM2: 'ready' is noted in that file, and
 *   all else is taken and dropped. A process that has a channel of its own (fork) keeps that.
 * - Nothing is printed, nothing thrown; without RECON_SOCKETS and RECON_READY_FILE nothing is touched.
 *
 * `cluster`: the primary claims, for Node's own cluster asks it to listen, and shares connections
 * among workers as ever; both sides drain. Worker threads may claim (one thread a socket, known to
 * all by shared memory), but only the main thread gets signals: what a thread serves is not drained.
 *
 * Two facts carry it. `Server.prototype._listen2` is where all forms of `listen` meet, after names
 * are looked up, in the process that really listens. And libuv stops to accept on a handle that was
 * opened by descriptor when reading is started and stopped: a server can be closed without losing
 * the descriptor, of which Node cannot make a second one.
 */

function preload(declared) {
  const fs = require('fs');
  const net = require('net');
  const path = require('path');
  const { performance } = require('perf_hooks'); // no clock that somebody sets

  const DRAIN_MS = drainMs(process.env.RECON_DRAIN_SECONDS); // before the program's own handlers
  // A connection without a request for so long is taken to be idle.
  const QUIET_MS = DRAIN_MS > 0 ? Math.min(1000, DRAIN_MS / 2) : 1000;
  const AGAIN_MS = 2000; // a signal that is repeated later than that means: now
  const TICK_MS = 50;
  const BACKLOG = 4096; // the queue is everybody's: one program's small wish must not shrink it
  const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];
  const ANY = ['0.0.0.0', '::', '0000:0000:0000:0000:0000:0000:0000:0000', '', null, undefined];
  const WORDS = ['RECON_SOCKETS', 'LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES'];
  const STOP_SIGNALS = new Set(['SIGTERM', process.env.RECON_STOP_SIGNAL || 'SIGTERM']);

  const inClusterWorker = declared.length === 0; // what `forChild` leaves to a cluster's worker
  const sockets = declared.map((entry) => ({ ...entry, inode: inodeOf(entry), handle: null, claim: null }));
  const taken = sharedFlags(sockets.length); // by any thread of this process
  const servers = new Map(); // net.Server -> what the drain needs to know of it
  const signals = { ours: new Set(), isOwned: false, emit: null }; // owned: the program has handlers
  const held = { signals: [], since: 0, timer: null, delivered: false }; // until the drain is over
  let stopping = false; // towards an exit of ours

  function drainMs(seconds) {
    const given = seconds === undefined || seconds.trim() === '' ? NaN : Number(seconds);
    return given >= 0 ? Math.min(given, 86400) * 1000 : 10000;
  }

  // -- Whose descriptor is it

  function inodeOf({ fd, inode }) {
    try {
      const stat = fs.fstatSync(fd);
      return stat.isSocket() && (inode === undefined || inode === stat.ino) ? stat.ino : 0;
    } catch {
      return 0;
    }
  }

  /** The number may have been closed, and given to something else, since the start. */
  function isOurs(socket) {
    return socket.inode !== 0 && inodeOf({ fd: socket.fd }) === socket.inode;
  }

  function sharedFlags(length) {
    const { isMainThread, getEnvironmentData, setEnvironmentData } = require('worker_threads');
    if (!getEnvironmentData) return new Int32Array(length);
    if (!isMainThread) return getEnvironmentData('recon.taken') || new Int32Array(length);
    const flags = new Int32Array(new SharedArrayBuffer(4 * length));
    setEnvironmentData('recon.taken', flags);
    return flags;
  }

  function take(socket) {
    return Atomics.compareExchange(taken, sockets.indexOf(socket), 0, 1) === 0;
  }

  function give(socket) {
    Atomics.store(taken, sockets.indexOf(socket), 0);
  }

  // -- Which socket a `listen` means

  function wanted(address, port, fd) {
    const shared = sockets.filter((socket) => !socket.serves);
    if (typeof fd === 'number' && fd >= 0) return shared.filter((socket) => socket.fd === fd);
    if (port === -1) {
      if (typeof address !== 'string' || address[0] === '\0') return [];
      return shared.filter((socket) => socket.path === path.resolve(address));
    }
    if (!(port > 0)) return [];
    const onPort = shared.filter((socket) => socket.path === undefined && Number(socket.port) === port);
    const exact = onPort.filter((socket) => socket.host === address);
    if (exact.length > 0) return exact;
    const local = ANY.includes(address) || LOOPBACK.includes(address);
    return onPort.filter((socket) => local || ANY.includes(socket.host));
  }

  /** The handle of a socket, opened once: closing it would lose the descriptor. */
  function handleOf(socket) {
    if (socket.handle) return socket.handle;
    if (!isOurs(socket)) return null;
    const handle = net._createServerHandle(null, null, null, socket.fd);
    if (!handle || typeof handle !== 'object' || !isAt(handle, socket)) return null;
    const { close, listen } = handle;
    handle.listen = (backlog) => listen.call(handle, Math.max(backlog || 0, BACKLOG));
    handle.fchmod = () => 0; // the manifest says the mode of a unix socket
    handle.close = (callback) => {
      const claim = socket.claim;
      socket.claim = null;
      give(socket);
      if (claim && claim.main === socket) {
        claim.others.forEach((other) => other.handle && other.handle.close());
      }
      // Where the process is about to end, nothing is kept: a probe is to be refused.
      const ending = stopping || (socket.serves && held.since > 0);
      if (!ending && park(handle)) {
        if (typeof callback === 'function') process.nextTick(callback);
      } else if (socket.handle) {
        socket.handle = null;
        close.call(handle, callback);
      }
    };
    socket.handle = handle;
    return handle;
  }

  /** Have it accept no more, until the next `listen`; whether that worked. */
  function park(handle) {
    return handle.readStart() === 0 && handle.readStop() === 0;
  }

  /** Where no inode was given: a tcp socket of that port, or a unix one, which have no name here. */
  function isAt(handle, { port }) {
    if (typeof handle.getsockname !== 'function') return port === undefined;
    const name = {};
    return handle.getsockname(name) === 0 && name.port === Number(port);
  }

  /** What the listen of `server` gets: a claim, 'taken', or null where it is none of ours. */
  function claimFor(server, address, port, fd) {
    const matching = wanted(address, port, fd);
    const free = matching.filter(isOurs).filter(take);
    while (free.length > 0) {
      const main = free.shift();
      if (handleOf(main)) {
        const claim = { server, address, main, others: [] };
        main.claim = claim;
        // A server for all addresses serves every declared one; others are free for the next.
        if (ANY.includes(address) && port > 0) claim.others = free;
        else free.forEach(give);
        return claim;
      }
      give(main);
    }
    return matching.some((socket) => socket.claim && overlap(socket.claim.address, address)) ? 'taken' : null;
  }

  function overlap(one, other) {
    return one === other || ANY.includes(one) || ANY.includes(other);
  }

  const realListen = net.Server.prototype._listen2;

  function listen2(address, port, addressType, backlog, fd, flags) {
    let claim = null;
    try {
      if (!this._handle && !stopping) claim = claimFor(this, address, port, fd);
    } catch {
      claim = null;
    }
    if (claim === 'taken') {
      process.nextTick(() => this.emit('error', addressInUse(address, port)));
      return undefined;
    }
    if (!claim) {
      const result = realListen.apply(this, arguments);
      if (inClusterWorker && this._handle) adopt(this);
      return result;
    }
    const handle = claim.main.handle;
    this._handle = handle;
    const result = realListen.call(this, address, port, addressType, backlog, undefined, flags);
    if (this._handle === handle) {
      adopt(this);
      // After 'listening', which http needs and cluster uses to take the handle over.
      process.nextTick(() => openOthers(claim));
    }
    return result;
  }

  /** Probe sockets, and the same port on further addresses, feed the same server. */
  function openOthers(claim) {
    const { main, others } = claim;
    if (main.claim !== claim) return; // closed already
    const names = [main, ...others].map((socket) => socket.name);
    const probes = sockets.filter((socket) => names.includes(socket.serves)).filter(isOurs).filter(take);
    claim.others = [...others, ...probes].filter((socket) => {
      const handle = handleOf(socket);
      if (!handle) return false;
      handle.onconnection = (...args) => main.handle && main.handle.onconnection(...args);
      socket.claim = claim;
      const failed = handle.listen(0);
      handle.unref(); // the main one keeps the process alive, as the program wants it
      if (failed) handle.close();
      return !failed;
    });
  }

  function addressInUse(address, port) {
    const where = port === -1 ? address : `${address || '::'}:${port}`;
    const error = new Error(`listen EADDRINUSE: address already in use ${where}`);
    error.code = 'EADDRINUSE';
    error.errno = -require('os').constants.errno.EADDRINUSE;
    error.syscall = 'listen';
    error.address = address || '::';
    if (port !== -1) error.port = port;
    return error;
  }

  // -- Drain

  /** Follow the connections of a server, and make its own `close` gentle. */
  function adopt(server) {
    listenForSignals();
    if (servers.has(server)) {
      servers.get(server).closing = null;
      return;
    }
    const tls = typeof server.setSecureContext === 'function';
    const state = { connections: new Map(), closing: null, asked: false, session: null, tls };
    servers.set(server, state);
    // These run after http's and http2's own listeners, which leave a parser or a session behind.
    server.on('session', (session) => { state.session = session; });
    server.on('connection', (socket) => track(state, socket));
    if (tls) {
      server.on('secureConnection', (socket) => {
        state.connections.delete(socket._parentWrap);
        track(state, socket);
      });
    }
    wrap(server, 'close', (close, args) => {
      drain(server, 'http');
      return close.apply(server, args);
    });
    if (typeof server.closeIdleConnections === 'function') {
      wrap(server, 'closeIdleConnections', (cut, args) => state.closing || cut.apply(server, args));
    }
  }

  function wrap(object, name, wrapper) {
    const original = object[name];
    const value = (...args) => wrapper(original, args);
    Object.defineProperty(object, name, { value, writable: true, configurable: true });
  }

  function track(state, socket) {
    const http = Boolean(socket.parser);
    const connection = { session: state.session, http, since: performance.now(), bytes: -1, ended: false };
    state.session = null;
    state.connections.set(socket, connection);
    socket.once('close', () => {
      state.connections.delete(socket);
      if (stopping) exitWhenDrained();
      else if (held.signals.length > 0) setImmediate(deliverWhenDrained); // after others' listeners
    });
  }

  /**
   * 'http': answer and end idle http connections; 'http2': end its sessions as well; 'all': end
   * the others too, after those.
   */
  function drain(server, mode) {
    const state = servers.get(server);
    if (state.closing) {
      if (mode !== 'http' && state.closing !== 'all') state.closing = mode;
      return;
    }
    state.closing = mode;
    if (!state.asked) {
      state.asked = true;
      const last = (request, response) => {
        if (state.closing && request.httpVersionMajor === 1) response.shouldKeepAlive = false;
      };
      // A listener for the rarer two would change what Node does by itself.
      for (const event of ['request', 'checkContinue', 'checkExpectation']) {
        if (server.listenerCount(event) > 0) server.prependListener(event, last);
      }
    }
    const now = performance.now();
    for (const connection of state.connections.values()) connection.since = now;
    const timer = setInterval(() => {
      if (state.closing === null || state.connections.size === 0) clearInterval(timer);
      else tick(state);
    }, TICK_MS);
    timer.unref();
    tick(state);
  }

  function tick(state) {
    const now = performance.now();
    let requests = false;
    for (const [socket, connection] of state.connections) {
      if (isBusy(socket, connection)) connection.since = now;
      const quiet = now - connection.since >= QUIET_MS;
      if (connection.session) {
        requests = true;
        if (state.closing !== 'http') endSession(connection, now);
      } else if (socket.parser && !isStream(socket)) {
        requests = true;
        if (quiet) setImmediate(() => endIdle(state, socket, connection));
      }
    }
    if (requests || state.closing !== 'all') return;
    for (const [socket, connection] of state.connections) {
      const quiet = now - connection.since >= QUIET_MS;
      if (connection.ended) {
        if (now - connection.endedAt >= QUIET_MS) socket.destroy();
      } else if (connection.http || quiet) {
        // Upgraded ones and streams have no requests to wait for; another protocol may.
        connection.ended = true;
        connection.endedAt = now;
        socket.end();
      }
    }
  }

  /** Its answer is one of server-sent events, which never ends, and is asked for again elsewhere. */
  function isStream({ _httpMessage: response }) {
    return Boolean(response) && /^content-type: *text\/event-stream/im.test(response._header || '');
  }

  function isBusy(socket, connection) {
    const bytes = socket.bytesRead + socket.bytesWritten;
    const moved = bytes !== connection.bytes && connection.bytes !== -1;
    connection.bytes = bytes;
    const response = socket._httpMessage;
    if (response && !response.headersSent) response.shouldKeepAlive = false;
    return moved || Boolean(response) || socket.writableLength > 0;
  }

  /** After the poll phase: what had reached this host by now has been read. */
  function endIdle(state, socket, connection) {
    if (state.closing && !socket.destroyed && socket.parser && !isBusy(socket, connection)) {
      socket.destroy(); // unread is unprocessed: the client may safely ask again elsewhere
    }
  }

  /** GOAWAY twice (RFC 9113, 6.8): one that refuses nothing, then the true last stream. */
  function endSession(connection, now) {
    const { session } = connection;
    if (session.closed || session.destroyed) return;
    if (!connection.endedAt) {
      connection.endedAt = now;
      session.goaway(0, 2 ** 31 - 1);
    } else if (now - connection.endedAt >= QUIET_MS) {
      session.close();
    }
  }

  // -- Signals

  /**
   * Node calls the `process.emit` that there was when a signal got its first listener: this is
   * early, and what was earlier is registered again.
   */
  function holdSignals() {
    if (!require('worker_threads').isMainThread) return;
    signals.emit = process.emit;
    wrap(process, 'emit', (emit, args) => isHeld(...args) || emit.apply(process, args));
    for (const signal of STOP_SIGNALS) {
      const earlier = process.rawListeners(signal);
      process.removeAllListeners(signal);
      for (const listener of earlier) process.on(signal, listener);
    }
  }

  function listenForSignals() {
    if (signals.ours.size > 0 || !require('worker_threads').isMainThread) return;
    for (const signal of STOP_SIGNALS) {
      const listener = () => onStop();
      signals.ours.add(listener);
      try {
        process.prependListener(signal, listener);
      } catch {
        // a signal that cannot be caught
      }
    }
  }

  /** Whether the program's own handlers are to wait. What the program emits itself never does. */
  function isHeld(signal, ...args) {
    if (signals.ours.size === 0 || !STOP_SIGNALS.has(signal)) return false;
    const ofKernel = typeof args[1] === 'number';
    if (ofKernel && held.signals.length > 0) {
      held.signals.push([signal, ...args]);
      if (performance.now() - held.since >= AGAIN_MS) deliver();
      return true;
    }
    signals.isOwned = isOwned(signal);
    if (!ofKernel || !signals.isOwned || DRAIN_MS === 0 || held.delivered || stopping) return false;
    held.signals.push([signal, ...args]);
    hold();
    return true;
  }

  function isOwned(signal) {
    const others = process.listeners(signal).filter((listener) => !signals.ours.has(listener));
    return others.length > onlookers();
  }

  function hold() {
    held.since = performance.now();
    try {
      acceptNoMore();
    } catch {
      // what still comes is answered, as long as there is time
    }
    held.timer = setInterval(deliverWhenDrained, TICK_MS); // keeps the process alive as well
    deliverWhenDrained();
  }

  /** The servers stay open for the program, which is yet to close them. */
  function acceptNoMore() {
    for (const server of servers.keys()) {
      drain(server, 'http2');
      if (inClusterWorker && server._handle) server._handle.close();
    }
    for (const { handle, serves } of sockets) {
      if (handle && serves) handle.close();
      else if (handle) park(handle);
    }
  }

  function deliverWhenDrained() {
    if (held.signals.length === 0) return;
    if (performance.now() - held.since >= DRAIN_MS || !isAnswering()) deliver();
  }

  function isAnswering() {
    const onTheirWay = performance.now() - held.since < TICK_MS; // connections, to a worker
    if (onTheirWay && clusterWorkers().length > 0) return true;
    for (const { connections, tls } of servers.values()) {
      for (const [socket, { session }] of connections) {
        if (session && !session.destroyed) return true;
        if (session) continue;
        if (socket.parser ? !isStream(socket) : tls && !socket.encrypted) return true;
      }
    }
    return false;
  }

  function deliver() {
    clearInterval(held.timer);
    held.delivered = true;
    for (const args of held.signals.splice(0)) {
      signals.isOwned = isOwned(args[0]);
      signals.emit.apply(process, args);
    }
  }

  function onStop() {
    if (signals.isOwned || stopping) return;
    stopping = true;
    const workers = clusterWorkers();
    for (const server of servers.keys()) {
      drain(server, 'all');
      if (server._handle) net.Server.prototype.close.call(server);
    }
    for (const socket of sockets) if (socket.handle) socket.handle.close();
    if (workers.length === 0) exitWhenDrained();
    else setTimeout(() => stopWorkers(workers), TICK_MS); // connections on their way to a worker
  }

  /** Listeners of signal-exit, in many libraries: they only watch whether others handle it. */
  function onlookers() {
    const emitters = [process.__signal_exit_emitter__, globalThis[Symbol.for('signal-exit emitter')]];
    return emitters.reduce((sum, emitter) => sum + ((emitter && emitter.count) || 0), 0);
  }

  function exitWhenDrained() {
    for (const { connections } of servers.values()) if (connections.size > 0) return;
    if (clusterWorkers().length === 0) setImmediate(() => process.exit(0));
  }

  function clusterWorkers() {
    const cluster = require('cluster');
    return cluster.isWorker ? [] : Object.values(cluster.workers || {}).filter((worker) => !worker.isDead());
  }

  function stopWorkers(workers) {
    let left = workers.length;
    for (const worker of workers) {
      // Those that the program forks in their place are left out: they have nothing to serve.
      worker.once('exit', () => --left > 0 || process.exit(0));
      worker.process.kill('SIGTERM');
    }
  }

  // -- Children

  function isClaimed() {
    return sockets.some((socket, index) => !socket.serves && Atomics.load(taken, index) === 1);
  }

  /** Descriptors for the child of a process that only stands between, else no word of them. */
  function forChild(options) {
    const { envPairs } = options;
    if (!Array.isArray(envPairs) || !envPairs.some((pair) => pair.startsWith('RECON_SOCKETS='))) return;
    const given = sockets.filter(isOurs);
    const clusters = envPairs.some((pair) => pair.startsWith('NODE_UNIQUE_ID='));
    if (clusters || isClaimed() || given.length === 0) {
      options.envPairs = without(envPairs, WORDS);
      if (clusters) options.envPairs.push('RECON_SOCKETS=[]');
      return;
    }
    const stdio = stdioOf(options.stdio);
    const sameNumbers = given.every(({ fd }) => stdio[fd] === undefined || stdio[fd] === null);
    const passed = given.map(({ handle, claim, ...entry }, n) => ({
      ...entry, fd: sameNumbers ? entry.fd : stdio.length + n,
    }));
    passed.forEach(({ fd }, n) => {
      while (stdio.length <= fd) stdio.push('ignore');
      stdio[fd] = given[n].fd;
    });
    options.stdio = stdio;
    // Systemd's protocol knows no gaps: where it cannot be kept, it is not announced.
    const stale = sameNumbers ? ['RECON_SOCKETS'] : WORDS;
    options.envPairs = without(envPairs, stale);
    options.envPairs.push(`RECON_SOCKETS=${JSON.stringify(passed)}`);
  }

  function without(envPairs, names) {
    return envPairs.filter((pair) => !names.includes(pair.split('=', 1)[0]));
  }

  function stdioOf(stdio) {
    if (stdio === 'inherit') return [0, 1, 2];
    if (Array.isArray(stdio)) return [...stdio, ...['pipe', 'pipe', 'pipe'].slice(stdio.length)];
    return [stdio || 'pipe', stdio || 'pipe', stdio || 'pipe'];
  }

  function patchSpawn() {
    const { prototype } = require('child_process').ChildProcess;
    const { spawn } = prototype;
    prototype.spawn = function (options) {
      try {
        forChild(options);
      } catch {
        // Node says itself what is wrong with these options
      }
      return spawn.call(this, options);
    };
  }

  // -- Unix sockets

  /** Programs remove the path before they listen, and at exit; a shared socket stays. */
  function keepPaths() {
    const paths = sockets.filter((socket) => socket.path && socket.inode).map((socket) => socket.path);
    if (paths.length === 0) return;
    const isKept = (name) => typeof name === 'string' && paths.includes(path.resolve(name));
    for (const name of ['unlinkSync', 'rmSync']) {
      const original = fs[name];
      if (original) fs[name] = (...args) => (isKept(args[0]) ? undefined : original(...args));
    }
    for (const name of ['unlink', 'rm']) {
      const [later, promised] = [fs[name], fs.promises[name]];
      if (!later) continue;
      fs[name] = (...args) => {
        if (isKept(args[0])) process.nextTick(args[args.length - 1], null);
        else later(...args);
      };
      fs.promises[name] = async (...args) => (isKept(args[0]) ? undefined : promised(...args));
    }
    require('module').syncBuiltinESMExports();
  }

  if (!inClusterWorker && !sockets.some((socket) => socket.inode !== 0)) return;
  net.Server.prototype._listen2 = listen2;
  patchSpawn();
  keepPaths();
  holdSignals();
}

/** PM2's end of `process.send`, for programs that say by it when they are ready. */
function supplySend(file) {
  if (typeof process.send === 'function' || !require('worker_threads').isMainThread) return;
  const fs = require('fs');
  const { O_WRONLY, O_APPEND } = fs.constants;
  let connected = true;

  function note() {
    const fd = fs.openSync(file, O_WRONLY | O_APPEND); // never made: it is there as long as we are
    try {
      fs.writeSync(fd, 'READY=1\n');
    } finally {
      fs.closeSync(fd);
    }
  }

  function send(message, ...rest) {
    const callback = rest.find((one) => typeof one === 'function');
    let failure = connected ? null : Object.assign(new Error('Channel closed'), { code: 'ERR_IPC_CHANNEL_CLOSED' });
    if (connected && message === 'ready') {
      try {
        note();
      } catch (error) {
        failure = error;
      }
    }
    if (callback) process.nextTick(callback, failure);
    return failure === null;
  }

  function disconnect() {
    if (!connected) return;
    connected = false;
    process.nextTick(() => process.emit('disconnect'));
  }

  const kept = { configurable: true, enumerable: true };
  Object.defineProperty(process, 'send', { ...kept, value: send, writable: true });
  Object.defineProperty(process, 'disconnect', { ...kept, value: disconnect, writable: true });
  Object.defineProperty(process, 'connected', { ...kept, get: () => connected, set: () => undefined });
}

if (process.env.RECON_READY_FILE) {
  try {
    supplySend(process.env.RECON_READY_FILE);
  } catch {
    // a program must start as without us
  }
}

if (process.env.RECON_SOCKETS) {
  try {
    const declared = JSON.parse(process.env.RECON_SOCKETS);
    if (Array.isArray(declared)) preload(declared);
  } catch {
    // a program must start as without us
  }
}
