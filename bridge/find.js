// Where the agent-identity program is: named by configuration or environment, beside the plugin, in the package of this
// platform, or on the PATH; in that order. One that is named and cannot be run is an error, not a reason to look on.
import { accessSync, constants, statSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const NAME = "agent-identity";

export function findProgram(settings, env = process.env) {
  for (const [where, path] of [
    ["identity.binaryPath", settings?.identity?.binaryPath],
    ["AGENT_IDENTITY_BIN", env.AGENT_IDENTITY_BIN],
  ]) {
    if (typeof path !== "string" || path.trim() === "") continue;
    const full = path.replace(/^~(?=\/)/, homedir());
    if (isProgram(full)) return full;
    throw new Error(`${where} names ${full}, which is no program that can be run; correct it, or remove it`);
  }
  const beside = fileURLToPath(new URL(`../bin/${NAME}`, import.meta.url));
  const onPath = (env.PATH ?? "").split(delimiter).filter(Boolean).map((folder) => join(folder, NAME));
  const found = [beside, ofPlatform(), ...onPath].find((path) => path && isProgram(path));
  if (found) return found;
  throw new Error(
    `there is no program ${NAME}: neither ${beside}, nor a package for ${process.platform}-${process.arch}, nor on the PATH; ` +
      "install it as the README says, or name it with identity.binaryPath",
  );
}

function ofPlatform() {
  try {
    const name = `@volcengine/agent-identity-${process.platform}-${process.arch}/bin/${NAME}`;
    return createRequire(import.meta.url).resolve(name);
  } catch {
    return undefined;
  }
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
