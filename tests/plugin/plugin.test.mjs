// The plugin's own part, where the real gateways of tests/gateway.rs do not reach: what it registers in a host of either
// generation, and that every failure of its own is a denial. Run by tests/plugin.rs, which names the program to start.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";

import plugin from "../../bridge/index.js";
import { findProgram } from "../../bridge/find.js";

const root = new URL("../../", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL("openclaw.plugin.json", root)));
const POOL = { userpool: { discoveryUrl: "https://pool.example", clientId: "c", callbackUrl: "https://h.example/in" } };
const services = [];

afterEach(async () => {
  for (const service of services.splice(0)) await service.stop();
  delete globalThis[Symbol.for("agent-identity.bridge")];
});

/** A host that keeps what is registered. */
function host(pluginConfig, { modern = true, access = true } = {}) {
  const seen = { hooks: {}, tools: {}, commands: {}, methods: {}, routes: [], log: [] };
  const log = (text) => seen.log.push(text);
  const api = {
    pluginConfig,
    config: { plugins: { entries: { "agent-identity": { hooks: { allowConversationAccess: access } } } } },
    logger: { info: log, warn: log, error: log, debug: log },
    runtime: { version: "2026.9.6" },
    on: (name, handler) => (seen.hooks[name] = handler),
    registerTool: (factory, { name }) => (seen.tools[name] = factory),
    registerCommand: (command) => (seen.commands[command.name] = command),
    registerGatewayMethod: (name, handler) => (seen.methods[name] = handler),
    registerHttpRoute: (route) => seen.routes.push(route),
    registerService: (service) => (seen.service = service),
    ...(modern ? { registerTrustedToolPolicy() {} } : {}),
  };
  assert.equal(plugin.register(api), undefined, "registration is synchronous");
  services.push(seen.service);
  return seen;
}

