/* A `duet serve` of its own for a test, over a database that lives as long. */

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/* {url, folder, stop()}; `key`: the server asks for it. */
export async function startServer(duet, { key } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "duet-page-"));
  const args = ["serve", "--db", join(folder, "page.db"), "--listen", "127.0.0.1:0"];
  if (key) {
    await writeFile(join(folder, "key"), key, { mode: 0o600 });
    args.push("--api-key-file", join(folder, "key"));
  }
  const child = spawn(duet, args, { stdio: ["ignore", "inherit", "pipe"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const url = await new Promise((resolve, reject) => {
    let told = "";
    child.stderr.on("data", (data) => {
      told += data;
      const found = told.match(/http:\/\/127\.0\.0\.1:\d+/);
      if (found) {
        resolve(found[0]);
      }
    });
    ended.then(() => reject(new Error(`duet serve ended: ${told}`)));
  });
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
    await rm(folder, { recursive: true });
  };
  return { url, folder, stop };
}
