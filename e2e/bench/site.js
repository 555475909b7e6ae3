'use strict';
// The site of the rolls: plain http, answers with its pid.
const body = String(process.pid);
require('http')
  .createServer((request, response) => {
    response.setHeader('Content-Length', body.length);
    response.end(body);
  })
  .listen(Number(process.env.PORT));
