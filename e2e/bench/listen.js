'use strict';
// A server of one line, its pid: who connects knows which process serves.
const server = require('net').createServer((socket) => socket.end(`${process.pid}\n`));
if (process.argv[2]) server.listen(Number(process.argv[2]), '127.0.0.1');
else setInterval(() => {}, 1 << 30);
