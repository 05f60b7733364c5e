// The plugin in the gateway: registers what OpenClaw wants to know at once, forwards what happens to the agent-identity
// process, and turns every failure of its own into a denial. It decides nothing.
//
// The gateway evaluates this module several times, and different instances serve different events; so the process hangs
// on globalThis, and everything that is known is in it.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { Child } from "./child.js";
import { findProgram } from "./find.js";

const ID = "agent-identity";
const STATIC = JSON.parse(readFileSync(new URL("./static.json", import.meta.url), "utf8"));
const SHARED = Symbol.for("agent-identity.bridge");
const CALLBACK_PATH = "/identity/oauth/callback";
const MAX_BODY = 64 * 1024;

/** How long the process may take for each; the host's own limits, where it has any, are set a little above. */
const DEADLINE_MS = { before_dispatch: 30_000, run: 12_000, before_tool_call: 55_000, tool: 110_000, other: 20_000 };

/** What is forwarded of an event and of the context beside it; the rest is large, private, or no JSON. */
const CTX = [
  "sessionKey", "agentId", "runId", "toolCallId", "channel", "channelId", "messageProvider", "messageChannel", "senderId",
  "requesterSenderId", "senderIsOwner", "requester", "accountId", "agentAccountId", "from", "to", "messageThreadId",
  "deliveryContext", "trigger", "inputProvenance", "workspaceDir", "requesterSessionKey", "childSessionKey",
];
const EVENT = [...CTX, "content", "toolName", "params", "targetSessionKey", "details"];

