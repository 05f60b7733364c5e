// A plugin that shows what a host gives to plugins, and that the harness plays whole stories: it writes down what it is
// told, refuses a message before the model, and has a tool that knows who asked.
import { appendFileSync } from "node:fs";
import { join } from "node:path";

const told = join(process.env.OPENCLAW_STATE_DIR, "told.jsonl");
const hooks = [
  "before_agent_start", "before_agent_run", "before_tool_call", "after_tool_call", "subagent_spawned", "subagent_ended",
  "gateway_start", "gateway_stop",
];

/** Appends what a hook was given, without the long texts and what JSON cannot hold. */
function write(hook, event, { config, ...ctx } = {}) {
  const { messages, systemPrompt, prompt, ...rest } = event ?? {};
  const plain = (_, value) => (typeof value === "bigint" ? String(value) : value);
  appendFileSync(told, `${JSON.stringify({ hook, event: rest, ctx }, plain)}\n`);
}

export default {
  id: "probe",
  name: "Probe",
  register(api) {
    for (const hook of hooks) api.on(hook, (event, ctx) => write(hook, event, ctx));
    api.on("before_dispatch", (event, ctx) => {
      write("before_dispatch", event, ctx);
      return event.content.startsWith("refuse") ? { handled: true, text: "refused by the probe" } : undefined;
    });
    api.registerTool(
      ({ requesterSenderId, sessionKey }) => ({
        name: "probe_say",
        label: "Probe",
        description: "Says a word and who asked",
        parameters: { type: "object", properties: { word: { type: "string" } }, required: ["word"] },
        async execute(_id, { word }) {
          const text = `${word} for ${requesterSenderId ?? "nobody"} in ${sessionKey}`;
          return { content: [{ type: "text", text }] };
        },
      }),
      { name: "probe_say" },
    );
    api.registerCommand({
      name: "probe",
      description: "Writes down its context",
      acceptsArgs: true,
      handler({ args, channel, from, senderId, sessionKey, to }) {
        write("command", { args }, { channel, from, senderId, sessionKey, to });
        return { text: "written down" };
      },
    });
    api.registerGatewayMethod("probe.who", ({ client, isWebchatConnect, respond }) => {
      respond(true, { webchat: isWebchatConnect(client?.connect) });
    });
    api.registerHttpRoute({
      path: "/probe",
      auth: "plugin",
      handler(_request, response) {
        response.end("probe");
        return true;
      },
    });
  },
};
