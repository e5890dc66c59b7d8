// stdin: {schemas: {name: schema}, documents: [[schema name, document], …]}
// stdout: [true | false, …], what ajv says of each document
import { readFileSync } from "node:fs";
import Ajv from "ajv/dist/2020.js";

const { schemas, documents } = JSON.parse(readFileSync(0, "utf8"));
const ajv = new Ajv.default({ strict: false, validateFormats: false });
const validators = {};
for (const [name, schema] of Object.entries(schemas)) validators[name] = ajv.compile(schema);
const verdicts = documents.map(([name, document]) => validators[name](document));
process.stdout.write(JSON.stringify(verdicts));