export default {
  id: ID,
  name: "Agent Identity",
  description: "Identity for agents: login, workload tokens, hosted credentials, permission checks, approvals",
  register(api) {
    const settings = api.pluginConfig ?? {};
    // The host of 2026.3.28 has neither the registrar nor what else is new.
    const modern = typeof api.registerTrustedToolPolicy === "function";
    const shared = (globalThis[SHARED] ??= { child: undefined, bindings: false });

    async function call(method, params, timeoutMs, signal) {
      for (const until = Date.now() + 5_000; !shared.child; ) {
        if (Date.now() >= until) throw new Error("the identity service has not been started");
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return shared.child.call(method, params, { timeoutMs, signal });
    }
    const forward = (method, event, ctx, timeoutMs) =>
      call(method, { event: pick(event, EVENT), ctx: pick(ctx, CTX) }, timeoutMs);
    const observe = (method, event, ctx) => {
      forward(method, event, ctx, DEADLINE_MS.other).catch((error) => api.logger.debug?.(`${method}: ${error.message}`));
    };
    const isGated = () => shared.child?.facts?.gated ?? gatedBy(settings);

    // First of all plugins before the model, and last of all before a tool: what is judged there is what runs.
    api.on(
      "before_dispatch",
      async (event, ctx) => {
        try {
          const answer = await forward("before_dispatch", event, ctx, DEADLINE_MS.before_dispatch);
          return answer.handled ? answer : undefined;
        } catch (error) {
          return isGated() ? { handled: true, text: denial(error) } : undefined;
        }
      },
      { priority: 1000 },
    );
    api.on(
      "before_tool_call",
      async (event, ctx) => {
        try {
          const verdict = await forward("before_tool_call", event, ctx, DEADLINE_MS.before_tool_call);
          if (verdict.requireApproval) {
            const told = { ctx: pick({ ...event, ...ctx }, CTX) };
            verdict.requireApproval.onResolution = (decision) => {
              call("approval_resolved", { ...told, decision }, DEADLINE_MS.other).catch(() => {});
            };
          }
          return verdict;
        } catch (error) {
          return isGated() || shared.bindings ? { block: true, blockReason: denial(error) } : undefined;
        }
      },
      { priority: -1000, timeoutMs: DEADLINE_MS.before_tool_call + 5_000 },
    );
    api.on("after_tool_call", (event, ctx) => {
      observe("after_tool_call", { ...event, ...detailsOf(event) }, ctx);
    });
    api.on("subagent_spawned", (event, ctx) => observe("subagent_spawned", event, ctx));
    api.on("subagent_ended", (event, ctx) => observe("subagent_ended", event, ctx));

    const withPrompt = (event) => ({
      ...pick(event, EVENT),
      prompt: String(event?.prompt ?? "").slice(0, 1000),
      ...(shared.child?.facts?.wantsPrompt ? { systemPrompt: event?.systemPrompt } : {}),
    });
    const runBegins = (method, event, ctx) =>
      call(method, { event: withPrompt(event), ctx: pick(ctx, CTX) }, DEADLINE_MS.run);
    if (!modern) {
      // This host can stop a run in no hook; a run that is refused here finds its tool calls refused.
      api.on("before_agent_start", async (event, ctx) => {
        await runBegins("before_agent_start", event, ctx).catch((error) => api.logger.warn(denial(error)));
      });
      api.on("llm_input", (event, ctx) => {
        if (shared.child?.facts?.wantsPrompt) void runBegins("llm_input", event, ctx).catch(() => {});
      });
    } else if (api.config?.plugins?.entries?.[ID]?.hooks?.allowConversationAccess === true) {
      api.on("before_agent_run", async (event, ctx) => {
        try {
          return await runBegins("before_agent_run", event, ctx);
        } catch (error) {
          const text = denial(error);
          return isGated() ? { outcome: "block", reason: text, message: text } : { outcome: "pass" };
        }
      });
    }

    for (const tool of STATIC.tools) {
      api.registerTool(
        (ctx) => ({
          ...tool,
          async execute(toolCallId, params, signal) {
            const where = { ...pick(ctx, CTX), toolCallId };
            const result = await call("tool", { name: tool.name, params, ctx: where }, DEADLINE_MS.tool, signal).catch(
              (error) => ({ error: { code: "unavailable", message: denial(error) } }),
            );
            return { content: [{ type: "text", text: JSON.stringify(result, null, 2) }], details: result };
          },
        }),
        { name: tool.name },
      );
    }
    for (const command of STATIC.commands) {
      api.registerCommand({
        ...command,
        acceptsArgs: true,
        // Whoever may write may log in; the host's own list of authorised senders is about other things.
        requireAuth: false,
        handler: (ctx) =>
          call("command", { args: ctx.args ?? "", ctx: pick(ctx, CTX) }, DEADLINE_MS.tool).catch((error) => ({
            text: denial(error),
          })),
      });
    }
    if (settings.identity?.webchatSessionExchange === true) {
      for (const name of STATIC.gatewayMethods) {
        api.registerGatewayMethod(name, async ({ params, client, isWebchatConnect, respond }) => {
          try {
            const isWebchat = isWebchatConnect(client?.connect) === true;
            const { ok, payload, error } = await call("gateway_method", { name, params, isWebchat }, DEADLINE_MS.other);
            respond(ok, payload, error);
          } catch (error) {
            respond(false, undefined, { code: "UNAVAILABLE", message: denial(error) });
          }
        });
      }
    }
    api.registerHttpRoute({
      path: pathOf(settings.userpool?.callbackUrl),
      auth: "plugin",
      match: "exact",
      handler: (req, res) => serveCallback(req, res, call),
    });

    api.registerService({
      id: ID,
      async start(ctx) {
        await shared.child?.stop();
        const env = { ...process.env };
        if (ctx?.stateDir) env.OPENCLAW_STATE_DIR ??= ctx.stateDir;
        shared.child = new Child({
          env,
          find: () => findProgram(settings, api.rootDir ?? fileURLToPath(new URL("..", import.meta.url))),
          greeting: () => ({
            pluginVersion: STATIC.version,
            hostVersion: api.runtime?.version,
            config: settings,
            session: pick(api.config?.session, ["dmScope"]),
            modern,
          }),
          logger: ctx?.logger ?? api.logger,
          on: (method, params) => fromProcess(api, shared, modern, method, params),
        });
        shared.child.start();
      },
      async stop() {
        const { child } = shared;
        shared.child = undefined;
        await child?.stop();
      },
    });
  },
};

/** What the process tells of its own accord. */
function fromProcess(api, shared, modern, method, params) {
  const failed = (error) => api.logger.warn(`${method} failed: ${error.message}`);
  if (method === "state") shared.bindings = params.bindings === true;
  else if (method === "wake") Promise.resolve().then(() => wake(api, modern, params)).catch(failed);
  else if (method === "send") Promise.resolve().then(() => send(api, params)).catch(failed);
}

/** Has the agent of a session take its next turn, with an event in front of it. */
function wake(api, modern, { sessionKey, agentId, text }) {
  const { system } = api.runtime;
  system.enqueueSystemEvent(text, { sessionKey, ...(modern && agentId ? { agentId } : {}) });
  const reason = "agent-identity: a consent has ended";
  if (modern) system.requestHeartbeat({ source: "other", intent: "event", reason, sessionKey });
  else system.requestHeartbeatNow({ reason, sessionKey });
}

/** Sends a text to a chat by the host's own means, where the channel has any. */
async function send(api, { channel, to, accountId, threadId, text }) {
  const channels = api.runtime.channel;
  const optional = { ...(accountId ? { accountId } : {}), ...(threadId ? { threadId } : {}) };
  if (channels?.outbound?.loadAdapter) {
    const adapter = await channels.outbound.loadAdapter(channel);
    return adapter?.sendText?.({ cfg: api.config, to, text, ...optional });
  }
  const sender = Object.entries(channels?.[channel] ?? {}).find(([name]) => /^sendMessage[A-Z]/.test(name))?.[1];
  return sender?.(to, text, { cfg: api.config, ...optional, ...(threadId ? { messageThreadId: threadId } : {}) });
}

/** The login callback: the request's words go to the process, its page comes back. */
async function serveCallback(req, res, call) {
  let page;
  try {
    const body = await read(req);
    const { origin, "sec-fetch-site": site, "accept-language": language } = req.headers;
    const headers = pick({ origin, "sec-fetch-site": site, "accept-language": language });
    page = await call("http", { method: req.method, url: req.url, headers, body }, DEADLINE_MS.other);
  } catch (error) {
    const headers = { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" };
    page = { status: error.status ?? 503, headers, body: denial(error) };
  }
  res.writeHead(page.status, page.headers);
  res.end(req.method === "HEAD" ? undefined : page.body);
  return true;
}

async function read(req) {
  const chunks = [];
  let length = 0;
  const timer = setTimeout(() => req.destroy(new Error("the request took too long")), 10_000);
  try {
    for await (const chunk of req) {
      if ((length += chunk.length) > MAX_BODY) throw Object.assign(new Error("the request is too large"), { status: 413 });
      chunks.push(chunk);
    }
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Whether anything keeps people or calls out by these settings, as long as the process has not said. */
function gatedBy({ userpool = {}, authz = {} }) {
  const flags = ["agentCheck", "toolCheck", "skillReadCheck", "requireRiskApproval"];
  const pool = ["discoveryUrl", "clientId", "userPoolName", "clientName"];
  return flags.some((flag) => authz?.[flag] === true) || pool.some((key) => userpool?.[key] !== undefined);
}

function denial(error) {
  return `[agent-identity] The identity service does not answer (${error?.message ?? error}). Nothing was done. Try again in a moment.`;
}

/** Of a result, what tells about another session. */
function detailsOf(event) {
  const { details } = event?.result ?? {};
  return details ? { details: pick(details, ["status", "childSessionKey", "sessionKey"]) } : {};
}

function pathOf(url) {
  try {
    return new URL(url).pathname;
  } catch {
    return CALLBACK_PATH;
  }
}

/** The named members that are there; without names, all that are. */
function pick(object, names = Object.keys(object ?? {})) {
  const picked = {};
  for (const name of names) {
    if (object?.[name] !== undefined && object[name] !== null) picked[name] = object[name];
  }
  return picked;
}
