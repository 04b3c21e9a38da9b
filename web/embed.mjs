// Writes what Vite has built as a C++ source: node embed.mjs dist dashboard_files.cpp
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, sep } from "node:path";
import { gzipSync } from "node:zlib";

const [folder, target] = process.argv.slice(2);
const types = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

function literal(bytes) {
  const lines = [];
  for (let i = 0; i < bytes.length; i += 120) {
    let line = "";
    for (const byte of bytes.subarray(i, i + 120))
      line +=
        byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c && byte !== 0x3f
          ? String.fromCharCode(byte)
          : "\\" + byte.toString(8).padStart(3, "0");
    lines.push(`"${line}"`);
  }
  return `{\n${lines.join("\n") || '""'}, ${bytes.length}}`;
}

const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
  .sort()
  .map((file) => {
    const path = "/" + file.slice(folder.length + 1).split(sep).join("/");
    const type = types[path.split(".").pop()];
    if (!type) throw new Error(`what type has ${path}?`);
    const content = readFileSync(file);
    const tag = createHash("sha256").update(content).digest("hex").slice(0, 16);
    const gzip = gzipSync(content, { level: 9 });
    return `    {"${path === "/index.html" ? "/" : path}", "${type}", "${tag}",\n     ${literal(content)},\n     ${literal(gzip)}},`;
  });

writeFileSync(
  target,
  `// Made by web/embed.mjs of what Vite has built.
#include <array>

#include "admin/dashboard.hpp"

namespace tandem::admin {

namespace {

constexpr DashboardFile kFiles[] = {
${entries.join("\n")}
};

}  // namespace

std::span<const DashboardFile> dashboard_files() { return kFiles; }

}  // namespace tandem::admin
`,
);
