// What any plugin costs that takes part in tool calls: the yardstick for ours.
export default {
  id: "idle",
  name: "Idle",
  register(api) {
    api.on("before_tool_call", async () => undefined, { priority: 999_999 });
  },
};
