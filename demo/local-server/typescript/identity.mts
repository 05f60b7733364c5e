// Asks the identity socket who this is. TypeScript, Node built-ins only.
//
//     node identity.mts [SOCKET]
//
// Node reads the types from 22.18 on. For an older one: npm install typescript @types/node, then
// npx tsc --module nodenext --target es2022 identity.mts && node identity.mjs [SOCKET]

import { request } from "node:http";
import { homedir } from "node:os";
import { join } from "node:path";

interface Identity {
  sub: string;
  expiresAt: string;
}
interface Token extends Identity {
  /** Goes into a request as "Authorization: Bearer …". */
  token: string;
}
interface Failure {
  error: { message: string; hint?: string };
}

const socketPath = process.argv[2] ?? join(homedir(), ".openclaw/plugins/identity/identity.sock");

function exchange(method: string, path: string, body?: object): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { "Content-Type": "application/json" };
    const call = request({ socketPath, method, path, headers, timeout: 30_000 }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    call.on("timeout", () => call.destroy(new Error("no answer within 30 seconds")));
    call.on("error", reject);
    call.end(body && JSON.stringify(body));
  });
}

async function ask<T>(method: string, path: string, body?: object): Promise<T> {
  const { status, text } = await exchange(method, path, body);
  if (status === 403) {
    throw new Error('the identity server refuses this program; add "node" to identity.localServerAllowlist');
  }
  const answer: unknown = JSON.parse(text);
  if (status !== 200) {
    const { error } = answer as Failure;
    throw new Error(`${path}: ${error.message}; ${error.hint ?? ""}`);
  }
  return answer as T;
}

async function main(): Promise<void> {
  const token = await ask<Token>("GET", "/token");
  console.log(`token: ${token.sub} until ${token.expiresAt}`);
  const session = await ask<Identity>("GET", "/session");
  console.log(`session: ${session.sub} until ${session.expiresAt}`);
  const { tools } = await ask<{ tools: { name: string }[] }>("GET", "/tools");
  console.log(`tools: ${tools.length}, first ${tools[0].name}`);
  const body = { params: {}, session: "" };
  const { result } = await ask<{ result: Identity }>("POST", "/tool/identity_whoami", body);
  console.log(`identity_whoami: ${result.sub}`);
}

main().catch((error: NodeJS.ErrnoException) => {
  const absent = error.code === "ENOENT" || error.code === "ECONNREFUSED";
  console.error(
    absent ? `no identity server at ${socketPath}; start it with: agent-identity serve` : error.message,
  );
  process.exitCode = 1;
});
