// The yardstick of `make bench`: a Node http server on a Unix socket that answers with a body of the same size as ours
// and, per connection, reads what our peer check reads from /proc. (Node cannot ask for SO_PEERCRED, so it looks at
// itself.) Usage: node node-server.mjs SOCKET BYTES
import { createServer } from "node:http";
import { readFileSync, readlinkSync } from "node:fs";

const [socket, bytes] = process.argv.slice(2);
const body = JSON.stringify({ token: "x".repeat(Math.max(0, Number(bytes) - 12)) });
const server = createServer((request, response) => {
  response.writeHead(200, { "content-type": "application/json", "content-length": body.length });
  response.end(body);
});
server.on("connection", () => {
  readlinkSync(`/proc/${process.pid}/exe`);
  readFileSync(`/proc/${process.pid}/comm`);
  readFileSync(`/proc/${process.pid}/stat`);
});
server.keepAliveTimeout = 60_000;
server.listen(socket, () => console.log("ready"));
process.on("SIGTERM", () => server.close(() => process.exit(0)));
