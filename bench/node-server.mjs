// A yardstick of `make bench`: a Node http server on a Unix socket that looks at its peer as ours does, once for each
// connection. Node cannot ask the kernel who the peer is (SO_PEERCRED), so it reads the same files of its own process.
// Usage: node node-server.mjs SOCKET BODY
import { readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:http";

const [socket, body] = process.argv.slice(2);
const bytes = Buffer.from(body);
const server = createServer((request, response) => {
  response.writeHead(200, { "content-type": "application/json", "content-length": bytes.length });
  response.end(bytes);
});
server.on("connection", () => {
  readlinkSync(`/proc/${process.pid}/exe`);
  readFileSync(`/proc/${process.pid}/comm`);
  readFileSync(`/proc/${process.pid}/stat`);
});
server.keepAliveTimeout = 60_000;
server.listen(socket);
process.on("SIGTERM", () => process.exit(0));
