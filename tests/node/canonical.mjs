// stdin: [value, …]; stdout: [text, …], each value in the form of RFC 8785
import { readFileSync } from "node:fs";
import canonicalize from "canonicalize";

const values = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(values.map((value) => canonicalize(value))));