function state() {
  const folder = mkdtempSync(join(tmpdir(), "agent-identity-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const MESSAGE = [{ content: "hello", sessionKey: "agent:main:main", senderId: "ann", channel: "webchat" }, {}];
const CALL = [{ toolName: "exec", params: { command: "ls" } }, { sessionKey: "agent:main:main", runId: "r", toolCallId: "c" }];

test("each generation gets the hooks that it knows, and no other", () => {
  const both = ["after_tool_call", "before_dispatch", "before_tool_call", "subagent_ended", "subagent_spawned"];
  const hooks = (options) => Object.keys(host({}, options).hooks).sort();
  assert.deepEqual(hooks({ modern: true }), [...both, "before_agent_run"].sort());
  assert.deepEqual(hooks({ modern: true, access: false }), both);
  assert.deepEqual(hooks({ modern: false }), [...both, "before_agent_start", "llm_input"].sort());
});

test("tools are those of the manifest, the route is the callback's, methods are there only when asked for", () => {
  const seen = host(POOL);
  assert.deepEqual(Object.keys(seen.tools), manifest.contracts.tools);
  assert.deepEqual(Object.keys(seen.commands), ["identity", "id"]);
  assert.deepEqual(seen.routes.map(({ path, auth, match }) => [path, auth, match]), [["/in", "plugin", "exact"]]);
  assert.deepEqual(Object.keys(seen.methods), []);
  const exchanging = host({ identity: { webchatSessionExchange: true } });
  assert.deepEqual(Object.keys(exchanging.methods), ["identity.session.put", "identity.session.get"]);
  assert.equal(exchanging.routes[0].path, "/identity/oauth/callback");
});

test("without a program everything that is gated is denied, with the reason", async () => {
  const seen = host({ ...POOL, identity: { binaryPath: "/nowhere/agent-identity", webchatSessionExchange: true } });
  await seen.service.start({ stateDir: state() });
  assert.match(seen.log[0], /identity\.binaryPath names \/nowhere\/agent-identity/);
  const { handled, text } = await seen.hooks.before_dispatch(...MESSAGE);
  assert.ok(handled && text.startsWith("[agent-identity]") && text.includes("/nowhere/agent-identity"), text);
  const { block, blockReason } = await seen.hooks.before_tool_call(...CALL);
  assert.ok(block && blockReason.startsWith("[agent-identity]"));
  assert.equal((await seen.hooks.before_agent_run({}, {})).outcome, "block");
  assert.match((await seen.commands.identity.handler({ args: "login" })).text, /^\[agent-identity\]/);
  const result = await seen.tools.identity_whoami({}).execute("c", {});
  assert.equal(result.details.error.code, "unavailable");
  let answer;
  const respond = (...given) => (answer = given);
  await seen.methods["identity.session.get"]({ params: {}, client: {}, isWebchatConnect: () => true, respond });
  assert.deepEqual([answer[0], answer[2].code], [false, "UNAVAILABLE"]);
});

test("without a program, and with nothing gated, the host goes on", async () => {
  const seen = host({ identity: { binaryPath: "/nowhere/agent-identity" } });
  await seen.service.start({ stateDir: state() });
  assert.equal(await seen.hooks.before_dispatch(...MESSAGE), undefined);
  assert.equal(await seen.hooks.before_tool_call(...CALL), undefined);
  assert.deepEqual(await seen.hooks.before_agent_run({}, {}), { outcome: "pass" });
});

test("a service that was never started is a denial, after a short wait", async () => {
  const seen = host({ authz: { requireRiskApproval: true } });
  const { block, blockReason } = await seen.hooks.before_tool_call(...CALL);
  assert.ok(block && blockReason.includes("has not been started"), blockReason);
});

test("a process that dies is started again, and what waits for it meanwhile is answered", async () => {
  const seen = host(POOL);
  await seen.service.start({ stateDir: state() });
  const refused = await seen.hooks.before_dispatch(...MESSAGE);
  assert.ok(refused.handled && !refused.text.includes("does not answer"), refused.text);
  const { child } = globalThis[Symbol.for("agent-identity.bridge")].child;
  const gone = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGKILL");
  await gone;
  const again = await seen.hooks.before_dispatch(...MESSAGE);
  assert.ok(again.handled && !again.text.includes("does not answer"), again.text);
  assert.notEqual(globalThis[Symbol.for("agent-identity.bridge")].child.child.pid, child.pid);
});

test("a stop ends the process", async () => {
  const seen = host({});
  await seen.service.start({ stateDir: state() });
  await seen.hooks.before_tool_call(...CALL);
  const { child } = globalThis[Symbol.for("agent-identity.bridge")].child;
  await seen.service.stop();
  assert.equal(child.exitCode, 0);
});

test("a program of another version is refused, with both versions", async () => {
  const folder = state();
  const fake = join(folder, "agent-identity");
  const refusal = { jsonrpc: "2.0", id: 1, error: { code: -32602, message: "the plugin is version 0.1.0, this program is 9.9.9" } };
  writeFileSync(fake, `#!/bin/sh\nread line\necho '${JSON.stringify(refusal)}'\nread line\n`, { mode: 0o755 });
  const seen = host({ ...POOL, identity: { binaryPath: fake } });
  await seen.service.start({ stateDir: folder });
  const { text } = await seen.hooks.before_dispatch(...MESSAGE);
  assert.match(text, /this program is 9\.9\.9/);
});

test("the program is the one that is named, else one beside the plugin or on the PATH", () => {
  const folder = state();
  writeFileSync(join(folder, "agent-identity"), "", { mode: 0o755 });
  const program = join(folder, "agent-identity");
  assert.equal(findProgram({}, folder, { AGENT_IDENTITY_BIN: program }), program);
  assert.equal(findProgram({ identity: { binaryPath: program } }, folder, { AGENT_IDENTITY_BIN: "/nowhere" }), program);
  assert.throws(() => findProgram({}, folder, { AGENT_IDENTITY_BIN: "/nowhere", PATH: folder }), /AGENT_IDENTITY_BIN names/);
  assert.equal(findProgram({}, folder, { PATH: `/nowhere:${folder}` }), program);
  assert.throws(() => findProgram({}, folder, { PATH: "/nowhere" }), /install it as the README says/);
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, "bin/agent-identity"), "", { mode: 0o755 });
  assert.equal(findProgram({}, folder, { PATH: folder }), join(folder, "bin/agent-identity"));
});
