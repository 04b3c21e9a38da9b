// The hello application on Node's own http module. Usage: node server.js PORT
const http = require('node:http');

const PLAIN = Buffer.from('Hello, World!');

const server = http.createServer((request, response) => {
  if (request.url === '/json') {
    const body = JSON.stringify({ message: 'Hello, World!' });
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
    response.end(body);
  } else {
    response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': PLAIN.length });
    response.end(PLAIN);
  }
});
server.keepAliveTimeout = 75000;
server.listen(Number(process.argv[2]), '127.0.0.1', 4096);
