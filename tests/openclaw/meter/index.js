// Measures, in the gateway's own process, what other plugins add to a tool call. The host runs the hooks of a call one
// after the other by priority: first the idle plugin, between our first two marks, then all others, before our last.
const key = Symbol.for("agent-identity.meter");
const { calls, samples } = (globalThis[key] ??= { calls: new Map(), samples: [] });

export default {
  id: "meter",
  name: "Meter",
  register(api) {
    const mark = (priority, take) => {
      api.on("before_tool_call", ({ runId, toolCallId, toolName }) => take(`${runId} ${toolCallId}`, toolName), { priority });
    };
    mark(1_000_000, (call) => calls.set(call, [performance.now()]));
    mark(999_998, (call) => calls.get(call)?.push(performance.now()));
    mark(-1_000_000, (call, tool) => {
      const [first, second] = calls.get(call) ?? [];
      calls.delete(call);
      if (second) samples.push({ tool, idle: second - first, others: performance.now() - second });
    });
    api.registerTool(
      {
        name: "meter_tick",
        label: "Tick",
        description: "Does nothing",
        parameters: { type: "object", properties: { n: { type: "number" } } },
        execute: async () => ({ content: [{ type: "text", text: "ticked" }] }),
      },
      { name: "meter_tick" },
    );
    api.registerGatewayMethod("meter.samples", ({ respond }) => respond(true, samples.splice(0)));
  },
};
