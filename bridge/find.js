// Where the agent-identity program is: named by configuration or environment, beside the plugin, in the package of this
// platform, or on the PATH; in that order. One that is named and cannot be run is an error, not a reason to look on.
import { accessSync, constants, statSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

const NAME = "agent-identity";

/**
 * @param {object | undefined} settings the plugin's
 * @param {string} root the plugin's own folder; where this module runs may be a copy of it that the gateway has made
 */
export function findProgram(settings, root, env = process.env) {
  for (const [where, path] of [
    ["identity.binaryPath", settings?.identity?.binaryPath],
    ["AGENT_IDENTITY_BIN", env.AGENT_IDENTITY_BIN],
  ]) {
    if (typeof path !== "string" || path.trim() === "") continue;
    const full = path.replace(/^~(?=\/)/, homedir());
    if (isProgram(full)) return full;
    throw new Error(`${where} names ${full}, which is no program that can be run; correct it, or remove it`);
  }
  const beside = join(root, "bin", NAME);
  const onPath = (env.PATH ?? "").split(delimiter).filter(Boolean).map((folder) => join(folder, NAME));
  const found = [beside, ofPlatform(root), ...onPath].find((path) => path && isProgram(path));
  if (found) return found;
  throw new Error(
    `there is no program ${NAME}: neither ${beside}, nor a package for ${process.platform}-${process.arch}, nor on the PATH; ` +
      "install it as the README says, or name it with identity.binaryPath",
  );
}

function ofPlatform(root) {
  try {
    const name = `@volcengine/agent-identity-${process.platform}-${process.arch}/bin/${NAME}`;
    return createRequire(join(root, "package.json")).resolve(name);
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
